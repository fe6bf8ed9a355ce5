/* SPDX-License-Identifier: MIT */
/*
 * Tasks and futures of a program, and those of hem behind them.
 */
#ifndef CONFORMANCE_TASKS_H
#define CONFORMANCE_TASKS_H

#include <hem.h>

#include "exec.h"

/*
 * A task. hem's handle dies with the scope that spawned the task, but the
 * program may still ask: from then on a future with the same outcome stands
 * for it.
 */
struct task {
    struct thing thing;
    hem_task *handle;        /* NULL: `after` stands for it */
    hem_future after;        /* valid once `handle` is NULL */
    struct fn *fn;           /* what it runs */
    struct task *creator;    /* NULL: it is the root task */
    int created;             /* tasks that it has created */
    struct outcome outcome;  /* of its function; of the task once `ended` */
    int requests;            /* its count when it ended */
    size_t place;            /* of the `end` line in the trace */
    bool started;            /* the function was entered */
    bool ended;              /* the `end` line is written */
    bool late;               /* spawned when main had ended */
    bool watched;            /* on_end is registered */
    hem_done on_end;         /* writes it, unless the function could */
    hem_callback first_step; /* behind the first step in the ready queue */
    struct task *sibling;    /* the next older child of its scope */
    struct scope *scope;     /* that spawned it, NULL: the loop's own */
    char name[];             /* of the trace; hem's name of the task, too */
};

struct future {
    struct thing thing;
    hem_future future;
};

/* Spawn a task of `fn` in the current task: in a scope, or, NULL, in the
 * loop's own. Returns NULL and hem's error, or the task. */
struct task *task_create(struct fn *fn, struct scope *scope, bool eager,
                         int *ret_status);

/* The scope has been left, whose youngest child is `t`: their handles are not
 * valid any more. */
void task_retire(struct task *t);

/* The task of the function that runs now; NULL: none is current. */
struct task *task_current(void);

/* The task of main(). */
struct task *task_root(void);

/* The task behind one of hem's. */
struct task *task_of(const hem_task *t);

/* Run main as the root task; an hem_fn. */
int task_main(void *arg);

/* Make the root task, to be run by task_main. */
struct task *task_create_root(struct fn *fn);

/* Operations on a task or a future. */
struct outcome awaitable_wait(struct thing *t);
bool awaitable_done(const struct thing *t);
bool awaitable_cancelled(const struct thing *t);
bool awaitable_cancel(struct thing *t, const char *why);
void awaitable_on_done(struct thing *t, hem_done *d, hem_done_fn *fn,
                       void *arg);
/* Of one that has ended; else invalid_state. */
struct outcome awaitable_result(const struct thing *t);

/* The outcome behind `status`, which came from the task or future `t`. */
struct outcome awaitable_outcome(const struct thing *t, int status);

#endif

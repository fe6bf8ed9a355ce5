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
    struct task *older;     /* in the list of all */
    hem_task *handle;       /* NULL: `after` stands for it, once it `retired` */
    hem_future after;       /* valid once it `retired` */
    struct fn *fn;          /* what it runs; NULL: something of hem's */
    struct task *creator;   /* NULL: it is the root task */
    int created;            /* tasks that it has created */
    struct outcome outcome; /* of its function; of the task once `ended` */
    int requests;           /* its count when it ended */
    size_t place;           /* of the `end` line in the trace; 0: not known */
    bool started;           /* the function was entered */
    bool ended;             /* the `end` line is written */
    bool late;              /* spawned when main had ended */
    bool retired;           /* `handle` is not valid any more */
    bool lost;              /* it is not valid once the task has ended */
    hem_done on_end;        /* writes it, unless the function did */
    hem_callback first_step; /* before the first step in the ready queue */
    struct task *sibling;    /* the next older child of its scope */
    struct scope *scope;     /* that spawned it, NULL: the loop's own */
    char name[];             /* of the trace; hem's name of the task, too */
};

/* A future: the program's own, or one of hem's. */
struct future {
    struct thing thing;
    hem_future *future;
    hem_future own;
    struct task *of;              /* whose outcome it gets, NULL: nobody's */
    const struct calls *gathered; /* what it is a gathering of, or NULL */
    struct thing *shielded;       /* what it is a shield of, or NULL */
};

/* Spawn a task of `fn` in the current task: in a scope, or, NULL, in the
 * loop's own; of the options, only .eager and .context count. Returns NULL and
 * hem's error, or the task. */
struct task *task_create(struct fn *fn, struct scope *scope,
                         const hem_spawn_options *opts, int *ret_status);

/*
 * A task of `fn` that hem will spawn: it must run task_main(t) and be named
 * t->name. From then on its handle is known. Whoever learns that it was not
 * spawned says so; whoever learns that its handle is not valid any more has it
 * retired.
 */
struct task *task_prepare(struct fn *fn);
void task_refuse(struct task *t);
void task_retire(struct task *t);

/* The same for a task that runs something of hem's, and is labelled so. It is
 * retired when it ends. */
struct task *task_prepare_label(const char *label);

/*
 * A name for tasks of `fn` that hem spawns by itself, from now on until the end
 * of the program: each becomes a task of its own, created by whoever is then
 * current, is to call task_run_current(), and is retired when it ends.
 */
const char *task_template(struct fn *fn);
struct outcome task_run_current(void);

/* hem has spawned a task: hem_run_options.on_spawn. */
void task_spawned(void *arg, hem_task *t);

/* The scope has been left, whose youngest child is `t`: their handles are not
 * valid any more. */
void task_retire_all(struct task *t);

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

/* The future that a task or a future is, or that stands for it. */
hem_future *awaitable_future(struct thing *t);

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

/* SPDX-License-Identifier: MIT */
/*
 * Tasks, inside.
 *
 * A task is a fiber with an outcome, a place in a nursery (its scope's, or the
 * loop's own), and a stack of shields (its open scopes).
 *
 *     ready --first step--> running <--> parked/ready --fn returns--> done
 *     ready --cancelled before the first step--> done
 *
 * Where its record is. A task without a handle keeps it at the top of its own
 * stack, so that a parked task costs one page; it goes with the stack when the
 * task ends. A task with a handle has its record from a cache of the loop, for
 * it stays until its nursery is closed or the handle is forgotten.
 *
 * Requests to cancel go through the stack of shields: the innermost shielded
 * scope keeps them back, hem__shield_* below. A plain request counts and
 * interrupts the fiber.
 */
#ifndef HEM__TASK_TASK_H
#define HEM__TASK_TASK_H

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "hem/future.h"
#include "hem/run.h"
#include "hem/task.h"
#include "loop/fiber.h"
#include "loop/loop.h"
#include "task/outcome.h"
#include "task/var.h"

#define HEM__RECORDS_KEPT 4096

typedef struct hem__nursery hem__nursery;
typedef struct hem__shield hem__shield;

/* Flags of a task, in future.outcome.flags. */
enum hem__task_flag {
    HEM__TASK_HANDLE = 1,    /* the record is from the cache */
    HEM__TASK_RETRIEVED = 2, /* somebody asked for the result */
    HEM__TASK_FORGOTTEN = 4, /* free the record when it ends */
    HEM__TASK_AT_EXIT = 8,   /* cancelled by the end of the run */
    HEM__TASK_HANDLED = 16,  /* its failure went to a handler */
};

struct hem_task {
    hem__fiber fiber; /* must be first */
    hem_future future;
    hem__timer timer;             /* of hem_sleep; its place is reserved */
    hem__nursery *nursery;        /* to which it belongs */
    hem__list sibling;            /* among its tasks */
    hem__list all;                /* in the list of all that have not ended */
    hem__shield *shields;         /* its open scopes, innermost first */
    struct hem_timeout *timeouts; /* its open ones, innermost first */
    hem_fn *fn;                   /* its body, to be called with `arg` */
    void *arg;
    hem_error *error;     /* the latest record of a failure, held, or NULL */
    hem_context own;      /* variables set in it, if it was not given others */
    hem_context *context; /* those that it sees: `own`, or others */
    const char *name;
    const hem_site *site; /* where it was spawned */
    uint32_t count;       /* requests to cancel that were not taken back */
    uint32_t expected;    /* count that the close of a task context expects */
};

/* The generators of a loop that have begun and not ended (src/flow/gen.c). */
typedef struct hem__generators {
    hem__list open;      /* in the order of their first steps */
    hem__stack *reserve; /* so that a task can be spawned that closes those that
                            are left; NULL: none is needed */
} hem__generators;

/* What all tasks of a loop share. */
typedef struct hem__runtime {
    hem_loop loop;        /* must be first */
    hem__nursery nursery; /* of tasks spawned outside of any scope */
    hem__list all;        /* tasks not ended, in order of creation */
    hem__list unowned;    /* by `open`: of open scopes that nest with none */
    hem__list failed;     /* by `all`: those AT_EXIT that failed */
    size_t at_exit;       /* number of tasks AT_EXIT that have not ended */
    struct hem__record *records; /* free ones */
    uint32_t record_count;
    hem__stack_class *stack_class; /* of stacks if nobody asked for others */
    uint64_t last_context_id;
    hem_ns slow_step; /* a step that takes so long is logged; 0: none is */
    hem_task *main;
    const hem_run_options *options;
    hem__generators generators;
    /* Called when all tasks have been cancelled and have ended: spawns tasks,
     * AT_EXIT, that close the generators that are left. NULL: there were none. */
    void (*close_generators)(struct hem__runtime *rt);
    bool ending;      /* the main task has ended */
    bool closed;      /* no more tasks */
    bool slow;        /* closed, or there is a hook: spawn the slow way */
    bool interrupted; /* SIGINT cancelled the main task */
} hem__runtime;

static inline hem__runtime *hem__runtime_of(hem_loop *l)
{
    return (hem__runtime *)l;
}

/* The current task; it is a mistake if there is none. */
static inline hem_task *hem__task_need(hem_loop *l, const char *function)
{
    return (hem_task *)hem__fiber_need(l, function);
}

/* Spawn into a nursery; see hem_spawn_at(). */
int hem__task_spawn(hem_loop *l, hem__nursery *n, hem_task **ret, hem_fn *fn,
                    void *arg, const hem_site *site);
int hem__task_spawn_with(hem_loop *l, hem__nursery *n, hem_task **ret,
                         hem_fn *fn, void *arg, const hem_spawn_options *opts);

/* The `cancel` of the futures that tasks are. */
bool hem__task_cancel_future(hem_future *f, const char *why);

/* The task that `f` is, NULL: it is none. */
static inline hem_task *hem__task_of_future(const hem_future *f)
{
    return f->cancel == hem__task_cancel_future
               ? HEM__CONTAINER(f, hem_task, future)
               : NULL;
}

/* Whether the end of the run has to report the failure of `t`. */
static inline bool hem__task_failed_at_exit(const hem_task *t)
{
    return t->future.outcome.state == HEM__DONE &&
           t->future.outcome.status < 0 &&
           !(t->future.outcome.flags & HEM__TASK_HANDLED);
}

/* Spawn a task that is parked, as by `wait`, at the end of `queue`, by its
 * fiber's waiter, and takes its first step when woken. */
int hem__task_spawn_parked(hem_loop *l, hem__nursery *n, hem_task **ret,
                           hem_fn *fn, void *arg, const hem_spawn_options *opts,
                           const hem__wait *wait, hem__list *queue);

static inline bool hem__task_failed(const hem_task *t)
{
    return t->future.outcome.state == HEM__DONE && t->future.outcome.status < 0;
}

/* Records of tasks with handles: some free ones are kept. */

struct hem__record { /* a free one */
    struct hem__record *next;
};

/* There is one. */
static inline hem_task *hem__record_get(hem__runtime *rt)
{
    struct hem__record *r = rt->records;
    rt->records = r->next;
    rt->record_count--;
    return (hem_task *)(void *)r;
}

static inline void hem__record_put(hem__runtime *rt, hem_task *t)
{
    if (rt->record_count == HEM__RECORDS_KEPT) {
        hem__free(t);
        return;
    }
    struct hem__record *r = (struct hem__record *)(void *)t;
    r->next = rt->records;
    rt->records = r;
    rt->record_count++;
}

/* Report a failure that nobody asked for, and free what belongs to `t`, which
 * failed. */
void hem__task_bury(hem_loop *l, hem_task *t);

/* Free the record of an ended task. */
static inline void hem__task_free(hem_loop *l, hem_task *t)
{
    if (t->future.outcome.status < 0)
        hem__task_bury(l, t);
    if (t->future.outcome.flags & HEM__TASK_HANDLE)
        hem__record_put(hem__runtime_of(l), t);
}

/* Pass the failure of `t` to the handler of the run. */
void hem__report(hem_loop *l, hem_report_kind kind, hem_task *t);

/* The handler of the error of `t` failed with `status`. */
void hem__report_handler(hem_loop *l, hem_task *t, int status);

/* nursery.c */

void hem__nursery_init(hem__nursery *n,
                       void (*ended)(hem__nursery *self, hem_task *child));

/* Request of each child, in order of creation, that it be cancelled. */
void hem__nursery_cancel(hem_loop *l, hem__nursery *n, const char *why);

/* Free the records of ended children; the others have none left. */
void hem__nursery_release(hem_loop *l, hem__nursery *n);

/* shield.c: requests to cancel, through the stack of shields from `s` on,
 * which is one of the shields of `t`, or NULL: outside of all. */

void hem__shield_cancel(hem_loop *l, hem_task *t, hem__shield *s,
                        const char *why);
uint32_t hem__shield_count(const hem_task *t, const hem__shield *s);
int hem__shield_uncancel(hem_task *t, hem__shield *s);

/* See hem__title(). */
static inline const char *hem__task_title(const hem_task *t)
{
    return hem__title(t->name, t->site->file, t->site->line);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Tasks: functions that run side by side on one thread, each on its own
 * stack. Any function that a task calls may suspend it.
 *
 *     static int child(void *arg) { return hem_sleep(*(hem_ns *)arg); }
 *
 *     hem_ns d = HEM_SEC;                     // before the scope: outlives it
 *     HEM_SCOPE(s);
 *     hem_task *t;
 *     HEM_TRY(hem_scope_spawn(&s, &t, child, &d));
 *     hem_task_cancel(t, "changed my mind");
 *     int rc = hem_await(t);                  // HEM_ECANCELED
 *
 * Spawn into scopes (scope.h), which no child outlives. hem_spawn() is for
 * tasks that live as long as the loop: so must their arguments.
 *
 * Life. A task is ready when spawned and takes its first step in the next turn
 * of the loop. Each step runs until the task suspends; then the next ready
 * task runs. When its function returns, the return value is its result: 0 or
 * more, or an error. Each task belongs to the scope that spawned it, in the
 * end to the loop, which outlives it (scope.h).
 *
 * Cancellation is a request, and an edge: it interrupts the wait of the task,
 * or its next one if it does not wait, once. The interrupted call returns
 * HEM_ECANCELED; the function cleans up, and returns that error. A task
 * cancelled before its first step never runs. Requests are counted, so that
 * code that catches its own request (a timeout) can tell it from others:
 * hem_task_cancelling(), hem_task_uncancel(). All this is asyncio's
 * Task.cancel(). Inside a shielded scope requests are kept back (scope.h).
 *
 * Handles. hem_spawn(NULL, ...) makes a task that is freed when it ends. With
 * a handle, a small record stays until the scope is closed that spawned the
 * task, or until hem_task_forget(). hem_self() is valid as long as the task.
 *
 * A stack has 64 KiB of address space by default, of which it uses what the
 * task touches. Overflow ends the process with a line that names the task.
 */
#ifndef HEM_TASK_H
#define HEM_TASK_H

#include "base.h"
#include "failure.h"
#include "var.h"

HEM_BEGIN_DECLS

typedef struct hem_task hem_task;

/* Where a task is spawned in the program's text; static. */
typedef struct hem_site {
    const char *function; /* that the task runs: its name by default */
    const char *file;
    int line;
} hem_site;

typedef struct hem_spawn_options {
    const char *name;   /* NULL: the function's; lives as long as the record */
    size_t stack_bytes; /* of address space; 0: the loop's default */
    bool eager;         /* take the first step now, inside the call */
    hem_context *context; /* its variables, until it ends; NULL: a copy of the
                             caller's */
    const hem_site *site; /* filled in by the macros */
} hem_spawn_options;

/*
 * Spawn a task that runs fn(arg), in the loop's own scope: nobody waits for it
 * but those who do so by themselves, and the end of hem_run(), which cancels
 * it. `ret` may be NULL. An eager task runs up to its first suspension before
 * the call returns (the call itself does not suspend); spawned in an error
 * handler it runs in the next turn. HEM_ENOMEM: no memory,
 * or no more stacks: as many tasks exist as this kernel can hold (24,000
 * before Linux 6.13). HEM_EINVAL: stack_bytes above 1 GiB. HEM_EREFUSED: the
 * loop is ending. Both are macros. [loop thread]
 */
#define hem_spawn(ret, fn, arg) hem_spawn_at((ret), (fn), (arg), HEM__SITE(#fn))
#define hem_spawn_with(ret, fn, arg, ...)                                      \
    hem_spawn_with_at(                                                         \
        (ret), (fn), (arg),                                                    \
        &(hem_spawn_options){__VA_ARGS__, .site = HEM__SITE(#fn)})

HEM_API HEM_CHECK int hem_spawn_at(hem_task **ret, hem_fn *fn, void *arg,
                                   const hem_site *site);
HEM_API HEM_CHECK int hem_spawn_with_at(hem_task **ret, hem_fn *fn, void *arg,
                                        const hem_spawn_options *opts);

#define HEM__SITE(fn_name)                                                     \
    (__extension__({                                                           \
        static const hem_site hem_site_ = {fn_name, __FILE__, __LINE__};       \
        &hem_site_;                                                            \
    }))

/*
 * Wait until `t` has ended and return its result or error. If the caller is
 * cancelled meanwhile, `t` is cancelled, and the wait goes on until `t` has
 * ended: asyncio's `await task`. Returns at once if `t` has ended already. With
 * an error comes its record (failure.h). HEM_EREFUSED: a task cannot await
 * itself. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_await(hem_task *t);

/* Give all other ready tasks a turn. HEM_ECANCELED. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_yield(void);

/*
 * Suspend the task for `d`; 0 or less is hem_yield(), HEM_NEVER waits for a
 * cancellation. HEM_ECANCELED. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_sleep(hem_ns d);

/* Return the current task, NULL in a callback or outside. [any thread] */
HEM_API hem_task *hem_self(void);

/*
 * Request that `t` be cancelled, for the reason `why` (a static string, kept
 * by pointer, or NULL). Return false if it has ended already. Never
 * allocates. [loop thread]
 */
HEM_API bool hem_task_cancel(hem_task *t, const char *why);

/* Return the number of requests that were not taken back; asyncio's
 * cancelling(). Inside a shielded scope: those it holds. [loop thread] */
HEM_API HEM_CHECK int hem_task_cancelling(const hem_task *t);

/*
 * Return whether a request waits to be delivered, so that the next suspension
 * point of `t` returns HEM_ECANCELED: for loops that compute for long. Inside
 * a shielded scope: none. [loop thread]
 */
HEM_API bool hem_task_cancel_pending(const hem_task *t);

/*
 * Take one request back and return how many are left; at 0 a request not yet
 * delivered is forgotten. Inside a shielded scope the last one held back;
 * HEM_EMISUSE: it holds none. [loop thread]
 */
HEM_API int hem_task_uncancel(hem_task *t);

/* Return the reason of the cancellation that `t` was last interrupted by, or
 * ended by; NULL: none given. [loop thread] */
HEM_API const char *hem_task_reason(const hem_task *t);

/* Return whether the task has ended, and whether by cancellation.
 * [loop thread] */
HEM_API bool hem_task_done(const hem_task *t);
HEM_API bool hem_task_cancelled(const hem_task *t);

/* Return the result or error of a task that has ended (HEM_ECANCELED if it was
 * cancelled), HEM_ESTATE if it has not. [loop thread] */
HEM_API int hem_task_result(const hem_task *t);

/* Return the record of a task that failed (failure.h), NULL if there is none.
 * Valid as long as the handle. [loop thread] */
HEM_API const hem_error *hem_task_error(const hem_task *t);

/* Return or replace the name; `name` lives as long as the record.
 * [loop thread] */
HEM_API const char *hem_task_name(const hem_task *t);
HEM_API void hem_task_set_name(hem_task *t, const char *name);

/* Return where the task was spawned: the file, and in `*ret_line` the line.
 * [loop thread] */
HEM_API const char *hem_task_site(const hem_task *t, int *ret_line);

/* Return what a suspended task waits for ("sleep", "await", "read"), "ready",
 * "running" or "done". Static. [loop thread] */
HEM_API const char *hem_task_waits_for(const hem_task *t);

/*
 * Give the handle up: the record is freed, when the task has ended at the
 * latest. The task itself goes on. NULL does nothing. [loop thread]
 */
HEM_API void hem_task_forget(hem_task *t);

/* Call fn(arg, t) for each task of the loop that has not ended, in order of
 * creation, until it returns false. It must not suspend. asyncio's
 * all_tasks(). [loop thread] */
HEM_API void hem_task_each(bool (*fn)(void *arg, hem_task *t), void *arg);

/*
 * End as cancelled of one's own accord, for the reason `why`, as in
 * hem_task_cancel(): `return hem_cancelled("nothing to do");`. Sets the reason
 * that the task gives to those who await it, and returns HEM_ECANCELED. Also
 * passes on an earlier cancellation after a later one. [loop thread]
 */
HEM_API int hem_cancelled(const char *why);

/* A done callback: the caller's own, private, in place until it has run or was
 * removed; it may run after the scope of its task is closed. */
typedef struct hem_done hem_done;
typedef void hem_done_fn(void *arg, int status);

struct hem_done {
    struct hem__waiter waiter; /* while it waits */
    struct hem__job job;       /* while it is about to be called */
    hem_done_fn *fn;           /* what to call, with `arg` and the outcome */
    void *arg;
    int status;       /* the outcome, once ready */
    bool queued;      /* in the ready queue */
    bool keeps;       /* the rest is wanted, once ready: */
    bool cancelled;   /* HEM_ECANCELED is no failure, it was cancelled */
    const char *why;  /* for this reason */
    hem_error *error; /* the record of its failure, held, or NULL */
    uint32_t count;   /* of a task: requests to cancel not taken back */
};

/*
 * Call fn(arg, outcome) in the loop in the turn after `t` has ended (soon, if
 * it has ended already); asyncio's add_done_callback. [loop thread]
 */
HEM_API void hem_task_on_done(hem_task *t, hem_done *d, hem_done_fn *fn,
                              void *arg);

/* Take a done callback back, of a task or of a future. Return whether it was
 * still to be called. [loop thread] */
HEM_API bool hem_done_remove(hem_done *d);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * hem_run: the frame round everything.
 *
 * It makes a loop on the calling thread, runs one task in it, and when that
 * task has ended it cancels all tasks that are left, waits for them, waits for
 * calls on other threads, and takes the loop down. Nothing outlives it but
 * threads that are stuck in calls that nobody waits for any more: in a resolver,
 * or made with `.detach` (thread.h). This is what asyncio.run() does.
 *
 * Ctrl-C: while hem_run() runs on the main thread and SIGINT has its default
 * action, the first SIGINT cancels the main task with the reason "SIGINT",
 * which so has its chance to clean up; the second ends the process at once.
 * If the main task then ends cancelled, hem_run() returns HEM_EINTR.
 */
#ifndef HEM_RUN_H
#define HEM_RUN_H

#include "base.h"
#include "clock.h"
#include "task.h"

HEM_BEGIN_DECLS

/* Why a failure is reported. */
typedef enum hem_report_kind {
    HEM_REPORT_CHILD,           /* child of a scope with the default handler */
    HEM_REPORT_AT_EXIT,         /* task cancelled by the end of hem_run() */
    HEM_REPORT_NEVER_RETRIEVED, /* nobody asked for the result of the task */
    HEM_REPORT_MAIN, /* the main task; only where there is a record of why, for
                        hem_run() returns the error alone */
    HEM_REPORT_HANDLER, /* an error handler failed; `task` is whose error it
                           was called for */
} hem_report_kind;

/* A failure that no caller can be told. Valid during the call. */
typedef struct hem_report {
    hem_report_kind kind;
    const hem_task *task;   /* that failed */
    int status;             /* its error */
    const hem_error *error; /* the record of it (failure.h), or NULL */
} hem_report;

/* Called in the loop, with no task current; must not suspend. */
typedef void hem_report_fn(void *arg, const hem_report *report);

typedef struct hem_run_options {
    hem_virtual_clock *clock; /* virtual time; NULL: monotonic */
    hem_report_fn *on_report; /* NULL: a line in the log (log.h) */
    void *on_report_arg;
    const char *name;   /* of the main task; NULL: "main" */
    size_t stack_bytes; /* of tasks that do not say; 0: 64 KiB */
    /* Called for each task that is spawned, before its first step: to count
     * it, to name it, to watch its end. Must not suspend or spawn; NULL: none.
     * asyncio's task factory. */
    void (*on_spawn)(void *arg, hem_task *t);
    void *on_spawn_arg;
    uint64_t seed; /* of the order of ready tasks; 0: HEM_SEED or FIFO */
    /* Debug mode: log the tasks and callbacks that hold the loop for at least
     * so long in one step, with their names and where they were spawned.
     * 0: HEM_DEBUG (milliseconds) from the environment, or off. By the loop's
     * clock: on a virtual one steps take no time. asyncio's
     * slow_callback_duration. */
    hem_ns slow_step;
    bool keep_sigint; /* leave SIGINT alone */
} hem_run_options;

/*
 * Run `main` as a task and return its result, or its error, or HEM_EINTR (see
 * above). `opts` may be NULL and is borrowed until the return. HEM_ENOMEM,
 * HEM_EMFILE, HEM_ENFILE: no loop could be made, nothing ran.
 * HEM_EINVAL: stack_bytes above 1 GiB. HEM_EREFUSED: a
 * loop runs on this thread already. [any thread]
 */
HEM_API HEM_CHECK int hem_run(hem_fn *main, void *arg,
                              const hem_run_options *opts);

HEM_END_DECLS

#endif

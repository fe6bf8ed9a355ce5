/* SPDX-License-Identifier: MIT */
/*
 * Timers: a function called again and again; aiotools' create_timer().
 *
 *     static int beat(void *arg) { return send_heartbeat(arg); }
 *
 *     hem_timer t;
 *     HEM_TRY(hem_timer_start(&t, 5 * HEM_SEC, beat, link, NULL));
 *     ...
 *     HEM_TRY(hem_timer_stop(&t));            // no tick runs any more
 *
 * Each call is a tick and runs in a task of its own, the first at once, as a
 * child of the timer's task, which the loop's own scope has. A tick that fails
 * is reported as the child of a task scope is (scope.h) and stops nothing.
 *
 * The rate is fixed: ticks are due at the start and at each multiple of the
 * interval after it, however late one or the other begins, so that a timer does
 * not drift. Ticks whose time has passed, for the loop was held up, are left
 * out. With .fixed_delay the interval counts from the end of a tick instead.
 *
 * A tick may take longer than the interval. What then becomes of the next one
 * is the policy:
 *   HEM_TIMER_ACCUMULATE  it runs beside the others (aiotools' DEFAULT), unless
 *                         these are .max_at_once; then it is left out
 *   HEM_TIMER_CANCEL      the one before is cancelled and waited for first; the
 *                         time which that takes is added to the interval
 *   HEM_TIMER_SKIP        it is left out
 * As in the original a timer that cancels its ticks ends with HEM_EGROUP when
 * one of them swallows its cancellation, or fails for it, and as cancelled when
 * somebody else cancels a tick meanwhile.
 *
 * The struct may go before the timer has ended; `arg` must stay. A timer that
 * is not stopped is cancelled, with its ticks, by the end of hem_run(). Ticks
 * get a copy of the variables (var.h) that the task which started the timer had
 * then. A timer belongs to the loop in which it was started, and is for its
 * thread; in a forked child it does not go on.
 */
#ifndef HEM_TIMER_H
#define HEM_TIMER_H

#include "base.h"
#include "scope.h"
#include "task.h"

HEM_BEGIN_DECLS

typedef enum hem_timer_policy {
    HEM_TIMER_ACCUMULATE,
    HEM_TIMER_CANCEL,
    HEM_TIMER_SKIP,
} hem_timer_policy;

typedef struct hem_timer_options {
    hem_timer_policy policy;
    bool fixed_delay;      /* wait for each tick; the policy does not matter */
    uint32_t max_at_once;  /* of ticks that accumulate; 0: 1000 */
    const char *name;      /* of the timer's task; NULL: "timer" */
    const char *tick_name; /* of the ticks' tasks; NULL: the function's */
    size_t stack_bytes;    /* of ticks; 0: the loop's default */
    hem_scope_error_fn
        *on_error; /* a tick failed; NULL: the loop's on_report */
    void *on_error_arg;
} hem_timer_options;

/* The caller's own; private. */
typedef struct hem_timer {
    hem_task *task;           /* NULL: none */
    struct hem__ticker *runs; /* valid until the task has ended */
    uint32_t stopping;        /* tasks in hem_timer_stop() */
} hem_timer;

/*
 * Start a timer that calls fn(arg) now and every `interval`. `t` is given its
 * value; it must not be of a timer that was not stopped. `opts` may be NULL
 * and is borrowed until the return. HEM_EINVAL: the interval is not above 0,
 * or stack_bytes is above 1 GiB; otherwise as hem_spawn(). On failure `t` is a
 * timer that has been stopped. A macro. [loop thread]
 */
#define hem_timer_start(t, interval, fn, arg, ...)                             \
    hem_timer_start_at((t), (interval), (fn), (arg), HEM__SITE(#fn),           \
                       __VA_ARGS__)

HEM_API HEM_CHECK int hem_timer_start_at(hem_timer *t, hem_ns interval,
                                         hem_fn *fn, void *arg,
                                         const hem_site *site,
                                         const hem_timer_options *opts);

/*
 * Stop a timer: cancel it and its ticks, and wait until all have ended; returns
 * at once if it has ended already. Called by one of the ticks it does not wait,
 * and this tick is cancelled with the others. (A task that a tick waits for
 * must not call it.) Returns 0, also if it was stopped or cancelled before; the
 * error with which it had ended by itself, HEM_EGROUP, with its record;
 * HEM_ECANCELED: the caller was cancelled meanwhile; it is stopped all the
 * same. cancel_and_wait() in the original. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_timer_stop(hem_timer *t);

/* Return the timer's task, to await it or to look at it, NULL once it has been
 * stopped. The handle is given up by hem_timer_stop(). [loop thread] */
HEM_API hem_task *hem_timer_task(const hem_timer *t);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The loop: callbacks, and posts from other threads.
 *
 * A loop exists from the beginning of hem_run() to its end, on one thread. It
 * runs what is ready in the order in which it became ready: tasks, and
 * callbacks, which are plain functions that run on the loop's own stack with
 * no task current and so must not suspend. Most programs need only tasks.
 *
 *     static void ping(void *arg) { puts(arg); }
 *
 *     hem_callback cb;
 *     hem_callback_init(&cb, ping, "hello");
 *     hem_call_later(&cb, 100 * HEM_MSEC);
 *     ...
 *     hem_callback_cancel(&cb);
 *
 * With the environment variable HEM_SEED=N (or hem_run_options.seed) ready
 * tasks and callbacks run in an order drawn from N instead, for tests that
 * must not depend on the order.
 */
#ifndef HEM_LOOP_H
#define HEM_LOOP_H

#include "base.h"

HEM_BEGIN_DECLS

typedef struct hem_loop hem_loop;

/* A callback's function. Must not suspend; runs with no task current. */
typedef void hem_callback_fn(void *arg);

/* A callback, asyncio's Handle: the caller's own, private. It stays where it
 * is until it has run or was cancelled, and may then be used again. */
typedef struct hem_callback {
    struct hem__job job;     /* in the ready queue while `queued` */
    struct hem__timer timer; /* armed while it waits for its time */
    hem_callback_fn *fn;     /* what to call, with `arg` */
    void *arg;
    bool queued; /* in the ready queue */
} hem_callback;

/* Return the loop of this thread, NULL if none runs. [any thread] */
HEM_API hem_loop *hem_loop_current(void);

/* Make `cb` a callback that calls fn(arg). Touches no loop. [any thread] */
HEM_API void hem_callback_init(hem_callback *cb, hem_callback_fn *fn,
                               void *arg);

/*
 * Call `cb` in the next turn of the loop, behind what is ready now; asyncio's
 * call_soon. HEM_EALREADY: it is scheduled already. [loop thread]
 */
HEM_API HEM_CHECK int hem_call_soon(hem_callback *cb);

/*
 * Call `cb` in `delay` (0 or less: soon), or at `when` on the loop's clock;
 * asyncio's call_later and call_at. HEM_EALREADY: it is scheduled already;
 * HEM_ENOMEM. [loop thread]
 */
HEM_API HEM_CHECK int hem_call_later(hem_callback *cb, hem_ns delay);
HEM_API HEM_CHECK int hem_call_at(hem_callback *cb, hem_ns when);

/*
 * Do not call `cb` after all. Return true if it was scheduled. It may be
 * freed at once. [loop thread]
 */
HEM_API bool hem_callback_cancel(hem_callback *cb);

/*
 * Have `loop` call fn(arg) soon; asyncio's call_soon_threadsafe. Calls from
 * one thread run in their order. HEM_ESHUTDOWN: the loop is ending, or has
 * ended: fn is not called, while after a 0 it is, unless the process ends. The
 * loop must still be there, see hem_loop_hold(). HEM_ENOMEM. [any thread]
 */
HEM_API HEM_CHECK int hem_post(hem_loop *loop, hem_callback_fn *fn, void *arg);

/*
 * Keep `loop` as something to post to, also when it has ended: for threads that
 * the loop does not wait for. Each hold, which is returned, is given back by
 * hem_loop_release(), which does nothing with NULL. The loop's own thread makes
 * the first one, before it hands the loop to others; who has one may make more.
 * A loop that nobody holds goes with its hem_run(). [any thread]
 */
HEM_API hem_loop *hem_loop_hold(hem_loop *loop);
HEM_API void hem_loop_release(hem_loop *loop);

HEM_END_DECLS

#endif

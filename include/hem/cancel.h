/* SPDX-License-Identifier: MIT */
/*
 * Cancelling with care: cancel and see it through; wait without passing a
 * cancellation on; call with a time limit.
 *
 *     static int stop(struct service *s)
 *     {
 *         int rc = hem_cancel_and_wait(s->task, "shutdown");
 *         if (rc == HEM_ESWALLOWED)
 *             hem_log(HEM_LOG_WARNING, "it would not stop");
 *         return rc;
 *     }
 *
 * hem_task_cancel() is a request: the task goes on until it has cleaned up, and
 * it may decline. hem_cancel_and_wait() tells the three outcomes apart: the
 * task ended by the cancellation; it did not; the caller was cancelled while it
 * waited. Cancelling by hand and hem_await() does not, for both ends of a
 * cancelled wait look alike. aiotools' cancel_and_wait().
 *
 * Cancelling a task that waits for another cancels that one as well
 * (hem_await()). hem_shield() is a wait that keeps the cancellation to itself:
 * the caller is interrupted, what it waits for goes on; asyncio's shield(). To
 * keep a block of code from being interrupted is another thing:
 * hem_shield_open() in scope.h.
 *
 * hem_wait_for() and hem_future_wait_for() are a hem_timeout (timeout.h) round
 * one call; asyncio's wait_for().
 */
#ifndef HEM_CANCEL_H
#define HEM_CANCEL_H

#include "base.h"
#include "future.h"
#include "task.h"

HEM_BEGIN_DECLS

/*
 * Cancel `t` for the reason `why`, as hem_task_cancel(), and wait until it has
 * ended. Returns 0 if it ended by that; at once if it had ended before.
 * HEM_ESWALLOWED: it ended with a result, and did not take the request back with
 * hem_task_uncancel() (if it did: 0). HEM_ECANCELED: it was cancelled more than
 * once, and so was the caller, as a rule: cancelling the caller cancels `t`
 * again, and the wait goes on. Another error: `t` failed with it; the record
 * comes with it (failure.h). Of the caller itself: this wait is
 * interrupted, 0. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_cancel_and_wait(hem_task *t, const char *why);

/*
 * The same for `n` tasks at once: one turn of the loop later all that have not
 * ended are cancelled, in order, and waited for. HEM_ECANCELED if that is the
 * outcome of one of them, or if the caller was cancelled; in that first turn:
 * nothing was cancelled yet. HEM_EGROUP: some failed, or swallowed it, and none
 * has HEM_ECANCELED: their group is the record. HEM_ENOMEM (16 tasks need no
 * memory), HEM_EREFUSED, the caller is one of them: nothing is cancelled. Returns
 * at once if `n` is 0. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_cancel_and_wait_all(hem_task *const *ts, size_t n,
                                              const char *why);

/*
 * Wait for `f`, a future or hem_task_future(), as hem_future_wait(), but if the
 * caller is cancelled `f` is not: HEM_ECANCELED. That is also returned if `f`
 * itself was cancelled. Returns at once if it is done.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_shield(hem_future *f);

/* A shield round a future: the caller's own, private. */
typedef struct hem_shielded {
    hem_future outer;  /* done when `inner` is, or cancelled */
    hem_future *inner; /* if it was done already; or NULL */
    hem_done done;     /* with the inner one */
} hem_shielded;

/*
 * Shield `f` without waiting: hem_shield_future() is a future that is done as
 * `f` is, in the turn after, and that can be cancelled without cancelling `f`.
 * Until hem_shield_stop(). [loop thread]
 */
HEM_API void hem_shield_start(hem_shielded *s, hem_future *f);

/* Return the future; that of hem_shield_start() if it was done already. Valid
 * as long as the shield is in place, or that. [loop thread] */
HEM_API hem_future *hem_shield_future(hem_shielded *s);

/* Have no more to do with `f`. Must be called before the memory of the shield
 * goes. If its future is not done, it is cancelled. [loop thread] */
HEM_API void hem_shield_stop(hem_shielded *s);

/*
 * Call fn(arg) in the current task and return its result, but HEM_ETIMEDOUT if
 * it was interrupted because `timeout` had passed; HEM_NEVER: no limit. With 0
 * or less it is not called: HEM_ETIMEDOUT after a few turns of the loop. Returns
 * at once if fn does. HEM_ENOMEM: not called. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_wait_for(hem_fn *fn, void *arg, hem_ns timeout);

/*
 * Wait for `f`, a future or hem_task_future(), as hem_future_wait(), but cancel
 * it when `timeout` has passed, wait until it is done, and return
 * HEM_ETIMEDOUT, unless it has a result nevertheless, or another error.
 * HEM_NEVER: no limit. 0 or less: cancel it right now. Returns at once if it is
 * done already.
 * HEM_ENOMEM: it is left alone. HEM_EREFUSED: a task cannot wait for itself.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_future_wait_for(hem_future *f, hem_ns timeout);

HEM_END_DECLS

#endif

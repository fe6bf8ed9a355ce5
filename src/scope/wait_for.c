/* SPDX-License-Identifier: MIT */
/* One call with a time limit: asyncio.wait_for(). */
#include "hem/cancel.h"
#include "hem/error.h"
#include "hem/timeout.h"
#include "task/failure.h"
#include "task/future.h"
#include "task/task.h"

/* What asyncio takes to make a task of the function, to cancel it before it
 * begins, and to hear that it has ended. */
#define TURNS_TO_REFUSE 3

int hem_wait_for(hem_fn *fn, void *arg, hem_ns timeout)
{
    hem_loop *l = hem__loop_need("hem_wait_for");
    (void)hem__task_need(l, "hem_wait_for");
    if (timeout <= 0) {
        for (int i = 0; i < TURNS_TO_REFUSE; i++)
            HEM_TRY(hem_yield());
        return HEM_ETIMEDOUT;
    }
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, timeout));
    return hem_timeout_close(&t, fn(arg));
}

static void let_go(void *arg, int status)
{
    (void)status;
    if (!hem_future_done(arg))
        hem__future_settle(hem__loop, arg, 0, NULL);
}

/* Cancel `f`, and wait until it is done, in a way that a cancellation of `self`
 * interrupts. */
static int cancel_now(hem_loop *l, hem_future *f, hem_task *self)
{
    static const hem__wait wait = {"wait_for", hem__future_cancel_wait};
    hem_future done;
    hem_done d;
    hem_future_init(&done);
    (void)hem__future_watch(f, &d, let_go, &done);
    (void)hem_future_cancel(f, NULL);
    int rc = hem__future_wait(l, &done, &wait);
    (void)hem_done_remove(&d);
    if (rc < 0) {
        hem_error_release(d.error);
        return rc;
    }
    if (d.error)
        hem__error_record(self, d.error);
    return d.status == HEM_ECANCELED ? HEM_ETIMEDOUT : d.status;
}

int hem_future_wait_for(hem_future *f, hem_ns timeout)
{
    hem_loop *l = hem__loop_need("hem_future_wait_for");
    hem_task *self = hem__task_need(l, "hem_future_wait_for");
    if (timeout <= 0)
        return hem_future_done(f) ? hem_future_wait(f) : cancel_now(l, f, self);
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, timeout));
    return hem_timeout_close(&t, hem_future_wait(f));
}

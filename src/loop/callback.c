/* SPDX-License-Identifier: MIT */
/* Callbacks: idle --soon--> queued; idle --later--> armed --fire--> queued;
 * queued --run--> idle; queued, armed --cancel--> idle. */
#include "base/list.h"
#include "hem/error.h"
#include "loop/loop.h"

static void run(hem__ready *n)
{
    hem_callback *cb = HEM__CONTAINER(n, hem_callback, job.ready);
    cb->queued = false;
    cb->fn(cb->arg);
}

static void queue(hem_loop *l, hem_callback *cb)
{
    cb->queued = true;
    hem__queue_push_job(&l->ready, &cb->job);
}

static void fire(hem__timer *t)
{
    hem_callback *cb = HEM__CONTAINER(t, hem_callback, timer);
    hem__timers_release(&hem__loop->timers);
    queue(hem__loop, cb);
}

void hem_callback_init(hem_callback *cb, hem_callback_fn *fn, void *arg)
{
    *cb = (hem_callback){.job = {.ready = {.run = run}},
                         .timer = {.fire = fire},
                         .fn = fn,
                         .arg = arg};
}

int hem_call_soon(hem_callback *cb)
{
    hem_loop *l = hem__loop_need("hem_call_soon");
    if (cb->queued || hem__timer_armed(&cb->timer))
        return HEM_EALREADY;
    queue(l, cb);
    return 0;
}

int hem_call_at(hem_callback *cb, hem_ns when)
{
    hem_loop *l = hem__loop_need("hem_call_at");
    if (cb->queued || hem__timer_armed(&cb->timer))
        return HEM_EALREADY;
    if (when <= hem__loop_now(l)) {
        queue(l, cb);
        return 0;
    }
    int rc = hem__timers_reserve(&l->timers);
    if (rc < 0)
        return rc;
    hem__timer_arm(&l->timers, &cb->timer, when);
    return 0;
}

int hem_call_later(hem_callback *cb, hem_ns delay)
{
    hem_loop *l = hem__loop_need("hem_call_later");
    return hem_call_at(cb, hem__deadline(hem__loop_now(l), delay));
}

bool hem_callback_cancel(hem_callback *cb)
{
    hem_loop *l = hem__loop_need("hem_callback_cancel");
    if (cb->queued) {
        hem__queue_remove(&l->ready, &cb->job);
        cb->queued = false;
        return true;
    }
    if (!hem__timer_armed(&cb->timer))
        return false;
    hem__timer_disarm(&l->timers, &cb->timer);
    hem__timers_release(&l->timers);
    return true;
}

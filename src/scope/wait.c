/* SPDX-License-Identifier: MIT */
/* Waiting for some of several: asyncio.wait(). */
#include "hem/error.h"
#include "scope/calls.h"
#include "task/future.h"

/* One who waits. */
struct waiting {
    struct hem__calls calls;
    hem_future enough; /* of them are done, or the time is over */
    size_t wanted;     /* so many are enough */
    bool errors;       /* and so is one that has failed */
    hem__timer timer;
};

static void stop_waiting(struct waiting *w)
{
    hem_loop *l = hem__loop;
    hem__timer_disarm(&l->timers, &w->timer);
    if (!hem_future_done(&w->enough))
        hem__future_settle(l, &w->enough, 0, NULL);
}

static void fire(hem__timer *timer)
{
    stop_waiting(HEM__CONTAINER(timer, struct waiting, timer));
}

static void operand_done(void *arg, int status)
{
    hem_call *c = arg;
    struct waiting *w = HEM__CONTAINER(c->calls, struct waiting, calls);
    bool failed = status < 0 && !c->done.cancelled;
    hem__call_done(c);
    if (w->calls.done_count >= w->wanted || (w->errors && failed))
        stop_waiting(w);
}

static int wait_in_time(hem_loop *l, struct waiting *w, hem_ns timeout)
{
    static const hem__wait wait = {"wait", hem__future_cancel_wait};
    hem_ns now = hem__loop_now(l);
    if (timeout)
        hem__loop_arm(l, &w->timer,
                      timeout < 0 ? now : hem__deadline(now, timeout));
    for (size_t i = 0; i < w->calls.count; i++) {
        hem_call *c = &w->calls.first[i];
        if (!hem__call_watch(c, operand_done))
            hem__done_queue(l, &c->done);
    }
    int rc = hem__future_wait(l, &w->enough, &wait);
    hem__timer_disarm(&l->timers, &w->timer);
    hem__calls_unwatch(&w->calls);
    return rc;
}

int hem_wait(hem_call *c, size_t n, const hem_wait_options *opts)
{
    static const hem_wait_options defaults;
    hem_loop *l = hem__loop_need("hem_wait");
    hem_task *self = hem__task_need(l, "hem_wait");
    const hem_wait_options *o = opts ? opts : &defaults;
    if (n == 0 || hem__calls_check(c, n) != 0 ||
        (unsigned)o->mode > HEM_FIRST_ERROR)
        return HEM_EINVAL;
    struct waiting w = {.wanted = o->mode == HEM_FIRST_COMPLETED ? 1 : n,
                        .errors = o->mode == HEM_FIRST_ERROR,
                        .timer = {.fire = fire}};
    HEM_TRY(hem__timers_reserve(&l->timers));
    hem_future_init(&w.enough);
    hem__calls_init(&w.calls, c, n);
    int rc = wait_in_time(l, &w, o->timeout);
    hem__timers_release(&l->timers);
    hem__calls_group(&w.calls, n, self);
    return rc < 0 ? rc : (int)w.calls.done_count;
}

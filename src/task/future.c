/* SPDX-License-Identifier: MIT */
#include "hem/future.h"

#include "task/outcome.h"

void hem_future_init(hem_future *f)
{
    hem__outcome_init(&f->outcome);
}

int hem_future_set_result(hem_future *f, int result)
{
    hem_loop *l = hem__loop_need("hem_future_set_result");
    if (result < 0)
        return HEM_EINVAL;
    if (f->outcome.state != HEM__PENDING)
        return HEM_ESTATE;
    hem__outcome_settle(l, &f->outcome, HEM__DONE, result);
    return 0;
}

int hem_future_set_error(hem_future *f, int error)
{
    hem_loop *l = hem__loop_need("hem_future_set_error");
    if (error >= 0)
        return HEM_EINVAL;
    if (f->outcome.state != HEM__PENDING)
        return HEM_ESTATE;
    hem__outcome_settle(l, &f->outcome, HEM__DONE, error);
    return 0;
}

bool hem_future_cancel(hem_future *f, const char *why)
{
    hem_loop *l = hem__loop_need("hem_future_cancel");
    if (f->outcome.state != HEM__PENDING)
        return false;
    f->outcome.why = why;
    hem__outcome_settle(l, &f->outcome, HEM__CANCELLED, HEM_ECANCELED);
    return true;
}

/* Cancelling one who waits cancels the future, for all who wait. */
static bool cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__outcome *o = f->waiter.of;
    o->why = why;
    hem__outcome_settle(l, o, HEM__CANCELLED, HEM_ECANCELED);
    return true;
}

static const hem__wait wait_future = {"future", cancel_wait};

int hem_future_wait(hem_future *f)
{
    hem_loop *l = hem__loop_need("hem_future_wait");
    hem__fiber *self = hem__fiber_need(l, "hem_future_wait");
    hem__outcome *o = &f->outcome;
    if (o->state == HEM__PENDING)
        return hem__outcome_wait(l, self, o, &wait_future);
    return hem__outcome_take(o, self);
}

bool hem_future_done(const hem_future *f)
{
    return f->outcome.state != HEM__PENDING;
}

bool hem_future_cancelled(const hem_future *f)
{
    return f->outcome.state == HEM__CANCELLED;
}

int hem_future_result(const hem_future *f)
{
    return hem_future_done(f) ? f->outcome.status : HEM_ESTATE;
}

void hem_future_on_done(hem_future *f, hem_done *d, hem_done_fn *fn, void *arg)
{
    hem_loop *l = hem__loop_need("hem_future_on_done");
    hem__outcome_on_done(l, &f->outcome, d, fn, arg);
}

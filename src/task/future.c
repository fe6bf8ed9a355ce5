/* SPDX-License-Identifier: MIT */
#include "task/future.h"

#include "task/failure.h"
#include "task/task.h"

void hem_future_init(hem_future *f)
{
    hem__future_init(f, NULL);
}

void hem__future_init(hem_future *f,
                      bool (*cancel)(hem_future *self, const char *why))
{
    hem__outcome_init(&f->outcome);
    f->cancel = cancel;
    f->error = NULL;
}

void hem__future_settle(hem_loop *l, hem_future *f, int status, const char *why)
{
    f->outcome.why = why;
    if (status < 0)
        hem__error_tell(f->error, status, &f->outcome.waiters);
    hem__outcome_settle(l, &f->outcome, HEM__DONE, status);
}

/* Whether the program may set it: 0, or why not. */
static int check_settable(const hem_future *f)
{
    if (f->cancel)
        return HEM_EREFUSED;
    return f->outcome.state == HEM__PENDING ? 0 : HEM_ESTATE;
}

int hem_future_set_result(hem_future *f, int result)
{
    hem_loop *l = hem__loop_need("hem_future_set_result");
    if (result < 0)
        return HEM_EINVAL;
    HEM_TRY(check_settable(f));
    hem__future_settle(l, f, result, NULL);
    return 0;
}

int hem_future_set_error(hem_future *f, int error)
{
    hem_loop *l = hem__loop_need("hem_future_set_error");
    if (error >= 0)
        return HEM_EINVAL;
    HEM_TRY(check_settable(f));
    hem__future_settle(l, f, error, NULL);
    return 0;
}

static bool cancel(hem_loop *l, hem_future *f, const char *why)
{
    if (f->outcome.state != HEM__PENDING)
        return false;
    if (f->cancel)
        return f->cancel(f, why);
    f->outcome.why = why;
    hem__outcome_settle(l, &f->outcome, HEM__CANCELLED, HEM_ECANCELED);
    return true;
}

bool hem_future_cancel(hem_future *f, const char *why)
{
    return cancel(hem__loop_need("hem_future_cancel"), f, why);
}

/* Cancelling one who waits cancels the future, for all who wait. */
bool hem__future_cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    return cancel(l, HEM__CONTAINER(f->waiter.of, hem_future, outcome), why);
}

static const hem__wait wait_future = {"future", hem__future_cancel_wait};

int hem__future_wait(hem_loop *l, hem_future *f, const hem__wait *wait)
{
    hem__fiber *self = l->current;
    if (f->outcome.state == HEM__PENDING)
        return hem__outcome_wait(l, self, &f->outcome, wait);
    if (f->error)
        hem__error_record((hem_task *)self, hem_error_hold(f->error));
    return hem__outcome_take(&f->outcome, self);
}

int hem_future_wait(hem_future *f)
{
    hem_loop *l = hem__loop_need("hem_future_wait");
    (void)hem__fiber_need(l, "hem_future_wait");
    hem_task *t = hem__task_of_future(f);
    if (t)
        return hem_await(t);
    return hem__future_wait(l, f, &wait_future);
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
    const hem_task *t = hem__task_of_future(f);
    if (t)
        return hem_task_result(t);
    return hem_future_done(f) ? f->outcome.status : HEM_ESTATE;
}

const hem_error *hem_future_error(const hem_future *f)
{
    const hem_task *t = hem__task_of_future(f);
    return t ? hem_task_error(t) : f->error;
}

void hem__future_note(hem_future *f, hem_done *d)
{
    hem_task *t = hem__task_of_future(f);
    d->cancelled = f->outcome.state == HEM__CANCELLED;
    d->why = f->outcome.why;
    d->count = t ? t->count : 0;
    if (t && hem__task_failed(t))
        d->error = hem__error_of(t);
    else
        d->error = hem_error_hold(f->error);
}

bool hem__future_watch(hem_future *f, hem_done *d, hem_done_fn *fn, void *arg)
{
    if (hem__task_of_future(f))
        f->outcome.flags |= HEM__TASK_RETRIEVED;
    bool waits = hem__done_begin(&f->outcome, d, fn, arg);
    d->keeps = true;
    if (!waits)
        hem__future_note(f, d);
    return waits;
}

void hem_future_on_done(hem_future *f, hem_done *d, hem_done_fn *fn, void *arg)
{
    hem_loop *l = hem__loop_need("hem_future_on_done");
    hem_task *t = hem__task_of_future(f);
    if (t)
        hem_task_on_done(t, d, fn, arg);
    else
        hem__outcome_on_done(l, &f->outcome, d, fn, arg);
}

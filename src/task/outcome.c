/* SPDX-License-Identifier: MIT */
#include "task/outcome.h"

#include "task/future.h"

static void run_done(hem__ready *n)
{
    hem_done *d = HEM__CONTAINER(n, hem_done, job.ready);
    d->queued = false;
    d->fn(d->arg, d->status);
}

void hem__done_queue(hem_loop *l, hem_done *d)
{
    d->queued = true;
    hem__queue_push_job(&l->ready, &d->job);
}

void hem__outcome_tell(hem_loop *l, hem__outcome *o, hem__waiter *w)
{
    if (w->ready->run) {
        hem_done *d = HEM__CONTAINER(w, hem_done, waiter);
        hem__list_init(&w->link);
        d->status = o->status;
        if (d->keeps)
            hem__future_note(HEM__CONTAINER(o, hem_future, outcome), d);
        hem__done_queue(l, d);
        return;
    }
    hem__fiber *f = (hem__fiber *)w->ready;
    if (o->status == HEM_ECANCELED)
        f->reason = o->why;
    hem__wake(l, f, o->status);
}

bool hem__done_begin(hem__outcome *o, hem_done *d, hem_done_fn *fn, void *arg)
{
    *d = (hem_done){.job = {.ready = {.run = run_done}}, .fn = fn, .arg = arg};
    d->waiter.ready = &d->job.ready;
    hem__list_init(&d->waiter.link);
    if (o->state == HEM__PENDING) {
        hem__list_insert(&o->waiters, &d->waiter.link);
        return true;
    }
    d->status = o->status;
    return false;
}

void hem__outcome_on_done(hem_loop *l, hem__outcome *o, hem_done *d,
                          hem_done_fn *fn, void *arg)
{
    if (!hem__done_begin(o, d, fn, arg))
        hem__done_queue(l, d);
}

bool hem_done_remove(hem_done *d)
{
    hem_loop *l = hem__loop_need("hem_done_remove");
    if (d->queued) {
        d->queued = false;
        hem__queue_remove(&l->ready, &d->job);
        return true;
    }
    bool waiting = !hem__list_empty(&d->waiter.link);
    hem__list_remove(&d->waiter.link);
    return waiting;
}

/* SPDX-License-Identifier: MIT */
#include "task/outcome.h"

static void run_done(hem__ready *n)
{
    hem_done *d = HEM__CONTAINER(n, hem_done, ready);
    d->queued = false;
    d->fn(d->arg, d->status);
}

static void queue_done(hem_loop *l, hem_done *d, int status)
{
    d->status = status;
    d->queued = true;
    hem__queue_push(&l->ready, &d->ready);
}

void hem__outcome_tell(hem_loop *l, hem__outcome *o, hem__waiter *w)
{
    if (w->ready->run) {
        hem__list_init(&w->link);
        queue_done(l, HEM__CONTAINER(w, hem_done, waiter), o->status);
        return;
    }
    hem__fiber *f = (hem__fiber *)w->ready;
    if (o->status == HEM_ECANCELED)
        f->reason = o->why;
    hem__wake(l, f, o->status);
}

void hem__outcome_on_done(hem_loop *l, hem__outcome *o, hem_done *d,
                          hem_done_fn *fn, void *arg)
{
    *d = (hem_done){.ready = {.run = run_done}, .fn = fn, .arg = arg};
    d->waiter.ready = &d->ready;
    hem__list_init(&d->waiter.link);
    if (o->state == HEM__PENDING)
        hem__list_insert(&o->waiters, &d->waiter.link);
    else
        queue_done(l, d, o->status);
}

bool hem_done_remove(hem_done *d)
{
    hem_loop *l = hem__loop_need("hem_done_remove");
    if (d->queued) {
        d->queued = false;
        hem__queue_remove(&l->ready, &d->ready);
        return true;
    }
    bool waiting = !hem__list_empty(&d->waiter.link);
    hem__list_remove(&d->waiter.link);
    return waiting;
}

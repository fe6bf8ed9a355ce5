/* SPDX-License-Identifier: MIT */
/*
 * Outcomes: the common part of futures and tasks. Pending, then done: with a
 * result, an error, or cancelled. Who waits is told in the order of asking.
 */
#ifndef HEM__TASK_OUTCOME_H
#define HEM__TASK_OUTCOME_H

#include "base/list.h"
#include "hem/task.h"
#include "loop/fiber.h"

typedef struct hem__outcome hem__outcome;
typedef struct hem__waiter hem__waiter;

enum hem__outcome_state {
    HEM__PENDING, /* zero */
    HEM__DONE,
    HEM__CANCELLED,
};

static inline void hem__outcome_init(hem__outcome *o)
{
    hem__list_init(&o->waiters);
    o->why = NULL;
    o->status = 0;
    o->state = HEM__PENDING;
    o->flags = 0;
    o->spare = 0;
}

/* Make one who waits ready; see hem__outcome_settle. */
void hem__outcome_tell(hem_loop *l, hem__outcome *o, hem__waiter *w);

/* A pending outcome becomes done or cancelled. */
static inline void hem__outcome_settle(hem_loop *l, hem__outcome *o,
                                       uint8_t state, int status)
{
    o->state = state;
    o->status = status;
    while (!hem__list_empty(&o->waiters)) {
        hem__waiter *w = HEM__CONTAINER(o->waiters.next, hem__waiter, link);
        hem__list_unlink(&w->link);
        if (!w->ready->run && status != HEM_ECANCELED)
            hem__wake(l, (hem__fiber *)w->ready, status);
        else
            hem__outcome_tell(l, o, w);
    }
}

/* Park fiber `f` until `o`, which is pending, is settled, and return its
 * status; `o` need not exist any more then. `wait` tells what a request to
 * cancel does; it finds `o` in the waiter of the fiber. */
static inline int hem__outcome_wait(hem_loop *l, hem__fiber *f, hem__outcome *o,
                                    const hem__wait *wait)
{
    f->waiter.ready = &f->ready;
    f->waiter.of = o;
    hem__list_insert(&o->waiters, &f->waiter.link);
    return hem__park(l, f, wait);
}

/* The outcome of one that is settled, for fiber `f`. */
static inline int hem__outcome_take(const hem__outcome *o, hem__fiber *f)
{
    if (o->status == HEM_ECANCELED)
        f->reason = o->why;
    return o->status;
}

/* Have `d` called when `o` is settled, soon if it is. */
void hem__outcome_on_done(hem_loop *l, hem__outcome *o, hem_done *d,
                          hem_done_fn *fn, void *arg);

/* Those who are called, in parts: register `d` with `o`, or, if that is settled
 * already, see its status in `d` and return false. */
bool hem__done_begin(hem__outcome *o, hem_done *d, hem_done_fn *fn, void *arg);

/* Have a settled one called soon. */
void hem__done_queue(hem_loop *l, hem_done *d);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Fibers: what the loop schedules. A task is one, with much round it.
 *
 * Parking. A fiber that must wait links itself into whatever it waits for and
 * calls hem__park(loop, fiber, wait). Whoever ends the wait unlinks it and
 * calls hem__wake(loop, fiber, status), which makes it ready; when its turn
 * comes, hem__park returns the status. The next ready fiber is switched to
 * directly; the loop's own context runs only callbacks, and the poller when
 * nothing is ready or the budget of direct switches is used up.
 *
 *     running --hem__park--> parked --hem__wake--> ready --turn--> running
 *     running --hem__defer-------------------------^
 *
 * Interruption is an edge. hem__interrupt of a parked fiber asks its wait to
 * end as cancelled. Where that cannot be, for the wait has ended already or
 * there is none, the request stays pending and turns the result of this or of
 * the next wait into HEM_ECANCELED: so one that arrives in the same turn as
 * the result is not lost, and who waited must then pass on what it was given.
 * These are the rules of asyncio's Task: _fut_waiter and _must_cancel.
 */
#ifndef HEM__LOOP_FIBER_H
#define HEM__LOOP_FIBER_H

#include "coro/context.h"
#include "coro/stack.h"
#include "hem/error.h"
#include "loop/loop.h"

/* A kind of wait. */
struct hem__wait {
    const char *what; /* for people: "sleep", "read" */
    /*
     * End the wait of `f` as cancelled: unlink it and wake it with
     * HEM_ECANCELED, or pass the request on to what it waits for. Returns
     * false where neither can be done: the request stays pending.
     */
    bool (*cancel)(hem_loop *l, hem__fiber *f, const char *why);
};

struct hem__fiber {
    hem__ready ready; /* in the ready queue; `run` is NULL */
    hem__coro coro;
    const hem__wait *wait;     /* while parked, else NULL */
    void *wait_on;             /* the business of `wait` */
    struct hem__waiter waiter; /* while it waits for an outcome */
    const char *why;           /* of the pending interruption */
    const char *reason;        /* of the last one delivered */
    hem__stack *stack;
    int wake;     /* what the wait returns */
    bool pending; /* an interruption was not delivered yet */
    uint8_t spare[3];
};

/* What the wait of a fiber that is about to run returns. */
static inline int hem__fiber_take(hem__fiber *f)
{
    if (!f->pending)
        return f->wake;
    f->pending = false;
    if (f->wake != HEM_ECANCELED) /* else the first reason stays */
        f->reason = f->why;
    return HEM_ECANCELED;
}

/* Leave the running fiber for the next one, or the loop. */
static inline int hem__leave(hem_loop *l, hem__fiber *f)
{
    hem__ready *n = l->ready.first;
    if (n && !n->run && l->budget) {
        l->budget--;
        hem__queue_pop(&l->ready);
        hem__fiber *next = (hem__fiber *)n;
        l->current = next;
        return hem__coro_switch(&f->coro, &next->coro, hem__fiber_take(next));
    }
    l->current = NULL;
    return hem__coro_switch(&f->coro, &l->coro, 0);
}

/* End the running coroutine, whose stack may be in the pool already: what its
 * function is to return. */
static inline hem__next hem__leave_for_good(hem_loop *l, hem__coro *last)
{
    hem__ready *n = l->ready.first;
    if (n && !n->run && l->budget) {
        l->budget--;
        hem__queue_pop(&l->ready);
        hem__fiber *next = (hem__fiber *)n;
        l->current = next;
        return hem__coro_finish(last, &next->coro, hem__fiber_take(next));
    }
    l->current = NULL;
    return hem__coro_finish(last, &l->coro, 0);
}

/* Make a parked fiber ready, its wait to return `status`. */
static inline void hem__wake(hem_loop *l, hem__fiber *f, int status)
{
    f->wait = NULL;
    f->wake = status;
    hem__queue_push(&l->ready, &f->ready);
}

/* End the wait of `f` as cancelled; for the cancel functions of waits that
 * have unlinked it. */
static inline bool hem__wake_cancelled(hem_loop *l, hem__fiber *f,
                                       const char *why)
{
    f->reason = why;
    hem__wake(l, f, HEM_ECANCELED);
    return true;
}

/* The same for one with a pending interruption. */
int hem__park_interrupted(hem_loop *l, hem__fiber *f, const hem__wait *wait);

/* Park the running fiber. */
static inline int hem__park(hem_loop *l, hem__fiber *f, const hem__wait *wait)
{
    if (f->pending)
        return hem__park_interrupted(l, f, wait);
    f->wait = wait;
    return hem__leave(l, f);
}

/* Stay ready, but behind all others. */
static inline int hem__defer(hem_loop *l, hem__fiber *f)
{
    f->wake = 0;
    hem__queue_push(&l->ready, &f->ready);
    return hem__leave(l, f);
}

/* Interrupt the present wait of `f`, or the next one. */
static inline void hem__interrupt(hem_loop *l, hem__fiber *f, const char *why)
{
    if (f->wait && f->wait->cancel(l, f, why))
        return;
    f->pending = true;
    f->why = why;
}

#endif

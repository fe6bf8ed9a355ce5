/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a lock, an event, ...: a list of outcomes, each in the frame of
 * the task that waits, as asyncio's futures are. Settling one lets its task go
 * on; cancelling the task cancels it. A task that was let go and is cancelled
 * before it runs sees both: its wait ended as cancelled, but its outcome is
 * done: then it must pass on what it was given.
 *
 *     waiting --hem__sync_grant--> granted --turn--> runs: takes it
 *                                  granted --cancel, turn--> runs: passes it on
 *     waiting --cancel--> cancelled --turn--> runs
 */
#ifndef HEM__SYNC_WAITERS_H
#define HEM__SYNC_WAITERS_H

#include "loop/fiber.h"
#include "task/outcome.h"

struct hem__sync_waiter {
    hem__list link;  /* where it waits, or in no list */
    hem__outcome go; /* done: it may go on */
};

/* A kind of wait. */
typedef struct hem__sync_kind {
    hem__wait wait;       /* what people are told */
    const char *function; /* of the API, that waits */
} hem__sync_kind;

#define HEM__SYNC_KIND(what, function)                                         \
    {                                                                          \
        {what, hem__sync_cancel}, function                                     \
    }

/* The `cancel` of those waits. */
bool hem__sync_cancel(hem_loop *l, hem__fiber *f, const char *why);

/* Wait at the end of `waiters`; `w` is the caller's. 0 or HEM_ECANCELED. */
static inline int hem__sync_wait(hem__list *waiters, struct hem__sync_waiter *w,
                                 const hem__sync_kind *kind)
{
    hem_loop *l = hem__loop_need(kind->function);
    hem__fiber *self = hem__fiber_need(l, kind->function);
    hem__outcome_init(&w->go);
    hem__list_insert(waiters, &w->link);
    int rc = hem__outcome_wait(l, self, &w->go, &kind->wait);
    hem__list_remove(&w->link);
    return rc;
}

/* Whether a task whose wait was interrupted had been let go. */
static inline bool hem__sync_granted(const struct hem__sync_waiter *w)
{
    return w->go.state == HEM__DONE;
}

static inline struct hem__sync_waiter *hem__sync_waiter_of(hem__list *e)
{
    return HEM__CONTAINER(e, struct hem__sync_waiter, link);
}

/* Let `w` go; returns false if it was let go, or cancelled, before. `function`
 * of the API is the one that does it. */
bool hem__sync_grant(struct hem__sync_waiter *w, const char *function);

/* Let the first one go that is not cancelled, and take it, and those before it,
 * off the list. NULL: there is none. */
struct hem__sync_waiter *hem__sync_wake_one(hem__list *waiters,
                                            const char *function);

/* The same for the first `n`. */
void hem__sync_wake(hem__list *waiters, size_t n, const char *function);

#endif

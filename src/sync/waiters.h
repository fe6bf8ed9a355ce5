/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a lock, an event, ...: a list of futures, each in the frame of
 * the task that waits, as in asyncio. Completing a future lets its task go on;
 * cancelling the task cancels the future. A task that was let go and is
 * cancelled before it runs sees both: its wait ended as cancelled, but its
 * future is complete: then it must pass on what it was given.
 */
#ifndef HEM__SYNC_WAITERS_H
#define HEM__SYNC_WAITERS_H

#include "base/list.h"
#include "hem/error.h"
#include "hem/future.h"

struct hem__sync_waiter {
    hem__list link; /* among the waiters, until it has run again */
    hem_future go;  /* completed: it may go on */
};

/* Wait at the end of `waiters`; `w` is the caller's. 0 or HEM_ECANCELED. */
static inline int hem__sync_wait(hem__list *waiters, struct hem__sync_waiter *w)
{
    hem_future_init(&w->go);
    hem__list_insert(waiters, &w->link);
    int rc = hem_future_wait(&w->go);
    hem__list_remove(&w->link);
    return rc;
}

/* Whether a task whose wait was interrupted had been let go. */
static inline bool hem__sync_granted(const struct hem__sync_waiter *w)
{
    return hem_future_done(&w->go) && !hem_future_cancelled(&w->go);
}

/* Let `w` go; returns false if it was let go, or cancelled, before. */
static inline bool hem__sync_grant(struct hem__sync_waiter *w)
{
    return !hem_future_done(&w->go) && hem_future_set_result(&w->go, 0) == 0;
}

static inline struct hem__sync_waiter *hem__sync_waiter_of(hem__list *e)
{
    return HEM__CONTAINER(e, struct hem__sync_waiter, link);
}

/* Let the first `n` go that are not cancelled, and take them off the list. */
void hem__sync_wake(hem__list *waiters, size_t n);

/* Whether some waiter is not cancelled. */
bool hem__sync_contended(const hem__list *waiters);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A lock that was released stays unlocked until the waiter it was passed to
 * runs; nobody comes before that one, for a waiter stays in the list until it
 * has run.
 */
#include "hem/lock.h"

#include "sync/waiters.h"

void hem_lock_init(hem_lock *l)
{
    hem__list_init(&l->waiters);
    l->cancelled = &l->waiters;
    l->locked = false;
}

/* Whether somebody waits who is not cancelled. Those at the front who are stay
 * so: each is passed over once, not by every caller that comes before it has
 * run. */
static bool contended(hem_lock *l)
{
    for (;;) {
        hem__list *next = l->cancelled->next;
        if (next == &l->waiters)
            return false;
        if (hem__sync_waiter_of(next)->go.state != HEM__CANCELLED)
            return true;
        l->cancelled = next;
    }
}

/* Let the oldest go, unless it was let go before and has not run yet. */
static void wake_first(hem_lock *l, const char *function)
{
    if (!hem__list_empty(&l->waiters))
        (void)hem__sync_grant(hem__sync_waiter_of(l->waiters.next), function);
}

int hem_lock_acquire(hem_lock *l)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("lock", "hem_lock_acquire");
    if (!l->locked && !contended(l)) {
        l->locked = true;
        return 0;
    }
    struct hem__sync_waiter w;
    int rc = hem__sync_wait(&l->waiters, &w, &kind);
    if (l->cancelled == &w.link)
        l->cancelled = &l->waiters;
    if (rc < 0) {
        if (!l->locked)
            wake_first(l, kind.function);
        return rc;
    }
    l->locked = true;
    return 0;
}

int hem_lock_release(hem_lock *l)
{
    if (!l->locked)
        return HEM_EREFUSED;
    l->locked = false;
    wake_first(l, "hem_lock_release");
    return 0;
}

bool hem_lock_locked(const hem_lock *l)
{
    return l->locked;
}

/* SPDX-License-Identifier: MIT */
#include "hem/lock.h"

#include "sync/waiters.h"

void hem_lock_init(hem_lock *l)
{
    hem__list_init(&l->waiters);
    l->locked = false;
}

/* Let the oldest go, unless it was let go before and has not run yet. */
static void wake_first(hem_lock *l)
{
    if (!hem__list_empty(&l->waiters))
        (void)hem__sync_grant(hem__sync_waiter_of(l->waiters.next));
}

int hem_lock_acquire(hem_lock *l)
{
    if (!l->locked && !hem__sync_contended(&l->waiters)) {
        l->locked = true;
        return 0;
    }
    struct hem__sync_waiter w;
    int rc = hem__sync_wait(&l->waiters, &w);
    if (rc < 0) {
        if (!l->locked)
            wake_first(l);
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
    wake_first(l);
    return 0;
}

bool hem_lock_locked(const hem_lock *l)
{
    return l->locked;
}

/* SPDX-License-Identifier: MIT */
#include "hem/condition.h"

#include "sync/waiters.h"

void hem_condition_init(hem_condition *c, hem_lock *lock)
{
    hem__list_init(&c->waiters);
    hem_lock_init(&c->own);
    c->lock = lock ? lock : &c->own;
}

int hem_condition_acquire(hem_condition *c)
{
    return hem_lock_acquire(c->lock);
}

int hem_condition_release(hem_condition *c)
{
    return hem_lock_release(c->lock);
}

bool hem_condition_locked(const hem_condition *c)
{
    return hem_lock_locked(c->lock);
}

int hem_condition_wait(hem_condition *c)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("condition", "hem_condition_wait");
    if (!c->lock->locked)
        return HEM_EREFUSED;
    (void)hem_lock_release(c->lock);
    struct hem__sync_waiter w;
    int rc = hem__sync_wait(&c->waiters, &w, &kind);
    int again;
    while ((again = hem_lock_acquire(c->lock)) < 0)
        rc = again;
    if (rc < 0) /* it may have been notified: somebody else takes that */
        hem__sync_wake(&c->waiters, 1, kind.function);
    return rc;
}

int hem_condition_wait_for(hem_condition *c, bool (*ready)(void *arg),
                           void *arg)
{
    while (!ready(arg))
        HEM_TRY(hem_condition_wait(c));
    return 0;
}

int hem_condition_notify(hem_condition *c, size_t n)
{
    if (!c->lock->locked)
        return HEM_EREFUSED;
    hem__sync_wake(&c->waiters, n, "hem_condition_notify");
    return 0;
}

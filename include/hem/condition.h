/* SPDX-License-Identifier: MIT */
/*
 * Conditions: wait, with a lock held, for something to change;
 * asyncio.Condition.
 *
 *     HEM_TRY(hem_condition_acquire(&c));
 *     int rc = 0;
 *     while (rc == 0 && !ready)
 *         rc = hem_condition_wait(&c);
 *     (void)hem_condition_release(&c);
 */
#ifndef HEM_CONDITION_H
#define HEM_CONDITION_H

#include "base.h"
#include "lock.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_condition {
    struct hem__list waiters; /* who waits to be notified, the oldest first */
    hem_lock *lock;           /* the caller's, or `own` */
    hem_lock own;
} hem_condition;

/* Make a condition with `lock`, which must live as long, or with a lock of its
 * own if that is NULL. It needs no deinit; it must not be moved.
 * [any thread] */
HEM_API void hem_condition_init(hem_condition *c, hem_lock *lock);

/* As hem_lock_acquire(), hem_lock_release(), hem_lock_locked() of its lock. */
HEM_API HEM_CHECK int hem_condition_acquire(hem_condition *c);
HEM_API int hem_condition_release(hem_condition *c);
HEM_API bool hem_condition_locked(const hem_condition *c);

/*
 * Release the lock, wait to be notified, and acquire the lock again, whatever
 * happens: it is held when this returns. HEM_EREFUSED: it was not locked;
 * HEM_ECANCELED: cancelled while waiting or while acquiring, in which case the
 * notification is passed on. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_condition_wait(hem_condition *c);

/* Wait until ready(arg), asked with the lock held, is true; not at all if it
 * is. Errors as hem_condition_wait(). [suspends] [cancel point] */
HEM_API HEM_CHECK int
hem_condition_wait_for(hem_condition *c, bool (*ready)(void *arg), void *arg);

/* Let the first `n` who wait go on, or all (SIZE_MAX). HEM_EREFUSED: the lock
 * is not held by anybody. [loop thread] */
HEM_API int hem_condition_notify(hem_condition *c, size_t n);

HEM_END_DECLS

#endif

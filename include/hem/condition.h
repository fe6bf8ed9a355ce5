/* SPDX-License-Identifier: MIT */
/*
 * Conditions: wait, with a lock held, for something to change;
 * asyncio.Condition.
 *
 *     static bool has_room(void *arg) { return ((struct pool *)arg)->free; }
 *
 *     HEM_TRY(hem_condition_acquire(&p->changed));
 *     int rc = hem_condition_wait_for(&p->changed, has_room, p);
 *     if (rc == 0)
 *         p->free--;
 *     (void)hem_condition_release(&p->changed);
 *     ...
 *     HEM_TRY(hem_condition_acquire(&p->changed));      // in another task
 *     p->free++;
 *     (void)hem_condition_notify(&p->changed, 1);
 *     (void)hem_condition_release(&p->changed);
 *
 * Needed only where what is waited for is changed by tasks that suspend while
 * they do so; else an event or a semaphore is simpler.
 *
 * waiting --notify--> acquiring the lock --> holding it. A notified task goes
 * on when the lock is free and its turn has come: by then things may have
 * changed again, so ask in a loop, as hem_condition_wait_for() does. One that
 * is cancelled on its way passes the notification on; as in asyncio also if it
 * had got none, so a wait may return without a reason.
 *
 * A condition belongs to the loop whose tasks use it, and is for one thread.
 * In a forked child nobody waits for it any more: make it anew.
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
    hem_lock own;             /* if the caller gave none */
} hem_condition;

/* Make a condition with `lock`, which must live as long and may be shared, or
 * with a lock of its own if that is NULL. It needs no deinit; nobody may wait
 * for it when its memory goes; it must not be moved. [any thread] */
HEM_API void hem_condition_init(hem_condition *c, hem_lock *lock);

/* As hem_lock_acquire() of its lock: returns at once if that is free.
 * [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_condition_acquire(hem_condition *c);

/* As hem_lock_release(), hem_lock_locked() of its lock. [loop thread] */
HEM_API int hem_condition_release(hem_condition *c);
HEM_API bool hem_condition_locked(const hem_condition *c);

/*
 * Release the lock, wait to be notified, and acquire the lock again, whatever
 * happens: it is held when this returns. HEM_EREFUSED: it was not locked, and
 * is not; HEM_ECANCELED: cancelled while waiting or while acquiring, with the
 * reason of the last request if there were several; the notification is passed
 * on. asyncio's Condition.wait(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_condition_wait(hem_condition *c);

/*
 * Wait until ready(arg), asked with the lock held, is true; returns 0 at once,
 * and does not need the lock, if it is. ready() must not suspend. Errors as
 * hem_condition_wait(). asyncio's Condition.wait_for(). [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int
hem_condition_wait_for(hem_condition *c, bool (*ready)(void *arg), void *arg);

/* Let the first `n` who wait go on, as soon as they get the lock; SIZE_MAX:
 * all, asyncio's notify_all(). HEM_EREFUSED: the lock is not held by anybody,
 * nothing was done. [loop thread] */
HEM_API int hem_condition_notify(hem_condition *c, size_t n);

HEM_END_DECLS

#endif

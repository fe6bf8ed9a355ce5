/* SPDX-License-Identifier: MIT */
/*
 * Locks between tasks of one loop, asyncio.Lock: fair, first come first
 * served. Needed only where a task suspends between two steps that belong
 * together; what does not suspend is not interrupted.
 *
 *     struct account { hem_lock lock; int balance; };
 *
 *     static int deposit(struct account *a, int sum)
 *     {
 *         HEM_TRY(hem_lock_acquire(&a->lock));
 *         int rc = write_to_disk(a->balance + sum);     // suspends
 *         if (rc == 0)
 *             a->balance += sum;
 *         (void)hem_lock_release(&a->lock);
 *         return rc;
 *     }
 *
 * unlocked --acquire--> locked --release--> unlocked, or passed to the first
 * who waits, who holds it when its turn comes; until then nobody else gets it.
 * A task that is cancelled in the very turn in which it would get the lock
 * passes it on. A lock has no owner: any task or callback may release it, and
 * a task that acquires it twice waits for ever.
 *
 * A lock belongs to the loop whose tasks use it, and is for one thread. In a
 * forked child nobody waits for it any more: make it anew.
 */
#ifndef HEM_LOCK_H
#define HEM_LOCK_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_lock {
    struct hem__list waiters; /* who waits, the oldest first, until it runs */
    struct hem__list *cancelled; /* the last of those at the front of whom it is
                                    known that they are, or &waiters */
    bool locked;                 /* by whoever acquired it last */
} hem_lock;

/* Make an unlocked lock. It needs no deinit; nobody may wait for it when its
 * memory goes. [any thread] */
HEM_API void hem_lock_init(hem_lock *l);

/*
 * Lock it, waiting until it is free and all who came before have had it.
 * Returns 0 at once if it is free and nobody waits. HEM_ECANCELED: not locked
 * by this call. asyncio's Lock.acquire(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_lock_acquire(hem_lock *l);

/* Unlock it and let the next one go on. HEM_EREFUSED: it is not locked.
 * [loop thread] */
HEM_API int hem_lock_release(hem_lock *l);

/* Return whether it is locked. While it is on its way to the next one it is
 * not, but an acquire waits. [loop thread] */
HEM_API bool hem_lock_locked(const hem_lock *l);

HEM_END_DECLS

#endif

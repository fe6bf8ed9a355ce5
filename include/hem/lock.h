/* SPDX-License-Identifier: MIT */
/*
 * Locks between tasks of one loop, asyncio.Lock: fair, first come first
 * served. Needed only where a task suspends between two steps that belong
 * together; what does not suspend is not interrupted.
 *
 *     HEM_TRY(hem_lock_acquire(&l));
 *     ...
 *     (void)hem_lock_release(&l);
 *
 * A lock has no owner: any task may release it. A task that is cancelled in
 * the turn in which the lock is handed to it passes it on.
 */
#ifndef HEM_LOCK_H
#define HEM_LOCK_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_lock {
    struct hem__list waiters; /* who waits for it, the oldest first */
    bool locked;
} hem_lock;

/* Make an unlocked lock. It needs no deinit; nobody may wait for it when its
 * memory goes. [any thread] */
HEM_API void hem_lock_init(hem_lock *l);

/* Wait until it is free and lock it; at once where nobody waits.
 * HEM_ECANCELED: not locked. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_lock_acquire(hem_lock *l);

/* Unlock it and let the next one go on. HEM_EREFUSED: it is not locked.
 * [loop thread] */
HEM_API int hem_lock_release(hem_lock *l);

/* Return whether it is locked. [loop thread] */
HEM_API bool hem_lock_locked(const hem_lock *l);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Semaphores: at most so many at a time; asyncio.Semaphore and
 * BoundedSemaphore, fair: first come first served.
 *
 *     hem_semaphore s;
 *     hem_semaphore_init(&s, &(hem_semaphore_options){.value = 10});
 *     ...
 *     HEM_TRY(hem_semaphore_acquire(&s));               // in each of 1,000
 *     int rc = fetch(url);
 *     (void)hem_semaphore_release(&s);
 *     return rc;
 *
 * A place that is released goes to the first who waits, who has it from then
 * on; one that is cancelled before it runs passes it on. Any task or callback
 * may release, also one that acquired nothing: what a producer releases and a
 * consumer acquires is counted so. A bounded semaphore takes that for a
 * mistake.
 *
 * A semaphore belongs to the loop whose tasks use it, and is for one thread.
 * In a forked child nobody waits for it any more: make it anew.
 */
#ifndef HEM_SEMAPHORE_H
#define HEM_SEMAPHORE_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_semaphore {
    struct hem__list waiters; /* who waits, the oldest first */
    struct hem__list passing; /* who was given a place and has not run yet */
    size_t value;             /* how many places are free */
    size_t initial;           /* of `value`; the most, if bounded */
    bool bounded;             /* as in the options */
} hem_semaphore;

typedef struct hem_semaphore_options {
    size_t value; /* to begin with */
    bool bounded; /* releasing more than was acquired is an error */
} hem_semaphore_options;

/* Make a semaphore; `opts` is borrowed until the return, NULL: of value 0. It
 * needs no deinit; nobody may wait for it when its memory goes. [any thread] */
HEM_API void hem_semaphore_init(hem_semaphore *s,
                                const hem_semaphore_options *opts);

/*
 * Take a place, waiting until there is one and all who came before have got
 * theirs. Returns 0 at once unless hem_semaphore_locked(). HEM_ECANCELED: none
 * was taken. asyncio's Semaphore.acquire(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_semaphore_acquire(hem_semaphore *s);

/* Give a place back, or a new one. HEM_EINVAL: bounded, and none was taken;
 * HEM_ELIMIT: there are SIZE_MAX. Nothing has changed then. [loop thread] */
HEM_API int hem_semaphore_release(hem_semaphore *s);

/* Return whether an acquire would wait: there is no place, or others come
 * first. [loop thread] */
HEM_API bool hem_semaphore_locked(const hem_semaphore *s);

HEM_END_DECLS

#endif

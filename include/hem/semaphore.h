/* SPDX-License-Identifier: MIT */
/*
 * Semaphores: at most so many at a time, asyncio.Semaphore; fair.
 *
 *     hem_semaphore s;
 *     hem_semaphore_init(&s, &(hem_semaphore_options){.value = 10});
 *     HEM_TRY(hem_semaphore_acquire(&s));
 *     ...
 *     (void)hem_semaphore_release(&s);
 */
#ifndef HEM_SEMAPHORE_H
#define HEM_SEMAPHORE_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_semaphore {
    struct hem__list waiters; /* who waits, the oldest first */
    size_t value;             /* how many may still pass */
    size_t initial;           /* at most, if bounded */
    bool bounded;
} hem_semaphore;

typedef struct hem_semaphore_options {
    size_t value; /* to begin with */
    bool bounded; /* releasing more than was acquired is an error */
} hem_semaphore_options;

/* Make a semaphore; NULL: of value 0. It needs no deinit. [any thread] */
HEM_API void hem_semaphore_init(hem_semaphore *s,
                                const hem_semaphore_options *opts);

/* Take one, waiting where there is none. HEM_ECANCELED: none was taken.
 * [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_semaphore_acquire(hem_semaphore *s);

/* Give one back, or one more. HEM_EINVAL: bounded, and none was taken.
 * [loop thread] */
HEM_API int hem_semaphore_release(hem_semaphore *s);

/* Return whether an acquire would wait. [loop thread] */
HEM_API bool hem_semaphore_locked(const hem_semaphore *s);

HEM_END_DECLS

#endif

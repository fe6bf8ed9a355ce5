/* SPDX-License-Identifier: MIT */
/*
 * All memory of hem but stacks of tasks comes from one allocator, malloc's
 * unless it is replaced. It may fail at any time: the call that needed the
 * memory returns HEM_ENOMEM, and nothing has changed.
 */
#ifndef HEM_ALLOC_H
#define HEM_ALLOC_H

#include "base.h"

HEM_BEGIN_DECLS

typedef struct hem_allocator {
    /* As malloc, realloc and free; called from every thread that uses hem. */
    void *(*alloc)(void *arg, size_t bytes);
    void *(*realloc)(void *arg, void *p, size_t bytes);
    void (*free)(void *arg, void *p);
    void *arg; /* handed to the three */
} hem_allocator;

/*
 * Replace the allocator; NULL: malloc again. To be called before anything
 * else of hem, while no other thread uses it; `a` is copied. [any thread]
 */
HEM_API void hem_allocator_set(const hem_allocator *a);

/* Free memory that a function of hem gave to the caller, who is told so. NULL
 * does nothing. [any thread] */
HEM_API void hem_free(void *p);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/* The allocator, as the rest of the library calls it. */
#ifndef HEM__BASE_ALLOC_H
#define HEM__BASE_ALLOC_H

#include <stddef.h>

#include "hem/alloc.h"

/* NULL: no memory. */
void *hem__alloc(size_t bytes);
void *hem__calloc(size_t bytes);
/* NULL: no memory, and `p` is unchanged. */
void *hem__realloc(void *p, size_t bytes);
void hem__free(void *p);

#endif

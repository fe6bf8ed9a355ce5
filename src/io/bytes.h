/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes, on the heap while it holds some: what is kept for a
 * stream, what is on its way through memory. It takes at most twice the memory
 * of what it holds, or of what it was last given room for.
 */
#ifndef HEM__IO_BYTES_H
#define HEM__IO_BYTES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct hem__bytes {
    char *data; /* or NULL */
    size_t begin;
    size_t size; /* from `begin` on */
    size_t capacity;
} hem__bytes;

static inline const char *hem__bytes_first(const hem__bytes *b)
{
    return b->data + b->begin;
}

/* Make room for `size` more. HEM_ENOMEM: unchanged. */
int hem__bytes_reserve(hem__bytes *b, size_t size);

/* Add bytes for which there is room. */
void hem__bytes_add(hem__bytes *b, const void *p, size_t size);

/* Take the first `size` off. */
void hem__bytes_drop(hem__bytes *b, size_t size);

/* Free all. */
void hem__bytes_clear(hem__bytes *b);

#endif

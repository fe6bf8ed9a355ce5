/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)1 << 18)
#define ALIGNMENT   ((size_t)16)

struct chunk {
    struct chunk *older; /* keeps all of them reachable */
    size_t used;
    size_t bytes;
};

static struct chunk *newest;

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static struct chunk *add_chunk(size_t bytes)
{
    size_t total = aligned(sizeof(struct chunk)) + bytes;
    struct chunk *c = calloc(1, total > CHUNK_BYTES ? total : CHUNK_BYTES);
    if (!c) {
        fputs("hem-trace: out of memory\n", stderr);
        exit(2);
    }
    c->older = newest;
    c->used = aligned(sizeof(*c));
    c->bytes = total > CHUNK_BYTES ? total : CHUNK_BYTES;
    newest = c;
    return c;
}

void *arena_alloc(size_t bytes)
{
    bytes = aligned(bytes);
    struct chunk *c = newest;
    if (!c || c->bytes - c->used < bytes)
        c = add_chunk(bytes);
    void *p = (char *)c + c->used;
    c->used += bytes;
    return p;
}

char *arena_copy(const char *s, size_t length)
{
    char *copy = arena_alloc(length + 1);
    memcpy(copy, s, length);
    return copy;
}

char *arena_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *s = arena_alloc((size_t)length + 1);
    vsnprintf(s, (size_t)length + 1, format, again);
    va_end(again);
    return s;
}

void *arena_room(void *array, size_t count, size_t *capacity, size_t element)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    void *larger = arena_alloc(*capacity * element);
    if (count)
        memcpy(larger, array, count * element);
    return larger;
}

/* SPDX-License-Identifier: MIT */
/*
 * Stacks and their pool, one for each loop.
 *
 * Stacks are cut from slabs: one mapping of many slots, each a guard below a
 * stack. Slabs of a size double in length, so that a million stacks take some
 * twenty mappings. Guards are regions inside the mapping where the kernel has
 * them (Linux 6.13); elsewhere mprotect, which splits the mapping, so that
 * the pool then ends at HEM__STACK_GUARDS_MAX with HEM_ENOMEM, long before the
 * process runs out of mappings.
 *
 * Free stacks are kept, the last used first. Those beyond what was needed of
 * late are set aside from time to time (hem__stacks_trim) and give their pages
 * back, a few at a time, for each is a call of the kernel (hem__stacks_cool).
 */
#ifndef HEM__CORO_STACK_H
#define HEM__CORO_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "coro/annotate.h"
#include "coro/valgrind.h"
#include "hem/base.h"

#define HEM__STACK_DEFAULT_BYTES ((size_t)64 << 10)
#define HEM__STACK_GUARD_BYTES   ((size_t)64 << 10)
#define HEM__STACK_MIN_BYTES     ((size_t)16 << 10)
#define HEM__STACK_MAX_BYTES     ((size_t)1 << 30)
#define HEM__STACK_GUARDS_MAX    24000
#define HEM__STACK_CLASSES       17 /* powers of two, 16 KiB to 1 GiB */

typedef struct hem__stack {
    struct hem__stack *next; /* in the list of free ones */
    char *bottom;            /* of the memory, above the guard */
    char *top;               /* end of what tasks use: leaves its colour */
    struct hem__stack_class *of;
    unsigned valgrind_id; /* what valgrind calls it */
} hem__stack;

/* The free stacks of a size, and where new ones come from. */
typedef struct hem__stack_class {
    size_t bytes;        /* of each */
    bool valgrind;       /* which wants to know of reuse, runs this process */
    hem__stack *free;    /* warm ones: their pages are there */
    hem__stack *surplus; /* warm ones, about to give them back */
    hem__stack *cold;    /* ones that have */
    struct hem__slab *slab; /* the latest, with slots never used, or NULL */
    uint32_t slab_slots;    /* of the next slab */
    uint32_t warm;          /* number of `free` */
    uint32_t spare; /* least of `warm` since the last trim: not needed */
} hem__stack_class;

typedef struct hem__stacks {
    hem__stack_class classes[HEM__STACK_CLASSES];
    struct hem__slab *slabs; /* all */
    uint32_t mprotected;     /* guards made by mprotect */
    bool no_regions;         /* the kernel has no guard regions */
} hem__stacks;

void hem__stacks_init(hem__stacks *p);

/* Unmap all; no stack may be in use. */
void hem__stacks_deinit(hem__stacks *p);

/* The class of the smallest stacks of at least `bytes`; NULL: too large. */
hem__stack_class *hem__stack_class_of(hem__stacks *p, size_t bytes);

static inline size_t hem__stack_bytes(const hem__stack *s)
{
    return s->of->bytes;
}

/* See to it that a warm stack is free; HEM_ENOMEM. */
int hem__stack_provide(hem__stacks *p, hem__stack_class *c);

/* Take a stack of a class that has a warm one. */
static inline hem__stack *hem__stack_get(hem__stack_class *c)
{
    hem__stack *s = c->free;
    c->free = s->next;
    if (--c->warm < c->spare)
        c->spare = c->warm;
    hem__annotate_stack_reuse(s->bottom, c->bytes);
    if (c->valgrind)
        hem__valgrind_stack_reuse(s->bottom, c->bytes);
    return s;
}

/* Give a stack back; the caller may still run on it until the next get. */
static inline void hem__stack_put(hem__stack *s)
{
    hem__stack_class *c = s->of;
    s->next = c->free;
    c->free = s;
    c->warm++;
}

/* Whether there are free stacks with pages, set aside or not. */
bool hem__stacks_warm(const hem__stacks *p);

/* Set those aside that were not needed since the last trim. */
void hem__stacks_trim(hem__stacks *p);

/* Have at most `n` of them give their pages back; returns whether there are
 * more. Not to be called on a stack that was put. */
bool hem__stacks_cool(hem__stacks *p, uint32_t n);

#endif

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
 * late give their pages back, but for the topmost (hem__stacks_trim).
 */
#ifndef HEM__CORO_STACK_H
#define HEM__CORO_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "coro/annotate.h"
#include "hem/base.h"

#define HEM__STACK_DEFAULT_BYTES ((size_t)64 << 10)
#define HEM__STACK_GUARD_BYTES   ((size_t)64 << 10)
#define HEM__STACK_MIN_BYTES     ((size_t)16 << 10)
#define HEM__STACK_MAX_BYTES     ((size_t)1 << 30)
#define HEM__STACK_GUARDS_MAX    24000
#define HEM__STACK_CLASSES       17 /* powers of two, 16 KiB to 1 GiB */

typedef struct hem__stack {
    struct hem__stack *next; /* in the list of free ones */
    char *top;               /* end of the memory */
    uint32_t colour;         /* bytes to leave at the top */
    uint16_t size_class;
    bool cold;            /* gave its pages back */
    unsigned valgrind_id; /* what valgrind calls it */
} hem__stack;

/* The free stacks of a size, and where new ones come from. */
typedef struct hem__stack_class {
    hem__stack *free;       /* warm first */
    struct hem__slab *slab; /* the latest, with slots never used, or NULL */
    uint32_t slab_slots;    /* of the next slab */
    uint32_t in_use;
    uint32_t peak;      /* of in_use since the last trim */
    uint32_t free_warm; /* free ones with pages */
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

/* The class of the smallest stacks of at least `bytes`; negative error
 * HEM_EINVAL: too large. */
int hem__stack_class_of(size_t bytes);

static inline size_t hem__stack_bytes(const hem__stack *s)
{
    return HEM__STACK_MIN_BYTES << s->size_class;
}

static inline char *hem__stack_bottom(const hem__stack *s)
{
    return s->top - hem__stack_bytes(s);
}

/* Make a stack where none is free; HEM_ENOMEM. */
int hem__stack_create(hem__stacks *p, hem__stack **ret, int size_class);

/* Take a stack. HEM_ENOMEM. */
static inline int hem__stack_get(hem__stacks *p, hem__stack **ret,
                                 int size_class)
{
    hem__stack_class *c = &p->classes[size_class];
    hem__stack *s = c->free;
    if (!s || s->cold)
        return hem__stack_create(p, ret, size_class);
    c->free = s->next;
    c->free_warm--;
    if (++c->in_use > c->peak)
        c->peak = c->in_use;
    hem__annotate_stack_reuse(hem__stack_bottom(s), hem__stack_bytes(s));
    *ret = s;
    return 0;
}

/* Give a stack back; the caller may still run on it until the next get. */
static inline void hem__stack_put(hem__stacks *p, hem__stack *s)
{
    hem__stack_class *c = &p->classes[s->size_class];
    s->next = c->free;
    c->free = s;
    c->free_warm++;
    c->in_use--;
}

/* Give the pages of stacks back that were not needed since the last trim.
 * Not to be called on a stack that was put. */
void hem__stacks_trim(hem__stacks *p);

#endif

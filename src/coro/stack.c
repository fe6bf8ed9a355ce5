/* SPDX-License-Identifier: MIT */
#include "coro/stack.h"

#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"
#include "coro/valgrind.h"

#define SLAB_FIRST_SLOTS 16
#define SLAB_MAX_BYTES   ((size_t)8 << 30)
#define COLOURS          16
#define COLOUR_BYTES     64

/* One mapping. Its slots are used from the last, highest one down. */
struct hem__slab {
    struct hem__slab *next; /* of all */
    char *memory;           /* slots of guard and stack */
    size_t slot_bytes;
    uint32_t slots;
    uint32_t used; /* slots cut so far */
    hem__stack_class *of;
    hem__stack stacks[]; /* one for each slot */
};

void hem__stacks_init(hem__stacks *p)
{
    memset(p, 0, sizeof(*p));
    for (int i = 0; i < HEM__STACK_CLASSES; i++) {
        p->classes[i].slab_slots = SLAB_FIRST_SLOTS;
        p->classes[i].bytes = HEM__STACK_MIN_BYTES << i;
        p->classes[i].valgrind = hem__valgrind_runs();
    }
}

void hem__stacks_deinit(hem__stacks *p)
{
    while (p->slabs) {
        struct hem__slab *slab = p->slabs;
        p->slabs = slab->next;
        for (uint32_t i = 0; i < slab->used; i++) {
            hem__stack *s = &slab->stacks[i];
            hem__annotate_stack_gone(s->bottom, hem__stack_bytes(s));
            hem__valgrind_stack_gone(s->valgrind_id);
        }
        munmap(slab->memory, slab->slots * slab->slot_bytes);
        hem__free(slab);
    }
}

hem__stack_class *hem__stack_class_of(hem__stacks *p, size_t bytes)
{
    for (int i = 0; i < HEM__STACK_CLASSES; i++) {
        if (p->classes[i].bytes >= bytes)
            return &p->classes[i];
    }
    return NULL;
}

static size_t slot_bytes_of(const hem__stack_class *c)
{
    return c->bytes + HEM__STACK_GUARD_BYTES;
}

static int slab_create(hem__stacks *p, hem__stack_class *c, uint32_t slots)
{
    struct hem__slab *slab =
        hem__alloc(sizeof(*slab) + slots * sizeof(slab->stacks[0]));
    if (!slab)
        return HEM_ENOMEM;
    void *memory;
    int rc = hem__sys_map_stacks(&memory, slots * slot_bytes_of(c));
    if (rc < 0) {
        hem__free(slab);
        return HEM_ENOMEM;
    }
    *slab = (struct hem__slab){.next = p->slabs,
                               .memory = memory,
                               .slot_bytes = slot_bytes_of(c),
                               .slots = slots,
                               .of = c};
    p->slabs = slab;
    c->slab = slab;
    return 0;
}

/* Add a slab, a smaller one where address space lacks. */
static int slab_add(hem__stacks *p, hem__stack_class *c)
{
    uint32_t slots = c->slab_slots;
    while (slots > 1 && slots * slot_bytes_of(c) > SLAB_MAX_BYTES)
        slots /= 2;
    int rc;
    while ((rc = slab_create(p, c, slots)) < 0 && slots > 1)
        slots /= 2;
    if (rc == 0)
        c->slab_slots = slots * 2;
    return rc;
}

static int guard(hem__stacks *p, char *guard)
{
    if (!p->no_regions) {
        int rc = hem__sys_guard_region(guard, HEM__STACK_GUARD_BYTES);
        if (rc == 0)
            return 0;
        if (rc == HEM_ENOMEM || rc == HEM_EAGAIN)
            return HEM_ENOMEM; /* it has them, but no memory now */
        p->no_regions = true;
    }
    if (p->mprotected >= HEM__STACK_GUARDS_MAX ||
        hem__sys_guard_protect(guard, HEM__STACK_GUARD_BYTES) < 0)
        return HEM_ENOMEM;
    p->mprotected++;
    return 0;
}

/* Cut the next slot of a slab; unchanged on failure. */
static int slot_cut(hem__stacks *p, struct hem__slab *slab, hem__stack **ret)
{
    char *top = slab->memory + (slab->slots - slab->used) * slab->slot_bytes;
    int rc = guard(p, top - slab->slot_bytes);
    if (rc < 0)
        return rc;
    hem__stack *s = &slab->stacks[slab->used];
    *s = (hem__stack){.bottom = top - slab->of->bytes,
                      .top = top - slab->used % COLOURS * COLOUR_BYTES,
                      .of = slab->of};
    slab->used++;
    hem__annotate_stack(s->bottom, slab->of->bytes);
    s->valgrind_id = hem__valgrind_stack(s->bottom, top);
    *ret = s;
    return 0;
}

static hem__stack *pop(hem__stack **list)
{
    hem__stack *s = *list;
    *list = s->next;
    return s;
}

int hem__stack_provide(hem__stacks *p, hem__stack_class *c)
{
    if (c->warm > 0)
        return 0;
    hem__stack **others = c->surplus ? &c->surplus : &c->cold;
    if (*others) {
        hem__stack_put(pop(others));
        return 0;
    }
    if (!c->slab || c->slab->used == c->slab->slots) {
        int rc = slab_add(p, c);
        if (rc < 0)
            return rc;
    }
    hem__stack *s;
    int rc = slot_cut(p, c->slab, &s);
    if (rc == 0)
        hem__stack_put(s);
    return rc;
}

static void trim(hem__stack_class *c)
{
    uint32_t keep = c->warm - c->spare;
    hem__stack **at = &c->free;
    for (uint32_t i = 0; i < keep; i++)
        at = &(*at)->next;
    hem__stack *surplus = *at;
    *at = NULL;
    hem__stack **end = &surplus;
    while (*end)
        end = &(*end)->next;
    *end = c->surplus;
    c->surplus = surplus;
    c->warm = keep;
    c->spare = keep;
}

void hem__stacks_trim(hem__stacks *p)
{
    for (int i = 0; i < HEM__STACK_CLASSES; i++)
        trim(&p->classes[i]);
}

bool hem__stacks_cool(hem__stacks *p, uint32_t n)
{
    for (int i = 0; i < HEM__STACK_CLASSES; i++) {
        hem__stack_class *c = &p->classes[i];
        for (; c->surplus && n > 0; n--) {
            hem__stack *s = pop(&c->surplus);
            (void)madvise(s->bottom, c->bytes, MADV_DONTNEED);
            s->next = c->cold;
            c->cold = s;
        }
        if (c->surplus)
            return true;
    }
    return false;
}

bool hem__stacks_warm(const hem__stacks *p)
{
    for (int i = 0; i < HEM__STACK_CLASSES; i++) {
        if (p->classes[i].warm > 0 || p->classes[i].surplus)
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
#include "loop/timers.h"

#include "base/alloc.h"
#include "base/log.h"
#include "hem/error.h"

#define FIRST_CAPACITY 64
#define CHILDREN       4

void hem__timers_deinit(hem__timers *ts)
{
    for (uint32_t i = 1; i <= ts->count; i++)
        ts->heap[i].timer->index = 0; /* it may be armed in another loop */
    hem__free(ts->heap);
    *ts = (hem__timers){0};
}

int hem__timers_grow(hem__timers *ts)
{
    if (ts->capacity > UINT32_MAX / 4)
        return HEM_ENOMEM;
    uint32_t capacity = ts->capacity ? ts->capacity * 2 : FIRST_CAPACITY;
    hem__timer_entry *heap =
        hem__realloc(ts->heap, ((size_t)capacity + 1) * sizeof(*heap));
    if (!heap)
        return HEM_ENOMEM;
    ts->heap = heap;
    ts->capacity = capacity;
    return 0;
}

static inline bool before(const hem__timer_entry *a, const hem__timer_entry *b)
{
    if (a->when != b->when)
        return a->when < b->when;
    return (int32_t)(a->timer->seq - b->timer->seq) < 0;
}

static inline void put(hem__timers *ts, uint32_t i, hem__timer_entry e)
{
    ts->heap[i] = e;
    e.timer->index = i;
}

static inline uint32_t parent(uint32_t i)
{
    return (i + CHILDREN - 2) / CHILDREN;
}

static inline uint32_t first_child(uint32_t i)
{
    return CHILDREN * (i - 1) + 2;
}

static void sift_up(hem__timers *ts, uint32_t i, hem__timer_entry e)
{
    while (i > 1 && before(&e, &ts->heap[parent(i)])) {
        put(ts, i, ts->heap[parent(i)]);
        i = parent(i);
    }
    put(ts, i, e);
}

static void sift_down(hem__timers *ts, uint32_t i, hem__timer_entry e)
{
    for (;;) {
        uint32_t child = first_child(i);
        if (child > ts->count)
            break;
        uint32_t end = child + CHILDREN;
        if (end > ts->count + 1)
            end = ts->count + 1;
        uint32_t least = child;
        for (uint32_t c = child + 1; c < end; c++) {
            if (before(&ts->heap[c], &ts->heap[least]))
                least = c;
        }
        if (!before(&ts->heap[least], &e))
            break;
        put(ts, i, ts->heap[least]);
        i = least;
    }
    put(ts, i, e);
}

void hem__timer_arm(hem__timers *ts, hem__timer *t, hem_ns when)
{
    HEM__ASSERT(!t->index && ts->count < ts->reserved);
    t->when = when;
    t->seq = ts->seq++;
    sift_up(ts, ++ts->count, (hem__timer_entry){when, t});
}

void hem__timer_disarm(hem__timers *ts, hem__timer *t)
{
    uint32_t i = t->index;
    if (!i)
        return;
    t->index = 0;
    hem__timer_entry last = ts->heap[ts->count--];
    if (last.timer == t)
        return;
    if (i > 1 && before(&last, &ts->heap[parent(i)]))
        sift_up(ts, i, last);
    else
        sift_down(ts, i, last);
}

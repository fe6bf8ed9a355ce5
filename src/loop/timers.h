/* SPDX-License-Identifier: MIT */
/*
 * Timers of a loop: a heap with four children to a node, ordered by deadline
 * and then by the order of arming. Each entry carries its deadline, so that
 * comparing touches the heap alone.
 *
 * Whatever may arm a timer reserves its place first, when it is made: so
 * arming, disarming and firing never allocate and never fail.
 */
#ifndef HEM__LOOP_TIMERS_H
#define HEM__LOOP_TIMERS_H

#include <stdbool.h>

#include "hem/base.h"

typedef struct hem__timer hem__timer;

typedef struct hem__timer_entry {
    hem_ns when;
    hem__timer *timer;
} hem__timer_entry;

typedef struct hem__timers {
    hem__timer_entry *heap; /* heap[1] is the earliest */
    uint32_t count;
    uint32_t reserved; /* places promised; count <= reserved <= capacity */
    uint32_t capacity;
    uint32_t seq; /* of the next arming */
} hem__timers;

void hem__timers_deinit(hem__timers *ts);

/* Make room; unchanged on HEM_ENOMEM. */
int hem__timers_grow(hem__timers *ts);

/* Reserve a place, to be released when the timer is no more. HEM_ENOMEM. */
static inline int hem__timers_reserve(hem__timers *ts)
{
    if (ts->reserved == ts->capacity) {
        int rc = hem__timers_grow(ts);
        if (rc < 0)
            return rc;
    }
    ts->reserved++;
    return 0;
}

static inline void hem__timers_release(hem__timers *ts)
{
    ts->reserved--;
}

static inline bool hem__timer_armed(const hem__timer *t)
{
    return t->index != 0;
}

/* Arm `t`, which is not, with its place reserved. */
void hem__timer_arm(hem__timers *ts, hem__timer *t, hem_ns when);

/* Disarm it if it is armed. */
void hem__timer_disarm(hem__timers *ts, hem__timer *t);

/* The earliest deadline, HEM_NEVER: none. */
static inline hem_ns hem__timers_next(const hem__timers *ts)
{
    return ts->count ? ts->heap[1].when : HEM_NEVER;
}

#endif

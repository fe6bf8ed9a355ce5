/* SPDX-License-Identifier: MIT */
/*
 * Lanes of the pool: how many of whose calls may run at once.
 *
 * A job is held by its lane, or admitted: it is in the pool's queue, or on a
 * thread, and counts in `running` until its function has returned. Invariant:
 * jobs are held only while `running` is at the limit. So the queue of the pool
 * holds nothing that must wait for another but for want of a thread.
 *
 * There is a record for each lane with calls, found by the address of its
 * description. The chains of records are the loop's; what is in a record is
 * under the pool's mutex. One without calls is given to the next lane that
 * needs one of its chain.
 */
#ifndef HEM__LOOP_LANE_H
#define HEM__LOOP_LANE_H

#include "base/list.h"
#include "hem/thread.h"

#define HEM__LANE_CHAINS 64

typedef struct hem__lane {
    struct hem__lane *next;     /* in its chain */
    const hem_thread_lane *key; /* not followed: it may be gone */
    hem__list held;             /* jobs, by `link` */
    uint32_t limit;
    uint32_t running;
    size_t waiting; /* length of `held` */
} hem__lane;

typedef struct hem__lanes {
    hem__lane common; /* of calls that name none */
    hem__lane *chains[HEM__LANE_CHAINS];
} hem__lanes;

void hem__lanes_init(hem__lanes *a);
void hem__lanes_deinit(hem__lanes *a);

/* The record of a lane, NULL: it has none. */
hem__lane *hem__lanes_find(hem__lanes *a, const hem_thread_lane *key);

/* The same, made if need be; NULL: no memory. */
hem__lane *hem__lanes_get(hem__lanes *a, const hem_thread_lane *key);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Time of a loop: monotonic, or virtual for tests.
 *
 * A loop on a virtual clock does not wait: when no task can run, no event of
 * the outside is pending and no real work is under way (calls on other
 * threads, child processes), its clock jumps to the next timer. An hour of
 * sleeping passes in microseconds and always in the same order. Time spent
 * computing does not count.
 *
 *     hem_virtual_clock clock = {0};
 *     hem_run(test, NULL, &(hem_run_options){.clock = &clock});
 */
#ifndef HEM_CLOCK_H
#define HEM_CLOCK_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; may be used by several runs, one after the other. */
typedef struct hem_virtual_clock {
    hem_ns now; /* the present time; set by the caller before a run */
    /* Real time that descriptors get to become ready before time jumps while
     * tasks wait for descriptors; 0: 2 ms. */
    hem_ns grace;
} hem_virtual_clock;

/*
 * Return the time of the loop: nanoseconds since an arbitrary point. On the
 * monotonic clock it is read anew at each call. [loop thread]
 */
HEM_API hem_ns hem_now(void);

HEM_END_DECLS

#endif

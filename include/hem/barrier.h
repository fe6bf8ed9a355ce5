/* SPDX-License-Identifier: MIT */
/*
 * Barriers: a number of tasks wait for each other, again and again;
 * asyncio.Barrier.
 *
 *     int index = hem_barrier_wait(&b);     // in each of three tasks
 *
 * filling --last one arrives--> draining --last one leaves--> filling
 * filling --reset--> resetting --last one leaves--> filling
 * any --abort--> broken --reset--> filling
 */
#ifndef HEM_BARRIER_H
#define HEM_BARRIER_H

#include "base.h"
#include "condition.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_barrier {
    hem_condition changed; /* `state` or `count` did */
    uint32_t parties;
    uint32_t count; /* of those inside */
    uint8_t state;  /* enum hem__barrier_state */
} hem_barrier;

/* Make a barrier of `parties`, at least 1 (else HEM_EINVAL). It needs no
 * deinit; it must not be moved. [any thread] */
HEM_API HEM_CHECK int hem_barrier_init(hem_barrier *b, uint32_t parties);

/*
 * Wait until all parties have come; returns how many came before, 0 to
 * parties - 1. HEM_EBROKEN: it was reset while waiting, or is broken.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_barrier_wait(hem_barrier *b);

/* Empty it: who waits gets HEM_EBROKEN. HEM_ECANCELED: nothing was done.
 * [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_barrier_reset(hem_barrier *b);

/* Break it: who waits, or comes, gets HEM_EBROKEN. HEM_ECANCELED: nothing was
 * done. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_barrier_abort(hem_barrier *b);

/* Return the number of tasks that wait while it fills, else 0; and whether it
 * is broken. [loop thread] */
HEM_API uint32_t hem_barrier_waiting(const hem_barrier *b);
HEM_API bool hem_barrier_broken(const hem_barrier *b);

HEM_END_DECLS

#endif

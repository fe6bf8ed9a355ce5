/* SPDX-License-Identifier: MIT */
/*
 * Barriers: a number of tasks wait for each other, again and again;
 * asyncio.Barrier.
 *
 *     static int work(void *arg)                        // in each of three
 *     {
 *         struct plan *p = arg;
 *         for (int round = 0; round < p->rounds; round++) {
 *             HEM_TRY(compute(p, round));
 *             HEM_TRY(hem_barrier_wait(&p->all_computed));
 *         }
 *         return 0;
 *     }
 *
 * filling --last one arrives--> draining --last one leaves--> filling
 * filling, draining --reset--> resetting --last one leaves--> filling
 * any --abort--> broken --reset--> filling, by way of resetting if some are
 * still inside
 *
 * Those who come while it drains or resets wait until all are out. A task that
 * is cancelled while it waits just leaves, and the others go on waiting for
 * one more; if it is not to come back, it should break the barrier.
 *
 * A barrier belongs to the loop whose tasks use it, and is for one thread. In
 * a forked child nobody waits for it any more: make it anew.
 */
#ifndef HEM_BARRIER_H
#define HEM_BARRIER_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_barrier {
    struct hem__list waiters; /* who waits, inside or to come in */
    uint32_t parties;         /* as given to the init */
    uint32_t count;           /* of those inside */
    uint8_t state;            /* enum hem__barrier_state */
} hem_barrier;

/* Make a barrier of `parties`. HEM_EINVAL: none, or more than INT_MAX. It needs
 * no deinit; nobody may wait for it when its memory goes. [any thread] */
HEM_API HEM_CHECK int hem_barrier_init(hem_barrier *b, uint32_t parties);

/*
 * Wait until all parties have come. Returns how many came before this one, 0
 * to parties - 1; at once for the last one. HEM_EBROKEN: it is broken, or was
 * reset or broken while this one waited; HEM_ECANCELED: this one does not count
 * any more. asyncio's Barrier.wait(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_barrier_wait(hem_barrier *b);

/*
 * Empty it, and mend it if it is broken: who waits gets HEM_EBROKEN; who comes
 * later waits for the next round. Returns 0. asyncio's Barrier.reset(), which
 * is a coroutine but does not wait either. [loop thread]
 */
HEM_API int hem_barrier_reset(hem_barrier *b);

/* Break it: who waits, or comes, gets HEM_EBROKEN, until it is reset. Returns
 * 0. asyncio's Barrier.abort(). [loop thread] */
HEM_API int hem_barrier_abort(hem_barrier *b);

/* Return the number of tasks that wait while it fills, else 0; asyncio's
 * n_waiting. [loop thread] */
HEM_API uint32_t hem_barrier_waiting(const hem_barrier *b);

/* Return whether it is broken. [loop thread] */
HEM_API bool hem_barrier_broken(const hem_barrier *b);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * asyncio's Barrier without its condition: nothing suspends between two looks
 * at the barrier, so there is nothing to lock.
 */
#include "hem/barrier.h"

#include <limits.h>

#include "sync/waiters.h"

enum hem__barrier_state { FILLING, DRAINING, RESETTING, BROKEN };

int hem_barrier_init(hem_barrier *b, uint32_t parties)
{
    if (parties == 0 || parties > INT_MAX)
        return HEM_EINVAL;
    hem__list_init(&b->waiters);
    b->parties = parties;
    b->count = 0;
    b->state = FILLING;
    return 0;
}

static void wake_all(hem_barrier *b, const char *function)
{
    hem__sync_wake(&b->waiters, SIZE_MAX, function);
}

/* Wait for `state` to change. */
static int wait_for_change(hem_barrier *b)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("barrier", "hem_barrier_wait");
    struct hem__sync_waiter w;
    int rc = hem__sync_wait(&b->waiters, &w, &kind);
    if (rc < 0) /* in vain, as a condition does: the next one moves behind */
        hem__sync_wake(&b->waiters, 1, kind.function);
    return rc;
}

/* Those inside leave before new ones may come. */
static int enter(hem_barrier *b)
{
    while (b->state == DRAINING || b->state == RESETTING)
        HEM_TRY(wait_for_change(b));
    return b->state == BROKEN ? HEM_EBROKEN : 0;
}

static int fill(hem_barrier *b)
{
    while (b->state == FILLING)
        HEM_TRY(wait_for_change(b));
    return b->state == DRAINING ? 0 : HEM_EBROKEN;
}

static void leave(hem_barrier *b)
{
    if (--b->count > 0)
        return;
    if (b->state == RESETTING || b->state == DRAINING)
        b->state = FILLING;
    wake_all(b, "hem_barrier_wait");
}

int hem_barrier_wait(hem_barrier *b)
{
    HEM_TRY(enter(b));
    int index = (int)b->count++;
    int rc = 0;
    if (b->count == b->parties) {
        b->state = DRAINING;
        wake_all(b, "hem_barrier_wait");
    } else {
        rc = fill(b);
    }
    leave(b);
    return rc < 0 ? rc : index;
}

int hem_barrier_reset(hem_barrier *b)
{
    b->state = b->count > 0 ? RESETTING : FILLING;
    wake_all(b, "hem_barrier_reset");
    return 0;
}

int hem_barrier_abort(hem_barrier *b)
{
    b->state = BROKEN;
    wake_all(b, "hem_barrier_abort");
    return 0;
}

uint32_t hem_barrier_waiting(const hem_barrier *b)
{
    return b->state == FILLING ? b->count : 0;
}

bool hem_barrier_broken(const hem_barrier *b)
{
    return b->state == BROKEN;
}

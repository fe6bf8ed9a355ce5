/* SPDX-License-Identifier: MIT */
#include "hem/barrier.h"

#include "hem/error.h"

enum hem__barrier_state { FILLING, DRAINING, RESETTING, BROKEN };

int hem_barrier_init(hem_barrier *b, uint32_t parties)
{
    if (parties == 0)
        return HEM_EINVAL;
    hem_condition_init(&b->changed, NULL);
    b->parties = parties;
    b->count = 0;
    b->state = FILLING;
    return 0;
}

/* Those inside leave before new ones may come. */
static int enter(hem_barrier *b)
{
    while (b->state == DRAINING || b->state == RESETTING)
        HEM_TRY(hem_condition_wait(&b->changed));
    return b->state == BROKEN ? HEM_EBROKEN : 0;
}

static int fill(hem_barrier *b)
{
    while (b->state == FILLING)
        HEM_TRY(hem_condition_wait(&b->changed));
    return b->state == DRAINING ? 0 : HEM_EBROKEN;
}

static void leave(hem_barrier *b)
{
    if (--b->count > 0)
        return;
    if (b->state == RESETTING || b->state == DRAINING)
        b->state = FILLING;
    (void)hem_condition_notify(&b->changed, SIZE_MAX);
}

static int pass(hem_barrier *b)
{
    HEM_TRY(enter(b));
    int index = (int)b->count++;
    int rc = 0;
    if (b->count == b->parties) {
        b->state = DRAINING;
        (void)hem_condition_notify(&b->changed, SIZE_MAX);
    } else {
        rc = fill(b);
    }
    leave(b);
    return rc < 0 ? rc : index;
}

int hem_barrier_wait(hem_barrier *b)
{
    HEM_TRY(hem_condition_acquire(&b->changed));
    int rc = pass(b);
    (void)hem_condition_release(&b->changed);
    return rc;
}

static int change(hem_barrier *b, uint8_t busy, uint8_t idle)
{
    HEM_TRY(hem_condition_acquire(&b->changed));
    b->state = b->count > 0 ? busy : idle;
    (void)hem_condition_notify(&b->changed, SIZE_MAX);
    (void)hem_condition_release(&b->changed);
    return 0;
}

int hem_barrier_reset(hem_barrier *b)
{
    return change(b, RESETTING, FILLING);
}

int hem_barrier_abort(hem_barrier *b)
{
    return change(b, BROKEN, BROKEN);
}

uint32_t hem_barrier_waiting(const hem_barrier *b)
{
    return b->state == FILLING ? b->count : 0;
}

bool hem_barrier_broken(const hem_barrier *b)
{
    return b->state == BROKEN;
}

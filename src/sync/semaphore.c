/* SPDX-License-Identifier: MIT */
/*
 * Who is given a place moves from `waiters` to `passing` until it runs: it has
 * the place already, and newcomers wait behind it, even if there is another
 * one. When it runs it passes on what is left; so if nobody is passing, either
 * no place is free or nobody waits.
 */
#include "hem/semaphore.h"

#include "sync/waiters.h"

void hem_semaphore_init(hem_semaphore *s, const hem_semaphore_options *opts)
{
    hem__list_init(&s->waiters);
    hem__list_init(&s->passing);
    s->value = s->initial = opts ? opts->value : 0;
    s->bounded = opts && opts->bounded;
}

bool hem_semaphore_locked(const hem_semaphore *s)
{
    return s->value == 0 || !hem__list_empty(&s->passing);
}

/* Give a place to the oldest who has none. Returns false if there is none. */
static bool pass_on(hem_semaphore *s, const char *function)
{
    struct hem__sync_waiter *w = hem__sync_wake_one(&s->waiters, function);
    if (!w)
        return false;
    hem__list_insert(&s->passing, &w->link);
    s->value--;
    return true;
}

int hem_semaphore_acquire(hem_semaphore *s)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("semaphore", "hem_semaphore_acquire");
    if (!hem_semaphore_locked(s)) {
        s->value--;
        return 0;
    }
    struct hem__sync_waiter w;
    int rc = hem__sync_wait(&s->waiters, &w, &kind);
    if (rc < 0 && hem__sync_granted(&w))
        s->value++;
    while (s->value > 0 && pass_on(s, kind.function))
        ;
    return rc;
}

int hem_semaphore_release(hem_semaphore *s)
{
    if (s->bounded && s->value >= s->initial)
        return HEM_EINVAL;
    if (s->value == SIZE_MAX)
        return HEM_ELIMIT;
    s->value++;
    (void)pass_on(s, "hem_semaphore_release");
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "hem/semaphore.h"

#include "sync/waiters.h"

void hem_semaphore_init(hem_semaphore *s, const hem_semaphore_options *opts)
{
    hem__list_init(&s->waiters);
    s->value = s->initial = opts ? opts->value : 0;
    s->bounded = opts && opts->bounded;
}

bool hem_semaphore_locked(const hem_semaphore *s)
{
    return s->value == 0 || hem__sync_contended(&s->waiters);
}

/* Give a place to the oldest who has none. Returns false if there is none. */
static bool pass_on(hem_semaphore *s)
{
    for (hem__list *e = s->waiters.next; e != &s->waiters; e = e->next) {
        if (hem__sync_grant(hem__sync_waiter_of(e))) {
            s->value--;
            return true;
        }
    }
    return false;
}

int hem_semaphore_acquire(hem_semaphore *s)
{
    if (!hem_semaphore_locked(s)) {
        s->value--;
        return 0;
    }
    struct hem__sync_waiter w;
    int rc = hem__sync_wait(&s->waiters, &w);
    if (rc < 0 && hem__sync_granted(&w))
        s->value++;
    while (s->value > 0 && pass_on(s))
        ;
    return rc;
}

int hem_semaphore_release(hem_semaphore *s)
{
    if (s->bounded && s->value >= s->initial)
        return HEM_EINVAL;
    s->value++;
    (void)pass_on(s);
    return 0;
}

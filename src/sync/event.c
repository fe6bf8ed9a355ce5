/* SPDX-License-Identifier: MIT */
#include "hem/event.h"

#include "sync/waiters.h"

void hem_event_init(hem_event *e)
{
    hem__list_init(&e->waiters);
    e->set = false;
}

void hem_event_set(hem_event *e)
{
    e->set = true;
    hem__sync_wake(&e->waiters, SIZE_MAX, "hem_event_set");
}

void hem_event_clear(hem_event *e)
{
    e->set = false;
}

bool hem_event_is_set(const hem_event *e)
{
    return e->set;
}

int hem_event_wait(hem_event *e)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("event", "hem_event_wait");
    if (e->set)
        return 0;
    struct hem__sync_waiter w;
    return hem__sync_wait(&e->waiters, &w, &kind);
}

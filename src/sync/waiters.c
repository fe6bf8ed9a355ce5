/* SPDX-License-Identifier: MIT */
#include "sync/waiters.h"

void hem__sync_wake(hem__list *waiters, size_t n)
{
    while (n > 0 && !hem__list_empty(waiters)) {
        hem__list *e = waiters->next;
        hem__list_remove(e);
        if (hem__sync_grant(hem__sync_waiter_of(e)))
            n--;
    }
}

bool hem__sync_contended(const hem__list *waiters)
{
    for (hem__list *e = waiters->next; e != waiters; e = e->next) {
        if (!hem_future_cancelled(&hem__sync_waiter_of(e)->go))
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
#include "sync/waiters.h"

bool hem__sync_cancel(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__outcome *go = f->waiter.of;
    go->why = why;
    hem__outcome_settle(l, go, HEM__CANCELLED, HEM_ECANCELED);
    return true;
}

bool hem__sync_grant(struct hem__sync_waiter *w, const char *function)
{
    hem_loop *l = hem__loop_need(function);
    if (w->go.state != HEM__PENDING)
        return false;
    hem__outcome_settle(l, &w->go, HEM__DONE, 0);
    return true;
}

struct hem__sync_waiter *hem__sync_wake_one(hem__list *waiters,
                                            const char *function)
{
    while (!hem__list_empty(waiters)) {
        struct hem__sync_waiter *w = hem__sync_waiter_of(waiters->next);
        hem__list_remove(&w->link);
        if (hem__sync_grant(w, function))
            return w;
    }
    return NULL;
}

void hem__sync_wake(hem__list *waiters, size_t n, const char *function)
{
    while (n > 0 && hem__sync_wake_one(waiters, function))
        n--;
}

/* SPDX-License-Identifier: MIT */
/*
 * Limits: children that wait for their turn. Such a one is spawned and parked
 * before its first step; a request to cancel ends it without one.
 */
#include "hem/error.h"
#include "scope/scope.h"

static bool cancel_turn(hem_loop *l, hem__fiber *f, const char *why)
{
    hem_scope *s = HEM__CONTAINER(((hem_task *)f)->nursery, hem_scope, nursery);
    hem__list_remove(&f->waiter.link);
    s->pending_count--;
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_turn = {"turn", cancel_turn};

int hem__limit_check(const hem_scope *s)
{
    if (!s->limit || s->nursery.count - s->pending_count < s->limit)
        return 0;
    return s->pending_count < s->pending_limit ? 1 : HEM_ELIMIT;
}

int hem__limit_spawn(hem_loop *l, hem_scope *s, hem_task **ret, hem_fn *fn,
                     void *arg, const hem_spawn_options *opts)
{
    HEM_TRY(hem__task_spawn_parked(l, &s->nursery, ret, fn, arg, opts,
                                   &wait_turn, &s->pending));
    s->pending_count++;
    return 0;
}

void hem__limit_next(hem_loop *l, hem_scope *s)
{
    while (s->pending_count > 0 &&
           s->nursery.count - s->pending_count < s->limit) {
        hem__fiber *f =
            HEM__CONTAINER(s->pending.next, hem__fiber, waiter.link);
        hem__list_remove(&f->waiter.link);
        s->pending_count--;
        hem__wake(l, f, 0);
    }
}

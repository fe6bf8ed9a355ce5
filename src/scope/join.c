/* SPDX-License-Identifier: MIT */
/* Waiting for the last child of a scope. */
#include "scope/scope.h"
#include "task/future.h"

void hem__scope_tell_joiners(hem_scope *s)
{
    while (!hem__list_empty(&s->joiners)) {
        hem__joiner *j = HEM__CONTAINER(s->joiners.next, hem__joiner, link);
        hem__list_remove(&j->link);
        j->scope = NULL;
        if (!hem_future_done(&j->no_more))
            hem__future_settle(hem__loop, &j->no_more, 0, NULL);
    }
}

static const hem__wait wait_children = {"scope", hem__future_cancel_wait};

int hem__joiner_wait(hem_loop *l, hem_scope *s, hem__joiner *j,
                     bool (*cancel)(hem_future *self, const char *why))
{
    j->scope = s;
    hem__future_init(&j->no_more, cancel);
    hem__list_insert(&s->joiners, &j->link);
    int rc = hem__future_wait(l, &j->no_more, &wait_children);
    if (j->scope)
        hem__list_remove(&j->link);
    return rc;
}

int hem__scope_join(hem_loop *l, hem_scope *s, hem_task *self,
                    bool *ret_swallowed)
{
    bool stays = ret_swallowed || s->owner == self;
    int rc = 0;
    while (s->nursery.count > 0) {
        hem__joiner j;
        int waited = hem__joiner_wait(l, s, &j, NULL);
        if (!j.scope && !stays)
            return rc;
        if (waited != HEM_ECANCELED)
            continue;
        if (!s->aborting)
            rc = HEM_ECANCELED;
        else if (ret_swallowed)
            *ret_swallowed = true;
        hem__scope_abort(l, s, self->fiber.reason);
    }
    return rc;
}

/* Whether others may wait for the children: 0, or why not. */
static int check(const hem_scope *s)
{
    if (s->state == HEM__SCOPE_OPEN)
        return 0;
    return s->failed ? s->failed : HEM_EMISUSE;
}

int hem_scope_aclose(hem_scope *s)
{
    hem_loop *l = hem__loop_need("hem_scope_aclose");
    hem_task *self = hem__task_need(l, "hem_scope_aclose");
    HEM_TRY(check(s));
    if (s->kind == HEM_TASKCONTEXT)
        return hem__task_context_aclose(l, s, self, s->owner == self);
    if (!s->aborting) {
        hem__scope_abort(l, s, "closed");
        if (s->owner)
            hem__shield_cancel(l, s->owner, s->owner->shields, NULL);
    }
    (void)hem__scope_join(l, s, self, NULL);
    return 0;
}

int hem_scope_shutdown(hem_scope *s)
{
    hem_loop *l = hem__loop_need("hem_scope_shutdown");
    hem_task *self = hem__task_need(l, "hem_scope_shutdown");
    HEM_TRY(check(s));
    s->aborting = true;
    hem__nursery_cancel(l, &s->nursery, "shutdown");
    (void)hem__scope_join(l, s, self, NULL);
    return 0;
}

/* A grace period; in the frame of the task that drains the scope. */
struct grace {
    hem__timer timer;
    hem_scope *scope; /* which is there as long as the timer is armed */
    bool over;
};

static void end_grace(hem__timer *timer)
{
    struct grace *g = HEM__CONTAINER(timer, struct grace, timer);
    g->over = true;
    hem__scope_abort(hem__loop, g->scope, "grace period over");
}

int hem_scope_drain(hem_scope *s, hem_ns grace)
{
    hem_loop *l = hem__loop_need("hem_scope_drain");
    hem_task *self = hem__task_need(l, "hem_scope_drain");
    HEM_TRY(check(s));
    if (s->nursery.count == 0)
        return hem_yield();
    HEM_TRY(hem__timers_reserve(&l->timers));
    struct grace g = {.timer = {.fire = end_grace}, .scope = s};
    hem__loop_arm(l, &g.timer, hem__deadline(hem__loop_now(l), grace));
    int rc = hem__scope_join(l, s, self, NULL);
    hem__timer_disarm(&l->timers, &g.timer);
    hem__timers_release(&l->timers);
    return rc == 0 && g.over ? HEM_ETIMEDOUT : rc;
}

/* SPDX-License-Identifier: MIT */
/* Waiting for the last child of a scope. */
#include "scope/scope.h"
#include "task/future.h"

void hem__joiner_add(hem_scope *s, hem__joiner *j,
                     bool (*cancel)(hem_future *self, const char *why))
{
    j->scope = s;
    j->errors = NULL;
    j->result = 0;
    hem__future_init(&j->no_more, cancel);
    hem__list_insert(&s->joiners, &j->link);
}

void hem__joiner_remove(hem__joiner *j)
{
    hem__list_remove(&j->link);
    hem_error_release(j->errors);
}

static const hem__wait wait_children = {"scope", hem__future_cancel_wait};

int hem__joiner_wait(hem_loop *l, hem__joiner *j)
{
    return hem__future_wait(l, &j->no_more, &wait_children);
}

static void tell(hem__joiner *j)
{
    if (!hem_future_done(&j->no_more))
        hem__future_settle(hem__loop, &j->no_more, 0, NULL);
}

void hem__scope_tell_joiners(hem_scope *s)
{
    for (hem__list *e = s->joiners.next; e != &s->joiners; e = e->next)
        tell(HEM__CONTAINER(e, hem__joiner, link));
}

void hem__scope_let_joiners_go(hem_scope *s)
{
    while (!hem__list_empty(&s->joiners)) {
        hem__joiner *j = HEM__CONTAINER(s->joiners.next, hem__joiner, link);
        hem__list_remove(&j->link);
        j->scope = NULL;
        j->errors = hem_error_hold(s->errors);
        j->result = hem__task_context_result(s);
        tell(j);
    }
}

/* Wait until the last child has ended. Returns whether the wait was cancelled,
 * and whether the scope is gone. */
static bool wait_interrupted(hem_loop *l, hem_scope *s, bool *ret_gone)
{
    hem__joiner j;
    hem__joiner_add(s, &j, NULL);
    int rc = hem__joiner_wait(l, &j);
    *ret_gone = !j.scope;
    hem__joiner_remove(&j);
    return rc == HEM_ECANCELED;
}

int hem__scope_join(hem_loop *l, hem_scope *s, hem_task *self,
                    bool *ret_swallowed)
{
    int rc = 0;
    bool gone = false;
    while (!gone && s->nursery.count > 0) {
        if (!wait_interrupted(l, s, &gone))
            continue;
        if (gone || s->aborting)
            *ret_swallowed = true;
        else
            rc = HEM_ECANCELED;
        if (!gone)
            hem__scope_abort(l, s, self->fiber.reason);
    }
    return rc;
}

int hem__scope_join_close(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                          bool *ret_interrupted)
{
    bool gone = false;
    if (rc < 0)
        hem__scope_abort(l, s, NULL);
    while (!gone) {
        if (!wait_interrupted(l, s, &gone))
            continue;
        rc = HEM_ECANCELED;
        *ret_interrupted = true;
        if (!gone)
            hem__scope_abort(l, s, self->fiber.reason);
    }
    return rc;
}

/* Whether `self` may wait for the children: 0, or why not. */
static int check(const hem_scope *s, const hem_task *self)
{
    if (s->state != HEM__SCOPE_OPEN)
        return s->failed ? s->failed : HEM_EMISUSE;
    return hem__scope_has(s, self) ? HEM_EREFUSED : 0;
}

static int shut_down(hem_loop *l, hem_scope *s, hem_task *self)
{
    bool swallowed;
    s->aborting = s->aborted = true;
    hem__nursery_cancel(l, &s->nursery, "shutdown");
    (void)hem__scope_join(l, s, self, &swallowed);
    return 0;
}

/* Whether it is a scope that may be ended again after it was closed. */
static bool is_over(const hem_scope *s)
{
    return s->state == HEM__SCOPE_CLOSED && s->exiting &&
           (s->kind == HEM_PERSISTENT || s->kind == HEM_TASKCONTEXT);
}

int hem_scope_aclose(hem_scope *s)
{
    hem_loop *l = hem__loop_need("hem_scope_aclose");
    hem_task *self = hem__task_need(l, "hem_scope_aclose");
    bool swallowed;
    if (is_over(s))
        return 0;
    HEM_TRY(check(s, self));
    if (s->kind == HEM_PERSISTENT)
        return shut_down(l, s, self);
    if (s->kind == HEM_TASKCONTEXT)
        return hem__task_context_aclose(l, s, self, &swallowed);
    if (!s->aborting) {
        hem__scope_abort(l, s, "closed");
        hem__shield_cancel(l, s->owner, s->owner->shields, NULL);
    }
    (void)hem__scope_join(l, s, self, &swallowed);
    return 0;
}

int hem_scope_shutdown(hem_scope *s)
{
    hem_loop *l = hem__loop_need("hem_scope_shutdown");
    hem_task *self = hem__task_need(l, "hem_scope_shutdown");
    if (is_over(s))
        return 0;
    HEM_TRY(check(s, self));
    return shut_down(l, s, self);
}

/* A grace period; in the frame of the task that drains the scope. */
struct grace {
    hem__timer timer;
    hem__joiner joiner; /* never waits; tells whether the scope is there */
    bool over;          /* the period */
    bool cancelled;     /* the children were, for that or since the task was */
};

static void cancel_drained(struct grace *g, const char *why)
{
    if (g->joiner.scope && !g->cancelled)
        hem__scope_cancel(hem__loop, g->joiner.scope, why);
    g->cancelled = true;
}

static void end_grace(hem__timer *timer)
{
    struct grace *g = HEM__CONTAINER(timer, struct grace, timer);
    g->over = true;
    cancel_drained(g, "grace period over");
}

static int wait_drained(hem_loop *l, struct grace *g, hem_task *self)
{
    hem_scope *s = g->joiner.scope;
    int rc = 0;
    bool gone = false;
    while (!gone && s->nursery.count > 0) {
        if (!wait_interrupted(l, s, &gone))
            continue;
        rc = HEM_ECANCELED;
        cancel_drained(g, self->fiber.reason);
    }
    return rc;
}

int hem_scope_drain(hem_scope *s, hem_ns grace)
{
    hem_loop *l = hem__loop_need("hem_scope_drain");
    hem_task *self = hem__task_need(l, "hem_scope_drain");
    HEM_TRY(check(s, self));
    if (s->nursery.count == 0)
        return hem_yield();
    HEM_TRY(hem__timers_reserve(&l->timers));
    struct grace g = {.timer = {.fire = end_grace}};
    hem__joiner_add(s, &g.joiner, NULL);
    hem__loop_arm(l, &g.timer, hem__deadline(hem__loop_now(l), grace));
    int rc = wait_drained(l, &g, self);
    hem__timer_disarm(&l->timers, &g.timer);
    hem__timers_release(&l->timers);
    hem__joiner_remove(&g.joiner);
    return rc == 0 && g.over ? HEM_ETIMEDOUT : rc;
}

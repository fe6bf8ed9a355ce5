/* SPDX-License-Identifier: MIT */
/*
 * Task contexts: aiotools' TaskContext. Closing one is cancelling each child
 * and waiting for it, with the three outcomes of hem_cancel_and_wait() and a
 * group of what failed.
 */
#include "hem/error.h"
#include "scope/scope.h"
#include "task/failure.h"
#include "task/future.h"

int hem__task_context_claim(hem_loop *l, hem_scope *s)
{
    hem_task *self = (hem_task *)l->current;
    if (!s->owner)
        s->owner = self;
    return s->owner && s->owner == self ? 0 : HEM_EREFUSED;
}

void hem__task_context_ended(hem_scope *s, hem_task *child)
{
    int status = child->future.outcome.status;
    if (status == HEM_ECANCELED)
        s->interrupted |= child->count > child->expected;
    else if (status < 0)
        hem__scope_collect(s, hem__error_of(child));
    else if (child->count > 0)
        hem__scope_collect(s, hem__error_bare(child, HEM_ESWALLOWED));
}

/* Who closes it passes a cancellation on to the children. */
struct closing {
    hem__joiner joiner;
    hem_scope *scope;
    bool cancelled;
};

static bool cancel_closing(hem_future *f, const char *why)
{
    struct closing *c = HEM__CONTAINER(f, struct closing, joiner.no_more);
    hem__nursery_cancel(hem__loop, &c->scope->nursery, why);
    c->cancelled = true;
    return true;
}

static void cancel_children(hem_loop *l, hem_scope *s)
{
    hem__list *head = &s->nursery.tasks;
    for (hem__list *e = head->next; e != head; e = e->next) {
        hem_task *t = HEM__CONTAINER(e, hem_task, sibling);
        if (hem_task_done(t))
            continue;
        t->expected = hem__shield_count(t, t->shields) + 1;
        hem__shield_cancel(l, t, t->shields, NULL);
    }
}

int hem__task_context_aclose(hem_loop *l, hem_scope *s, hem_task *self,
                             bool stays)
{
    s->aborting = true;
    if (s->nursery.count == 0)
        return 0;
    HEM_TRY(hem__defer(l, &self->fiber)); /* as hem_cancel_and_wait_all() */
    if (s->nursery.count == 0)
        return 0;
    s->nursery.watched = true;
    cancel_children(l, s);
    struct closing c = {.scope = s};
    int rc = hem__joiner_wait(l, s, &c.joiner, cancel_closing);
    if (rc == HEM_ECANCELED || c.cancelled || !stays)
        return c.cancelled ? HEM_ECANCELED : rc;
    if (s->interrupted)
        return HEM_ECANCELED;
    return s->failures ? hem__scope_raise(s, self) : 0;
}

static void expire(hem_loop *l, hem_scope *s)
{
    (void)l, (void)s; /* it has no timeout */
}

/* No child is left behind, also where closing was cancelled before it began. */
static int task_context_exit(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                             bool *ret_swallowed)
{
    int closed = hem__task_context_aclose(l, s, self, true);
    if (s->nursery.count > 0) {
        hem__nursery_cancel(l, &s->nursery, NULL);
        (void)hem__scope_join(l, s, self, ret_swallowed);
    }
    return closed < 0 ? closed : rc;
}

const hem__scope_policy hem__task_context_policy = {
    .nests = false,
    .child_failed = hem__scope_handle,
    .expire = expire,
    .exit = task_context_exit,
};

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

int hem__task_context_result(const hem_scope *s)
{
    if (s->interrupted)
        return HEM_ECANCELED;
    return s->failures ? HEM_EGROUP : 0;
}

/* Who closes it passes a cancellation on to the children. */
struct closing {
    hem__joiner joiner;
    const char *why;       /* of the last cancellation */
    hem__list *next;       /* child to pass it on to; NULL: none is passed on */
    struct closing *below; /* whose turn it is then */
    bool cancelled;
};

static void pass_on(hem_loop *l, struct closing *c)
{
    hem_task *t = HEM__CONTAINER(c->next, hem_task, sibling);
    c->next = c->next->next;
    if (!hem_task_done(t))
        hem__shield_cancel(l, t, t->shields, c->why);
}

/* A child may be closing a context itself, and so on: a stack, no recursion. In
 * a ring of tasks that wait for each other the request goes round once. */
static bool cancel_closing(hem_future *f, const char *why)
{
    static _Thread_local struct closing *top;
    struct closing *c = HEM__CONTAINER(f, struct closing, joiner.no_more);
    c->cancelled = true;
    if (c->next)
        return true;
    bool nested = top != NULL;
    c->why = why;
    c->next = c->joiner.scope->nursery.tasks.next;
    c->below = top;
    top = c;
    while (!nested && top) {
        c = top;
        if (c->next != &c->joiner.scope->nursery.tasks) {
            pass_on(hem__loop, c);
            continue;
        }
        c->next = NULL;
        top = c->below;
    }
    return true;
}

/* Request of the children that they end, unless an abort has done so, and
 * remember which count that makes. */
static void cancel_children(hem_loop *l, hem_scope *s)
{
    bool aborted = s->aborted && !s->closing;
    s->closing = true;
    s->nursery.watched = true;
    hem__list *head = &s->nursery.tasks;
    for (hem__list *e = head->next; e != head; e = e->next) {
        hem_task *t = HEM__CONTAINER(e, hem_task, sibling);
        if (hem_task_done(t))
            continue;
        uint32_t count = hem__shield_count(t, t->shields);
        t->expected = aborted && count ? count : count + 1;
        if (!aborted)
            hem__shield_cancel(l, t, t->shields, NULL);
    }
}

/* The children are cancelled in the next turn, as hem_cancel_and_wait_all()
 * does. Returns 1 if they were, and have ended; 0: there was no need. */
static int cancel_and_wait(hem_loop *l, hem_task *self, struct closing *c)
{
    hem_scope *s = c->joiner.scope;
    HEM_TRY(hem__defer(l, &self->fiber));
    if (!c->joiner.scope || s->nursery.count == 0)
        return 0;
    s->owner = self; /* whose errors they are; nobody may spawn any more */
    cancel_children(l, s);
    HEM_TRY(hem__joiner_wait(l, &c->joiner));
    if (c->cancelled) {
        self->fiber.reason = c->why;
        return HEM_ECANCELED;
    }
    return 1;
}

int hem__task_context_aclose(hem_loop *l, hem_scope *s, hem_task *self,
                             bool *ret_interrupted)
{
    s->aborting = true;
    if (s->nursery.count == 0)
        return 0;
    struct closing c = {0};
    hem__joiner_add(s, &c.joiner, cancel_closing);
    int rc = cancel_and_wait(l, self, &c);
    if (rc == HEM_ECANCELED)
        *ret_interrupted = true;
    bool gone = !c.joiner.scope;
    if (rc == 1)
        rc = gone ? c.joiner.result : hem__task_context_result(s);
    if (rc == HEM_EGROUP)
        hem__error_record(self,
                          hem_error_hold(gone ? c.joiner.errors : s->errors));
    hem__joiner_remove(&c.joiner);
    return rc;
}

static void expire(hem_loop *l, hem_scope *s)
{
    (void)l, (void)s; /* it has no timeout */
}

/* No child is left behind, also where closing was cancelled before it began. */
static int task_context_exit(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                             bool *ret_swallowed)
{
    int closed = hem__task_context_aclose(l, s, self, ret_swallowed);
    if (!s->aborted && !s->closing)
        hem__nursery_cancel(l, &s->nursery, NULL);
    (void)hem__scope_join(l, s, self, ret_swallowed);
    return closed < 0 ? closed : rc;
}

const hem__scope_policy hem__task_context_policy = {
    .nests = false,
    .child_failed = hem__scope_handle,
    .expire = expire,
    .exit = task_context_exit,
};

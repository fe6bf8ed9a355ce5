/* SPDX-License-Identifier: MIT */
/* Task groups: asyncio's TaskGroup, step for step. */
#include "scope/scope.h"
#include "task/failure.h"

/* Request that the owner be cancelled: by whatever it has open now, but for a
 * shield of the group itself. Returns whether that is where to take it back:
 * a shield within kept the request back, and hands it on when it closes. */
static bool cancel_owner(hem_loop *l, hem_scope *s, const char *why)
{
    hem__shield *from = s->owner->shields;
    bool within = from->keeper != &s->shield;
    hem__shield_cancel(l, s->owner, within ? from : s->shield.outer, why);
    return within;
}

static int uncancel_owner(hem_scope *s, bool within)
{
    return hem__shield_uncancel(s->owner,
                                within ? &s->shield : s->shield.outer);
}

static void child_failed(hem_scope *s, hem_task *child)
{
    hem_loop *l = hem__loop;
    child->future.outcome.flags |= HEM__TASK_RETRIEVED;
    hem__scope_collect(s, hem__error_of(child));
    if (s->aborting || s->requested)
        return;
    hem__scope_abort(l, s, NULL);
    s->requested = true;
    s->requested_within = cancel_owner(l, s, NULL);
}

static void expire(hem_loop *l, hem_scope *s)
{
    s->expired_within = cancel_owner(l, s, "timeout");
}

/* The group's own end, before its timeout has a say. */
static int end(hem_loop *l, hem_scope *s, hem_task *self, int rc,
               bool *ret_swallowed)
{
    bool cancelled = rc == HEM_ECANCELED;
    if (rc < 0) /* a cancellation during the wait is swallowed then */
        hem__scope_abort(l, s, NULL);
    hem_error *own = NULL;
    if (rc < 0 && !cancelled && self->error && self->error->code == rc)
        own = hem_error_hold(self->error);
    if (hem__scope_join(l, s, self, ret_swallowed) < 0)
        cancelled = true;
    if (s->requested) /* then there are errors, which count for more than a
                         cancellation */
        (void)uncancel_owner(s, s->requested_within);
    if (rc < 0 && rc != HEM_ECANCELED)
        hem__scope_collect(s, own ? own : hem__error_bare(self, rc));
    if (!s->failures)
        return cancelled ? HEM_ECANCELED : rc;
    if (hem__shield_count(self, s->shield.outer) > 0) {
        (void)hem__shield_uncancel(self, s->shield.outer);
        hem__shield_cancel(l, self, s->shield.outer, NULL);
    }
    return hem__scope_raise(s, self);
}

/* The timeout is one round the group: it takes its request back. */
static int group_exit(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                      bool *ret_swallowed)
{
    rc = end(l, s, self, rc, ret_swallowed);
    if (!s->expired)
        return rc;
    int left = uncancel_owner(s, s->expired_within);
    return left <= (int)s->prior && rc == HEM_ECANCELED ? HEM_ETIMEDOUT : rc;
}

const hem__scope_policy hem__group_policy = {
    .nests = true,
    .child_failed = child_failed,
    .expire = expire,
    .exit = group_exit,
};

/* SPDX-License-Identifier: MIT */
/*
 * Persistent scopes: aiotools' PersistentTaskGroup, step for step; and futures
 * for the results of children, of any kind of scope.
 */
#include "hem/error.h"
#include "scope/scope.h"
#include "task/failure.h"

/* The record goes to those who wait now; nobody would release it later. */
static int set_error(hem_submitted *r, const hem_task *self, int error)
{
    if (self->error && self->error->code == error)
        r->future.error = self->error;
    int rc = hem_future_set_error(&r->future, error);
    r->future.error = NULL;
    return rc;
}

static int run_submitted(void *arg)
{
    hem_submitted *r = arg;
    int rc = r->fn(r->arg);
    hem_task *self = hem_self();
    int set = 0;
    if (rc == HEM_ECANCELED)
        (void)hem_future_cancel(&r->future, hem_task_reason(self));
    else
        set = rc < 0 ? set_error(r, self, rc)
                     : hem_future_set_result(&r->future, rc);
    if (set < 0) {
        self->arg = NULL;
        hem__report_handler(hem__loop, self, set);
    }
    return rc;
}

/* Whether the failure of a child was reported since its future was set by
 * somebody else. That may be gone: who waits for it may have run. */
static bool is_lost(const hem_task *child)
{
    return child->fn == run_submitted && !child->arg;
}

int hem_scope_submit_at(hem_scope *s, hem_submitted *ret, hem_fn *fn, void *arg,
                        const hem_spawn_options *opts)
{
    *ret = (hem_submitted){.fn = fn, .arg = arg};
    hem_future_init(&ret->future);
    return hem_scope_spawn_with_at(s, NULL, run_submitted, ret, opts);
}

hem_future *hem_submitted_future(hem_submitted *r)
{
    return &r->future;
}

int hem__persistent_failed(hem__nursery *n, hem_task *child, int status)
{
    hem_scope *s = HEM__CONTAINER(n, hem_scope, nursery);
    if (status == HEM_ECANCELED)
        return status;
    child->future.outcome.flags |= HEM__TASK_RETRIEVED | HEM__TASK_HANDLED;
    if (is_lost(child) || !s->on_error)
        return status; /* it was reported, or is when the child has ended */
    hem_error *e = hem_error_hold(child->error);
    int rc = s->on_error(s->on_error_arg, s, child, status);
    hem__error_record(child, e);
    if (rc < 0 && rc != HEM_ECANCELED)
        hem__report_handler(hem__loop, child, rc);
    return status;
}

/* Its handler, if there is one, was called in the child. */
static void child_failed(hem_scope *s, hem_task *child)
{
    if (!s->on_error && !is_lost(child))
        hem__report(hem__loop, HEM_REPORT_CHILD, child);
}

static void expire(hem_loop *l, hem_scope *s)
{
    (void)l, (void)s; /* it has no timeout */
}

static int persistent_exit(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                           bool *ret_swallowed)
{
    if (rc < 0)
        hem__scope_abort(l, s, NULL);
    if (hem__scope_join(l, s, self, ret_swallowed) < 0)
        return HEM_ECANCELED;
    if (rc == HEM_ECANCELED)
        self->fiber.reason = NULL;
    return rc;
}

const hem__scope_policy hem__persistent_policy = {
    .nests = false,
    .child_failed = child_failed,
    .expire = expire,
    .exit = persistent_exit,
};

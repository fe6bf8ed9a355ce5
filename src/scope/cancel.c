/* SPDX-License-Identifier: MIT */
/*
 * Cancelling and waiting: aiotools' cancel_and_wait().
 *
 * Whether a task ended by this request, or another one as well, its count of
 * requests tells: it is noted when the request is made, and compared when the
 * task has ended, from what a done callback kept, for the task may be gone
 * then.
 */
#include "hem/cancel.h"

#include "base/alloc.h"
#include "scope/gather.h"
#include "task/failure.h"
#include "task/future.h"

#define FEW 16

static void nothing(void *arg, int status)
{
    (void)arg;
    (void)status;
}

/* The count of `t` once it has been cancelled. */
static uint32_t next_count(const hem_task *t)
{
    return hem__shield_count(t, t->shields) + 1;
}

/* How it came out: the wait for the task ended with `rc`, and there were `count`
 * requests where `expected` were to be. */
static int outcome(int rc, uint32_t count, uint32_t expected)
{
    if (rc == HEM_ECANCELED)
        return count > expected ? HEM_ECANCELED : 0;
    if (rc >= 0)
        return count > 0 ? HEM_ESWALLOWED : 0;
    return rc;
}

int hem_cancel_and_wait(hem_task *t, const char *why)
{
    hem_loop *l = hem__loop_need("hem_cancel_and_wait");
    hem_task *self = hem__task_need(l, "hem_cancel_and_wait");
    if (hem_task_done(t))
        return 0;
    uint32_t expected = next_count(t);
    if (t == self) { /* its own wait is what is interrupted */
        hem__shield_cancel(l, t, t->shields, why);
        return outcome(hem_await(t), t->count, expected);
    }
    hem_done d;
    (void)hem__future_watch(&t->future, &d, nothing, NULL);
    hem__shield_cancel(l, t, t->shields, why);
    int rc = hem_await(t);
    bool ended = hem__list_empty(&d.waiter.link);
    (void)hem_done_remove(&d);
    if (!ended)
        return rc; /* a ring of tasks that wait for each other was broken */
    if (d.error)
        hem__error_record(self, d.error);
    return outcome(rc, d.count, expected);
}

/* Add what became of a target to the group of failures. */
static void collect(hem_error **group, hem_call *c, int rc,
                    const hem_task *self)
{
    if (!*group)
        *group = hem__error_group(self);
    hem_error *e = hem_error_hold(c->error);
    hem__error_add(*group, e ? e : hem__error_bare(self, rc));
}

/* How it came out for all targets. */
static int conclude(hem__calls *calls, hem_task *self)
{
    hem_error *group = NULL;
    const hem_call *cancelled = NULL;
    bool failed = false;
    for (hem_call *c = calls->done; c; c = c->next) {
        int rc = outcome(c->status, c->done.count, c->expected);
        if (rc == HEM_ECANCELED) {
            cancelled = cancelled ? cancelled : c;
        } else if (rc < 0) {
            failed = true;
            collect(&group, c, rc, self);
        }
    }
    if (cancelled || !failed) {
        hem_error_release(group);
        return cancelled ? hem_cancelled(cancelled->reason) : 0;
    }
    hem__error_record(self, group);
    return HEM_EGROUP;
}

/* Cancel the tasks that have not ended, and wait for them; `c` has room for
 * all. */
static int cancel_all(hem_task *const *ts, size_t n, const char *why,
                      hem_call *c)
{
    hem_loop *l = hem__loop;
    hem_gathering g;
    size_t targets = 0;
    for (size_t i = 0; i < n; i++) {
        if (hem_task_done(ts[i]))
            continue;
        c[targets++] =
            (hem_call){.future = &ts[i]->future, .expected = next_count(ts[i])};
        hem__shield_cancel(l, ts[i], ts[i]->shields, why);
    }
    hem__calls_init(&g.calls, c, targets);
    hem__gather_begin(&g, HEM_RETURN_ERRORS);
    int rc = hem__gather_wait(l, &g);
    hem__calls_unwatch(&g.calls);
    if (rc == 0)
        rc = conclude(&g.calls, (hem_task *)l->current);
    hem__calls_forget(&g.calls);
    return rc;
}

int hem_cancel_and_wait_all(hem_task *const *ts, size_t n, const char *why)
{
    hem_loop *l = hem__loop_need("hem_cancel_and_wait_all");
    const hem_task *self = hem__task_need(l, "hem_cancel_and_wait_all");
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (ts[i] == self)
            return HEM_EREFUSED;
    }
    hem_call few[FEW];
    hem_call *c = few;
    if (n > FEW)
        c = hem__alloc(n * sizeof(*c));
    if (!c)
        return HEM_ENOMEM;
    int rc = hem_yield();
    if (rc == 0)
        rc = cancel_all(ts, n, why, c);
    if (n > FEW)
        hem__free(c);
    return rc;
}

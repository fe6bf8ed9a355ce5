/* SPDX-License-Identifier: MIT */
/*
 * Gathering: asyncio.gather(), its future and the rules of its cancellation.
 *
 * A request to cancel the future goes to all operands, and to what these wait
 * for, which may be gatherings again: a tree, as deep as the program likes. It
 * is gone through depth first, in the order of the operands, without recursion:
 * each gathering that the request comes to is put on a stack of those whose
 * operands are being cancelled (`outer`, `at`), and whoever found that stack
 * empty works it off. A gathering that is met again while it is on the stack
 * waits for itself, as a ring of tasks that await each other does: it is
 * settled, so that the request gets out of it.
 */
#include "hem/gather.h"

#include "scope/calls.h"
#include "scope/gather.h"
#include "task/failure.h"
#include "task/future.h"

static bool cancel(hem_future *f, const char *why);

/* The gathering that `f` is the future of, NULL: it is another one. */
static hem_gathering *gathering_of(hem_future *f)
{
    return f->cancel == cancel ? HEM__CONTAINER(f, hem_gathering, future)
                               : NULL;
}

/* Whether an operand that can still be cancelled is in there. */
static bool cancellable(hem_gathering *g)
{
    g->outer = NULL;
    g->at = 0;
    while (g) {
        if (g->at == g->calls.count) {
            g = g->outer;
            continue;
        }
        const hem_call *c = &g->calls.first[g->at++];
        if (!hem__call_pending(c))
            continue;
        hem_gathering *inner = gathering_of(c->awaited);
        if (!inner || inner->cancelling)
            return true;
        inner->outer = g;
        inner->at = 0;
        g = inner;
    }
    return false;
}

/* Those whose operands are being cancelled, the innermost one. */
static _Thread_local hem_gathering *cancelling;

static void push(hem_gathering *g, bool nested)
{
    g->cancelling = true;
    g->nested = nested;
    g->passed_on = false;
    g->at = 0;
    g->outer = cancelling;
    cancelling = g;
}

static void pop(hem_gathering *g)
{
    g->cancelling = false;
    cancelling = g->outer;
    if (!g->passed_on)
        return;
    g->requested = true;
    if (g->nested)
        g->outer->passed_on = true;
}

/* Cancel the next operand of `g`; it may push others. */
static void cancel_operand(hem_gathering *g, const char *why)
{
    const hem_call *c = &g->calls.first[g->at++];
    if (!hem__call_pending(c))
        return;
    hem_gathering *inner = gathering_of(c->awaited);
    if (inner && !inner->cancelling)
        push(inner, true);
    else if (hem_future_cancel(c->awaited, why))
        g->passed_on = true;
}

static bool cancel(hem_future *f, const char *why)
{
    hem_gathering *g = HEM__CONTAINER(f, hem_gathering, future);
    if (g->cancelling) { /* a ring */
        hem__future_settle(hem__loop, f, HEM_ECANCELED, why);
        return true;
    }
    if (!cancellable(g))
        return false;
    bool first = !cancelling;
    push(g, false);
    while (first && cancelling) {
        if (cancelling->at < cancelling->calls.count)
            cancel_operand(cancelling, why);
        else
            pop(cancelling);
    }
    return true;
}

/* One more operand is done: the gathering may be. */
static void take(hem_gathering *g, hem_call *c)
{
    hem__call_done(c);
    if (hem_future_done(&g->future))
        return;
    if (c->status < 0 && !(g->flags & HEM_RETURN_ERRORS)) {
        g->future.error = hem_error_hold(c->error);
        hem__future_settle(hem__loop, &g->future, c->status, c->reason);
    } else if (g->calls.done_count == g->calls.count) {
        hem__future_settle(hem__loop, &g->future,
                           g->requested ? HEM_ECANCELED : 0, c->reason);
    }
}

static void operand_done(void *arg, int status)
{
    hem_call *c = arg;
    (void)status;
    take(HEM__CONTAINER(c->calls, hem_gathering, calls), c);
}

void hem__gather_begin(hem_gathering *g, unsigned flags)
{
    size_t n = g->calls.count;
    hem__future_init(&g->future, cancel);
    g->flags = flags;
    g->requested = g->cancelling = g->nested = g->passed_on = false;
    g->at = 0;
    g->outer = NULL;
    if (n == 0)
        hem__future_settle(hem__loop, &g->future, 0, NULL);
    bool some_done = false;
    for (size_t i = 0; i < n; i++)
        some_done |= !hem__call_watch(&g->calls.first[i], operand_done);
    for (size_t i = 0; some_done && i < n; i++) {
        if (!hem__call_pending(&g->calls.first[i]))
            take(g, &g->calls.first[i]);
    }
}

static bool flags_valid(unsigned flags)
{
    return !(flags & ~(unsigned)(HEM_RETURN_ERRORS | HEM_QUIET));
}

int hem_gather_start(hem_gathering *g, hem_call *c, size_t n, unsigned flags)
{
    (void)hem__loop_need("hem_gather_start");
    if (!flags_valid(flags) || hem__calls_check(c, n) != 0)
        return HEM_EINVAL;
    for (size_t i = 0; i < n; i++) {
        if (c[i].future == &g->future) /* it would wait for itself */
            return HEM_EINVAL;
    }
    hem__calls_init(&g->calls, c, n);
    hem__gather_begin(g, flags);
    return 0;
}

hem_future *hem_gather_future(hem_gathering *g)
{
    return &g->future;
}

void hem_gather_stop(hem_gathering *g)
{
    hem_loop *l = hem__loop_need("hem_gather_stop");
    hem__calls_unwatch(&g->calls);
    hem__calls_forget(&g->calls);
    if (!hem_future_done(&g->future))
        hem__future_settle(l, &g->future, HEM_ECANCELED, NULL);
    hem_error_release(g->future.error);
    g->future.error = NULL;
    g->calls.count = 0;
}

int hem__gather_wait(hem_loop *l, hem_gathering *g)
{
    static const hem__wait wait = {"gather", hem__future_cancel_wait};
    return hem__future_wait(l, &g->future, &wait);
}

/* The first that failed, NULL: none. */
static hem_call *first_failed(const hem__calls *calls)
{
    hem_call *c = calls->done;
    while (c && c->status >= 0)
        c = c->next;
    return c;
}

/* It is over, with `rc` for `self`, who called: hand records over. */
static void leave(hem_gathering *g, hem_task *self, int rc)
{
    hem_call *c = rc < 0 ? first_failed(&g->calls) : NULL;
    if (g->flags & HEM_RETURN_ERRORS)
        hem__calls_group(&g->calls, g->calls.count, self);
    else if (c && c->status == rc)
        hem__calls_give(&g->calls, c, self);
    else
        hem__calls_forget(&g->calls);
    hem_error_release(g->future.error);
}

/* Close the scope of the functions. In a shield, one whose body was cancelled
 * may end as if it was not. */
static int close_scope(hem_scope *s, int waited, unsigned flags)
{
    int rc = hem_scope_close(s, waited);
    if (waited >= 0 || rc < 0)
        return rc;
    return flags & HEM_RETURN_ERRORS ? 1 : waited;
}

int hem_gather(hem_call *c, size_t n, unsigned flags)
{
    hem_loop *l = hem__loop_need("hem_gather");
    hem_task *self = hem__task_need(l, "hem_gather");
    ssize_t functions = hem__calls_check(c, n);
    if (functions < 0 || !flags_valid(flags))
        return HEM_EINVAL;
    hem_gathering g;
    hem__calls_init(&g.calls, c, n);
    if (hem__calls_have(&g.calls, self))
        return HEM_EREFUSED;
    hem_scope s;
    hem_scope_kind kind = (flags & HEM_RETURN_ERRORS) && !(flags & HEM_QUIET)
                              ? HEM_TASKSCOPE
                              : HEM_SUPERVISOR;
    if (functions > 0)
        HEM_TRY(hem__calls_spawn(&g.calls, &s, kind));
    hem__gather_begin(&g, flags);
    int rc = hem__gather_wait(l, &g);
    if (functions > 0)
        rc = close_scope(&s, rc, flags);
    hem__calls_unwatch(&g.calls);
    leave(&g, self, rc);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* Waiting without passing a cancellation on: asyncio.shield(). */
#include "hem/cancel.h"
#include "hem/error.h"
#include "task/future.h"
#include "task/task.h"

static void settle_cancelled(hem_future *f, const char *why)
{
    f->outcome.why = why;
    hem__outcome_settle(hem__loop, &f->outcome, HEM__CANCELLED, HEM_ECANCELED);
}

/* The outer future is cancelled: the inner one is not. */
static bool cancel_outer(hem_future *f, const char *why)
{
    settle_cancelled(f, why);
    return true;
}

static void inner_done(void *arg, int status)
{
    hem_shielded *s = arg;
    const hem_done *d = &s->done;
    if (hem_future_done(&s->outer))
        return;
    if (d->cancelled) {
        settle_cancelled(&s->outer, NULL);
        return;
    }
    s->outer.error = hem_error_hold(d->error);
    hem__future_settle(hem__loop, &s->outer, status,
                       status == HEM_ECANCELED ? d->why : NULL);
}

void hem_shield_start(hem_shielded *s, hem_future *f)
{
    (void)hem__loop_need("hem_shield_start");
    hem__future_init(&s->outer, cancel_outer);
    s->inner = hem_future_done(f) ? f : NULL;
    if (!s->inner)
        (void)hem__future_watch(f, &s->done, inner_done, s);
}

hem_future *hem_shield_future(hem_shielded *s)
{
    return s->inner ? s->inner : &s->outer;
}

void hem_shield_stop(hem_shielded *s)
{
    (void)hem__loop_need("hem_shield_stop");
    if (s->inner)
        return;
    (void)hem_done_remove(&s->done);
    if (!hem_future_done(&s->outer))
        settle_cancelled(&s->outer, NULL);
    hem_error_release(s->done.error);
    hem_error_release(s->outer.error);
    s->done.error = s->outer.error = NULL;
}

int hem_shield(hem_future *f)
{
    static const hem__wait wait = {"shield", hem__future_cancel_wait};
    hem_loop *l = hem__loop_need("hem_shield");
    (void)hem__task_need(l, "hem_shield");
    if (hem_future_done(f))
        return hem_future_wait(f);
    hem_shielded s;
    hem_shield_start(&s, f);
    int rc = hem__future_wait(l, &s.outer, &wait);
    hem_shield_stop(&s);
    return rc;
}

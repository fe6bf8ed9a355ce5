/* SPDX-License-Identifier: MIT */
/*
 * Waiting for tasks, and requests to cancel them.
 *
 * A request to a task that awaits another is a request to that one, and so on
 * along the chain; it is followed in a loop, not by recursion, for chains may
 * be long. A ring of tasks that await each other has no end: the request then
 * breaks it where the ring is found.
 */
#include "task/failure.h"
#include "task/task.h"

static bool cancel_await(hem_loop *l, hem__fiber *f, const char *why)
{
    hem_task *target = HEM__CONTAINER(f->waiter.of, hem_task, future.outcome);
    hem__shield_cancel(l, target, target->shields, why);
    return true;
}

static const hem__wait wait_task = {"await", cancel_await};

/* The task that `t` awaits, NULL if it does something else. */
static hem_task *awaited(const hem_task *t)
{
    if (t->fiber.wait != &wait_task)
        return NULL;
    return HEM__CONTAINER(t->fiber.waiter.of, hem_task, future.outcome);
}

static void break_ring(hem_loop *l, hem_task *t, const char *why)
{
    hem__list_remove(&t->fiber.waiter.link);
    hem__wake_cancelled(l, &t->fiber, why);
}

/* The innermost shielded one from `s` on, NULL: none. */
static hem__shield *shielded(const hem__shield *s)
{
    return s ? s->keeper : NULL;
}

void hem__shield_cancel(hem_loop *l, hem_task *t, hem__shield *from,
                        const char *why)
{
    hem_task *mark = t; /* Brent's: moves up after 1, 2, 4, ... steps */
    uint64_t steps = 0;
    uint64_t until = 1;
    for (;;) {
        hem__shield *s = shielded(from);
        if (s) {
            s->why[s->deferred++ % HEM__SHIELD_WHYS] = why;
            return;
        }
        t->count++;
        hem_task *next = awaited(t);
        if (!next) {
            hem__interrupt(l, &t->fiber, why);
            return;
        }
        if (next == mark) {
            break_ring(l, t, why);
            return;
        }
        if (++steps == until) {
            until *= 2;
            mark = t;
        }
        t = next;
        from = t->shields;
    }
}

uint32_t hem__shield_count(const hem_task *t, const hem__shield *from)
{
    const hem__shield *s = shielded(from);
    return s ? s->deferred : t->count;
}

int hem__shield_uncancel(hem_task *t, hem__shield *from)
{
    hem__shield *s = shielded(from);
    if (s) {
        if (!s->deferred)
            return HEM_EMISUSE;
        return (int)--s->deferred;
    }
    if (t->count > 0 && --t->count == 0)
        t->fiber.pending = false;
    return (int)t->count;
}

bool hem_task_cancel(hem_task *t, const char *why)
{
    hem_loop *l = hem__loop_need("hem_task_cancel");
    if (t->future.outcome.state != HEM__PENDING)
        return false;
    hem__shield_cancel(l, t, t->shields, why);
    return true;
}

bool hem__task_cancel_future(hem_future *f, const char *why)
{
    return hem_task_cancel(HEM__CONTAINER(f, hem_task, future), why);
}

int hem_task_cancelling(const hem_task *t)
{
    (void)hem__loop_need("hem_task_cancelling");
    return (int)hem__shield_count(t, t->shields);
}

int hem_task_uncancel(hem_task *t)
{
    (void)hem__loop_need("hem_task_uncancel");
    return hem__shield_uncancel(t, t->shields);
}

int hem_await(hem_task *t)
{
    hem_loop *l = hem__loop_need("hem_await");
    hem_task *self = hem__task_need(l, "hem_await");
    if (t == self) {
        int rc = hem__defer(l, &self->fiber);
        return rc < 0 ? rc : HEM_EREFUSED;
    }
    t->future.outcome.flags |= HEM__TASK_RETRIEVED;
    if (t->future.outcome.state != HEM__PENDING) {
        hem__error_share(self, t);
        return hem__outcome_take(&t->future.outcome, &self->fiber);
    }
    return hem__outcome_wait(l, &self->fiber, &t->future.outcome, &wait_task);
}

int hem_cancelled(const char *why)
{
    hem_task *t =
        hem__task_need(hem__loop_need("hem_cancelled"), "hem_cancelled");
    t->fiber.reason = why;
    return HEM_ECANCELED;
}

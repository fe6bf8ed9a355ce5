/* SPDX-License-Identifier: MIT */
/*
 * Timeouts: asyncio.timeout(), its states.
 *
 *     closed --open--> active --deadline--> expiring --close--> expired
 *                             --close--> finished
 */
#include "hem/timeout.h"

#include "base/log.h"
#include "task/task.h"

enum hem__timeout_state {
    CLOSED, /* zero */
    ACTIVE,
    EXPIRING, /* the task was cancelled */
    EXPIRED,
    FINISHED,
};

/* An open timeout is looked for among so many when another is opened. */
#define REENTRY_DEPTH 16

static void expire(hem_timeout *t)
{
    t->state = EXPIRING;
    hem__shield_cancel(hem__loop, t->task, t->task->shields, t->why);
}

static void fire(hem__timer *timer)
{
    expire(HEM__CONTAINER(timer, hem_timeout, timer));
}

static void run(hem__ready *n)
{
    hem_timeout *t = HEM__CONTAINER(n, hem_timeout, job.ready);
    t->queued = false;
    expire(t);
}

static void arm(hem_loop *l, hem_timeout *t, hem_ns when)
{
    t->when = when;
    if (when != HEM_NEVER && when <= hem__loop_now(l)) {
        t->queued = true;
        hem__queue_push_job(&l->ready, &t->job);
    } else {
        hem__loop_arm(l, &t->timer, when);
    }
}

static void disarm(hem_loop *l, hem_timeout *t)
{
    hem__timer_disarm(&l->timers, &t->timer);
    if (t->queued) {
        hem__queue_remove(&l->ready, &t->job);
        t->queued = false;
    }
}

static bool is_open(const hem_timeout *t, const hem_task *self)
{
    const hem_timeout *at = self->timeouts;
    for (int i = 0; at && i < REENTRY_DEPTH; at = at->outer, i++) {
        if (at == t)
            return true;
    }
    return false;
}

/* Take it off the timeouts of its task: as a rule it is the innermost. */
static void leave(hem_timeout *t)
{
    hem_timeout **at = &t->task->timeouts;
    while (*at != t)
        at = &(*at)->outer;
    *at = t->outer;
}

int hem_timeout_open_at(hem_timeout *t, hem_ns when)
{
    hem_loop *l = hem__loop_need("hem_timeout_open");
    hem_task *self = hem__task_need(l, "hem_timeout_open");
    if (is_open(t, self))
        return HEM_EREFUSED;
    HEM_TRY(hem__timers_reserve(&l->timers));
    *t = (hem_timeout){.timer = {.fire = fire},
                       .job = {.ready = {.run = run}},
                       .outer = self->timeouts,
                       .task = self,
                       .prior = hem__shield_count(self, self->shields),
                       .state = ACTIVE};
    self->timeouts = t;
    arm(l, t, when);
    return 0;
}

int hem_timeout_open(hem_timeout *t, hem_ns d)
{
    hem_loop *l = hem__loop_need("hem_timeout_open");
    return hem_timeout_open_at(t, hem__deadline(hem__loop_now(l), d));
}

int hem_timeout_reschedule(hem_timeout *t, hem_ns when)
{
    hem_loop *l = hem__loop_need("hem_timeout_reschedule");
    if (t->state != ACTIVE)
        return HEM_EREFUSED;
    disarm(l, t);
    arm(l, t, when);
    return 0;
}

void hem_timeout_set_reason(hem_timeout *t, const char *why)
{
    t->why = why;
}

hem_ns hem_timeout_when(const hem_timeout *t)
{
    return t->when;
}

bool hem_timeout_expired(const hem_timeout *t)
{
    return t->state == EXPIRING || t->state == EXPIRED;
}

int hem_timeout_close(hem_timeout *t, int rc)
{
    hem_loop *l = hem__loop_need("hem_timeout_close");
    hem_task *self = hem__task_need(l, "hem_timeout_close");
    if (t->state != ACTIVE && t->state != EXPIRING)
        return HEM_EMISUSE;
    if (t->task != self)
        hem__abort("hem_timeout_close: %s did not open the timeout",
                   hem__task_title(self));
    disarm(l, t);
    hem__timers_release(&l->timers);
    leave(t);
    if (t->state == ACTIVE) {
        t->state = FINISHED;
        return rc;
    }
    t->state = EXPIRED;
    int left = hem__shield_uncancel(self, self->shields);
    return left <= (int)t->prior && rc == HEM_ECANCELED ? HEM_ETIMEDOUT : rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Operands in the order in which they are done: asyncio.as_completed(), and
 * with functions aiotools' as_completed_safe().
 *
 *     closed --open--> open --next has returned 0--> ended --close--> closed
 *                      open --close: left early--> closed
 *
 * Those that are done are a list, in which `next` is where the next one to be
 * handed out is, or will be. What is done after the timeout has fired is not
 * handed out any more.
 */
#include <string.h>

#include "base/log.h"
#include "scope/as_completed.h"
#include "task/failure.h"
#include "task/future.h"

enum hem__as_completed_state {
    CLOSED, /* zero */
    OPEN,
    ENDED, /* all were handed out */
};

static void arrive(hem_as_completed *it)
{
    if (it->arrival && !hem_future_done(it->arrival))
        hem__future_settle(hem__loop, it->arrival, 0, NULL);
}

static void fire(hem__timer *timer)
{
    hem_as_completed *it = HEM__CONTAINER(timer, hem_as_completed, timer);
    it->expired = true;
    it->in_time = it->calls.done_count;
    arrive(it);
}

static void operand_done(void *arg, int status)
{
    hem_call *c = arg;
    hem_as_completed *it = HEM__CONTAINER(c->calls, hem_as_completed, calls);
    (void)status;
    hem__call_done(c);
    if (it->calls.done_count == it->calls.count)
        hem__timer_disarm(&hem__loop->timers, &it->timer);
    arrive(it);
}

static void watch(hem_loop *l, hem_as_completed *it, hem_ns timeout)
{
    for (size_t i = 0; i < it->calls.count; i++) {
        hem_call *c = &it->calls.first[i];
        if (!hem__call_watch(c, operand_done))
            hem__done_queue(l, &c->done);
    }
    hem_ns now = hem__loop_now(l);
    if (timeout && it->calls.count > 0)
        hem__loop_arm(l, &it->timer,
                      timeout < 0 ? now : hem__deadline(now, timeout));
}

int hem_as_completed_open(hem_as_completed *it, hem_call *c, size_t n,
                          const hem_as_completed_options *opts)
{
    hem_loop *l = hem__loop_need("hem_as_completed_open");
    hem_task *self = hem__task_need(l, "hem_as_completed_open");
    ssize_t functions = hem__calls_check(c, n);
    if (functions < 0)
        return HEM_EINVAL;
    HEM_TRY(hem__timers_reserve(&l->timers));
    memset(it, 0, sizeof(*it));
    hem__calls_init(&it->calls, c, n);
    it->next = &it->calls.done;
    it->timer.fire = fire;
    it->owner = self;
    it->in_time = n;
    it->scoped = functions > 0;
    int rc = it->scoped ? hem__calls_spawn(&it->calls, &it->scope,
                                           opts && opts->quiet ? HEM_SUPERVISOR
                                                               : HEM_TASKSCOPE)
                        : 0;
    if (rc < 0) {
        hem__timers_release(&l->timers);
        return rc;
    }
    it->state = OPEN;
    watch(l, it, opts ? opts->timeout : 0);
    return 0;
}

void hem__as_completed_open_block(hem_as_completed *it, hem_call *c, size_t n,
                                  const hem_as_completed_options *opts)
{
    int rc = hem_as_completed_open(it, c, n, opts);
    if (rc < 0) {
        memset(it, 0, sizeof(*it));
        it->failed = rc;
    }
}

static void check_owner(const hem_as_completed *it, const hem_task *self,
                        const char *function)
{
    if (it->owner != self)
        hem__abort("%s: %s does not own the iteration", function,
                   hem__task_title(self));
}

static int wait_for_arrival(hem_loop *l, hem_as_completed *it)
{
    static const hem__wait wait = {"as_completed", hem__future_cancel_wait};
    hem_future arrival;
    hem_future_init(&arrival);
    it->arrival = &arrival;
    int rc = hem__future_wait(l, &arrival, &wait);
    it->arrival = NULL;
    return rc;
}

/* Whether there is one to be handed out. */
static bool has_next(const hem_as_completed *it)
{
    return *it->next && it->handed_out < it->in_time;
}

int hem_as_completed_next(hem_as_completed *it, hem_call **ret)
{
    hem_loop *l = hem__loop_need("hem_as_completed_next");
    hem_task *self = hem__task_need(l, "hem_as_completed_next");
    if (it->state == CLOSED)
        return it->failed ? it->failed : HEM_EMISUSE;
    check_owner(it, self, "hem_as_completed_next");
    it->failed = 0;
    if (it->handed_out == it->calls.count) {
        it->state = ENDED;
        return 0;
    }
    while (!has_next(it) && it->failed == 0)
        it->failed = it->expired ? HEM_ETIMEDOUT : wait_for_arrival(l, it);
    if (it->failed < 0)
        return it->failed;
    hem_call *c = *it->next;
    it->next = &c->next;
    it->handed_out++;
    if (c->error)
        hem__error_record(self, hem_error_hold(c->error));
    *ret = c;
    return 1;
}

/* What the scope of the functions sees of the loop's body: one that was left
 * early is a generator that is being closed. */
static int body_of(const hem_as_completed *it)
{
    if (it->state == ENDED)
        return 0;
    return it->failed ? it->failed : HEM_ECLOSED;
}

static void stop_timer(hem_loop *l, hem_as_completed *it)
{
    hem__timer_disarm(&l->timers, &it->timer);
    hem__timers_release(&l->timers);
}

int hem__as_completed_leave(hem_loop *l, hem_as_completed *it, int rc)
{
    int body = body_of(it);
    int left = it->scoped ? hem_scope_close(&it->scope, body) : body;
    it->state = CLOSED;
    stop_timer(l, it);
    hem__calls_unwatch(&it->calls);
    bool passed_on = it->failed && rc == it->failed;
    it->failed = 0;
    return passed_on || (left < 0 && left != body) ? left : rc;
}

int hem_as_completed_close(hem_as_completed *it, int rc)
{
    hem_loop *l = hem__loop_need("hem_as_completed_close");
    hem_task *self = hem__task_need(l, "hem_as_completed_close");
    if (it->state == CLOSED)
        return it->failed ? it->failed : HEM_EMISUSE;
    check_owner(it, self, "hem_as_completed_close");
    rc = hem__as_completed_leave(l, it, rc);
    hem__calls_forget(&it->calls);
    return rc;
}

void hem__as_completed_cleanup(hem_as_completed *it)
{
    if (it->state == CLOSED)
        return;
    hem_loop *l = hem__loop_need("HEM_AS_COMPLETED");
    check_owner(it, hem__task_need(l, "HEM_AS_COMPLETED"), "HEM_AS_COMPLETED");
    if (it->scoped)
        hem__scope_cleanup(&it->scope);
    it->state = CLOSED;
    stop_timer(l, it);
    hem__calls_unwatch(&it->calls);
    hem__calls_forget(&it->calls);
}

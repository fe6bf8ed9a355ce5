/* SPDX-License-Identifier: MIT */
/*
 * Timers: a task that sleeps and, in a scope of its own, spawns ticks.
 *
 * What it works with is in a piece of memory that lasts until the turn after
 * its end, not in the caller's struct: that may be gone by then, for the end of
 * hem_run() cancels timers that nobody has stopped.
 */
#include "hem/timer.h"

#include "base/alloc.h"
#include "hem/cancel.h"
#include "task/future.h"
#include "task/task.h"

#define DEFAULT_MAX_AT_ONCE 1000

struct hem__ticker {
    hem_scope scope; /* of the ticks; open while the timer runs */
    hem_task *tick;  /* of HEM_TIMER_CANCEL: the last one, held, or NULL */
    hem_ns due;      /* time of the present tick */
    hem_ns interval;
    hem_fn *fn;
    void *arg;
    const hem_site *site;
    hem_timer_options options;
    hem_done done; /* of the timer's task */
};

typedef struct hem__ticker ticker;

/* End the tick before, and add the time that it takes to the plan. */
static int cancel_tick(hem_loop *l, ticker *r)
{
    if (!r->tick)
        return 0;
    hem_ns before = hem__loop_now(l);
    int rc = hem_cancel_and_wait_all(&r->tick, 1, NULL);
    hem_task_forget(r->tick);
    r->tick = NULL;
    r->due += hem__loop_now(l) - before;
    return rc;
}

/* Whether the tick that is due is to be left out. */
static bool crowded(const ticker *r)
{
    size_t running = hem_scope_children(&r->scope);
    if (r->options.policy == HEM_TIMER_SKIP)
        return running > 0;
    return running >= r->options.max_at_once;
}

static int spawn_tick(ticker *r, hem_task **ret)
{
    hem_spawn_options opts = {.name = r->options.tick_name,
                              .stack_bytes = r->options.stack_bytes,
                              .site = r->site};
    if (crowded(r))
        return 0;
    int rc = hem_scope_spawn_with_at(&r->scope, ret, r->fn, r->arg, &opts);
    return rc == HEM_ENOMEM ? 0 : rc; /* it is left out as well */
}

static bool cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__list_unlink(&f->waiter.link);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_tick = {"tick", cancel_wait};

static void tick_ended(void *arg, int status)
{
    (void)status;
    hem__future_settle(hem__loop, arg, 0, NULL);
}

/* Run a tick and wait for its end, without passing a cancellation on: that is
 * for the scope to do, or a tick might swallow the timer's. */
static int run_tick(hem_loop *l, ticker *r)
{
    hem_task *tick = NULL;
    HEM_TRY(spawn_tick(r, &tick));
    if (!tick)
        return 0;
    hem_done done;
    hem_future end;
    hem_future_init(&end);
    hem_task_on_done(tick, &done, tick_ended, &end);
    int rc = hem__future_wait(l, &end, &wait_tick);
    hem_done_remove(&done);
    hem_task_forget(tick);
    r->due = hem__loop_now(l);
    return rc;
}

/* Sleep until the next tick. Those whose time has passed are left out. */
static int sleep_until_due(hem_loop *l, ticker *r)
{
    hem_ns now = hem__loop_now(l);
    r->due = hem__deadline(r->due, r->interval);
    if (r->due < now)
        r->due += (now - r->due + r->interval - 1) / r->interval * r->interval;
    return hem_sleep(r->due == HEM_NEVER ? HEM_NEVER : r->due - now);
}

static int tick(hem_loop *l, ticker *r)
{
    if (r->options.fixed_delay)
        return run_tick(l, r);
    if (r->options.policy != HEM_TIMER_CANCEL)
        return spawn_tick(r, NULL);
    HEM_TRY(cancel_tick(l, r));
    return spawn_tick(r, &r->tick);
}

static int run_timer(void *arg)
{
    hem_loop *l = hem__loop;
    ticker *r = arg;
    hem_scope_options opts = {.on_error = r->options.on_error,
                              .on_error_arg = r->options.on_error_arg,
                              .name = "timer"};
    HEM_TRY(hem_scope_open(&r->scope, &opts));
    int rc;
    r->due = hem__loop_now(l);
    do {
        rc = tick(l, r);
        if (rc >= 0)
            rc = sleep_until_due(l, r);
    } while (rc >= 0);
    return hem_scope_close(&r->scope, rc);
}

static void timer_ended(void *arg, int status)
{
    (void)status;
    hem__free(arg);
}

static ticker *create(hem_ns interval, hem_fn *fn, void *arg,
                      const hem_timer_options *opts)
{
    ticker *r = hem__calloc(sizeof(*r));
    if (!r)
        return NULL;
    r->interval = interval;
    r->fn = fn;
    r->arg = arg;
    if (opts)
        r->options = *opts;
    if (!r->options.max_at_once)
        r->options.max_at_once = DEFAULT_MAX_AT_ONCE;
    return r;
}

int hem_timer_start_at(hem_timer *t, hem_ns interval, hem_fn *fn, void *arg,
                       const hem_site *site, const hem_timer_options *opts)
{
    hem_loop *l = hem__loop_need("hem_timer_start");
    *t = (hem_timer){0};
    if (interval <= 0 || (opts && opts->stack_bytes > HEM__STACK_MAX_BYTES))
        return HEM_EINVAL;
    ticker *r = create(interval, fn, arg, opts);
    if (!r)
        return HEM_ENOMEM;
    r->site = site;
    hem_spawn_options spawn = {
        .name = r->options.name ? r->options.name : "timer", .site = site};
    int rc = hem_spawn_with_at(&t->task, run_timer, r, &spawn);
    if (rc < 0) {
        hem__free(r);
        return rc;
    }
    t->runs = r;
    /* Not hem_task_on_done(): if it fails, nobody has been told. */
    hem__outcome_on_done(l, &t->task->future.outcome, &r->done, timer_ended, r);
    return 0;
}

/* Whether the task is a tick of a timer that runs. */
static bool is_tick(const hem_timer *t, const hem_task *self)
{
    return !hem_task_done(t->task) && self->nursery == &t->runs->scope.nursery;
}

int hem_timer_stop(hem_timer *t)
{
    hem_loop *l = hem__loop_need("hem_timer_stop");
    const hem_task *self = hem__task_need(l, "hem_timer_stop");
    if (!t->task)
        return 0;
    if (is_tick(t, self)) {
        (void)hem_task_cancel(t->task, NULL);
        return 0;
    }
    bool ended = hem_task_done(t->task);
    t->stopping++;
    int rc = ended ? hem_await(t->task) : hem_cancel_and_wait(t->task, NULL);
    if (--t->stopping == 0) {
        hem_task_forget(t->task);
        t->task = NULL;
    }
    return ended && rc == HEM_ECANCELED ? 0 : rc;
}

hem_task *hem_timer_task(const hem_timer *t)
{
    return t->task;
}

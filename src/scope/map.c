/* SPDX-License-Identifier: MIT */
/*
 * Maps. The caller spawns one call after the other in a scope, and parks where
 * it must wait: for a call to end, or for the time of the next one. What is
 * said of a call, its result and its item, is seen as its task ends, so that
 * the tasks need no handles and no memory of the map's.
 *
 * Time of the n-th call since the spacing began: base + n * period, computed
 * anew for each, so that fractions of nanoseconds do not add up. A call that
 * begins late begins the spacing anew: two are never closer than a period.
 */
#include "hem/map.h"

#include "hem/scope.h"
#include "task/failure.h"
#include "task/task.h"

#define DEFAULT_MAX_AT_ONCE 64
#define TOO_LONG            9.2e18 /* in nanoseconds; not quite HEM_NEVER */

struct map {
    hem_scope scope;                                 /* of the calls */
    void (*ended)(hem__nursery *n, hem_task *child); /* the scope's own */
    hem_task *self;                                  /* the caller */
    hem_fn *fn;                                      /* of the calls */
    hem_items items;
    hem_map_options options;
    int failed;       /* the first error that ends the map, or 0 */
    hem_error *error; /* its record, held, or NULL */
    const char *why;  /* if it is a cancellation */
    double period;    /* nanoseconds between two calls; 0: none */
    hem_ns base;      /* time of the first call of the spacing */
    double spaced;    /* calls since then */
};

static bool cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__timer_disarm(&l->timers, &((hem_task *)f)->timer);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_map = {"map", cancel_wait};

/* Park the caller until a call ends, or until `when`. */
static int park(hem_loop *l, struct map *m, hem_ns when)
{
    m->self->fiber.wait_on = m;
    hem__loop_arm(l, &m->self->timer, when);
    return hem__park(l, &m->self->fiber, &wait_map);
}

/* A call has ended: let the caller go on, if it waits here. */
static void unpark(hem_loop *l, struct map *m)
{
    hem__fiber *f = &m->self->fiber;
    if (f->wait != &wait_map || f->wait_on != m)
        return;
    hem__timer_disarm(&l->timers, &m->self->timer);
    hem__wake(l, f, 0);
}

static void fail(struct map *m, const hem_task *child)
{
    if (m->failed)
        return;
    m->failed = child->future.outcome.status;
    m->error = hem_error_hold(hem_task_error(child));
    m->why = child->future.outcome.why;
    hem_scope_abort(&m->scope, NULL);
}

static void call_ended(hem__nursery *n, hem_task *child)
{
    struct map *m = HEM__CONTAINER(n, struct map, scope.nursery);
    int status = child->future.outcome.status;
    if (child->fn != m->fn) { /* a call has spawned it into its own scope */
        m->ended(n, child);
        unpark(hem__loop, m);
        return;
    }
    size_t at = (size_t)((char *)child->arg - (char *)m->items.base) /
                m->items.item_bytes;
    if (m->options.ret && at < m->items.count)
        m->options.ret[at] = status;
    m->ended(n, child);
    if (status < 0 && !m->options.return_errors)
        fail(m, child);
    unpark(hem__loop, m);
}

/* When the next call may begin. */
static hem_ns next_time(struct map *m, hem_ns now)
{
    if (m->period == 0)
        return now;
    double after = m->spaced > 0 ? m->spaced * m->period : 0; /* no NaN */
    hem_ns when = after < TOO_LONG
                      ? hem__deadline(m->base, (hem_ns)(after + 0.5))
                      : HEM_NEVER;
    if (when > now)
        return when;
    if (when < now) {
        m->base = now;
        m->spaced = 0;
    }
    m->spaced++;
    return now;
}

/* Wait until the next call may begin, or the map has failed. */
static int wait_for_turn(hem_loop *l, struct map *m)
{
    while (!m->failed) {
        hem_ns when = HEM_NEVER;
        if (hem_scope_children(&m->scope) < m->options.max_at_once) {
            hem_ns now = hem__loop_now(l);
            when = next_time(m, now);
            if (when <= now)
                return 0;
        }
        HEM_TRY(park(l, m, when));
    }
    return 0;
}

static int begin_call(hem_loop *l, struct map *m, hem_fn *fn,
                      const hem_spawn_options *opts, void *item)
{
    for (;;) {
        int rc = hem_scope_spawn_with_at(&m->scope, NULL, fn, item, opts);
        if (rc != HEM_ENOMEM || hem_scope_children(&m->scope) == 0)
            return rc;
        HEM_TRY(park(l, m, HEM_NEVER));
        if (m->failed)
            return 0;
    }
}

static int begin_all(hem_loop *l, struct map *m, hem_fn *fn,
                     const hem_site *site)
{
    hem_spawn_options opts = {.name = m->options.name,
                              .stack_bytes = m->options.stack_bytes,
                              .site = site};
    char *item = m->items.base;
    for (size_t i = 0; i < m->items.count; i++) {
        HEM_TRY(wait_for_turn(l, m));
        if (m->failed)
            return 0;
        HEM_TRY(begin_call(l, m, fn, &opts, item));
        item += m->items.item_bytes;
    }
    return 0;
}

/* Wait for the calls that there are, the beginning of others having ended with
 * `rc`, and say how the map ends. */
static int finish(struct map *m, uint32_t requests, int rc)
{
    hem_task *self = m->self;
    int closed = hem_scope_close(&m->scope, rc);
    bool cancelled = closed == HEM_ECANCELED || self->count > requests;
    if (cancelled || !m->failed) {
        hem_error_release(m->error);
        return cancelled ? HEM_ECANCELED : closed;
    }
    if (m->failed == HEM_ECANCELED)
        return hem_cancelled(m->why);
    hem__error_record(self, m->error);
    return m->failed;
}

static int check_options(const hem_items *items, const hem_map_options *o)
{
    bool rate = o->max_per_second >= 0; /* false: not a number */
    return rate && (items->item_bytes || !items->count) ? 0 : HEM_EINVAL;
}

static int init(struct map *m, const hem_map_options *opts)
{
    static const hem_map_options defaults;
    m->options = opts ? *opts : defaults;
    hem_map_options *o = &m->options;
    HEM_TRY(check_options(&m->items, o));
    if (!o->max_at_once)
        o->max_at_once = DEFAULT_MAX_AT_ONCE;
    if (o->max_per_second > 0)
        m->period = (double)HEM_SEC / o->max_per_second;
    for (size_t i = 0; o->ret && i < m->items.count; i++)
        o->ret[i] = HEM_ECANCELED;
    return 0;
}

int hem_map_at(hem_fn *fn, hem_items items, const hem_site *site,
               const hem_map_options *opts)
{
    hem_loop *l = hem__loop_need("hem_map");
    struct map m = {
        .self = hem__task_need(l, "hem_map"), .fn = fn, .items = items};
    HEM_TRY(init(&m, opts));
    uint32_t requests = m.self->count;
    hem_scope_options scope = {.kind = HEM_SUPERVISOR, .name = "map"};
    HEM_TRY(hem_scope_open(&m.scope, &scope));
    m.ended = m.scope.nursery.ended;
    m.scope.nursery.ended = call_ended;
    m.scope.nursery.watched = true;
    m.base = hem__loop_now(l);
    return finish(&m, requests, begin_all(l, &m, fn, site));
}

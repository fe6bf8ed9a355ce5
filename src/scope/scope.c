/* SPDX-License-Identifier: MIT */
/*
 * Scopes: aiotools' TaskScope, step for step.
 *
 *     closed --open--> open --close: exiting, waits for children--> closed
 *
 * `aborting` is set once, by an abort, a timeout, or a body that failed; from
 * then on no child is accepted, and cancellations of those who wait for the
 * children are swallowed: there is nothing left to cancel.
 */
#include "hem/scope.h"

#include <string.h>

#include "base/log.h"
#include "task/task.h"

enum hem__scope_state {
    CLOSED, /* zero */
    OPEN,
    SHIELD, /* open, without children: hem_shield_open */
};

static void abort_children(hem_loop *l, hem_scope *s, const char *why)
{
    if (s->aborting)
        return;
    s->aborting = true;
    hem__nursery_cancel(l, &s->nursery, why);
}

static void fire(hem__timer *timer)
{
    hem_loop *l = hem__loop;
    hem_scope *s = HEM__CONTAINER(timer, hem_scope, timer);
    s->expired = true;
    abort_children(l, s, "timeout");
    hem__shield_cancel(l, s->owner, s->shield.outer, "timeout");
}

static void child_failed(hem_scope *s, hem_task *child)
{
    child->future.outcome.flags |= HEM__TASK_RETRIEVED;
    if (s->on_error)
        s->on_error(s->on_error_arg, s, child, child->future.outcome.status);
    else if (s->kind != HEM_SUPERVISOR)
        hem__report(hem__loop, HEM_REPORT_CHILD, child);
}

/* Somebody who waits for the last child: the owner, or others in
 * hem_scope_aclose(), for whom the scope may be gone when they run again. */
struct joiner {
    hem__list link;     /* among the scope's joiners */
    hem_scope *scope;   /* NULL: the last child has ended */
    hem_future no_more; /* children */
};

static void tell_joiners(hem_scope *s)
{
    while (!hem__list_empty(&s->joiners)) {
        struct joiner *j = HEM__CONTAINER(s->joiners.next, struct joiner, link);
        hem__list_remove(&j->link);
        j->scope = NULL;
        if (!hem_future_done(&j->no_more))
            (void)!hem_future_set_result(&j->no_more, 0);
    }
}

static void child_ended(hem__nursery *n, hem_task *child)
{
    hem_scope *s = HEM__CONTAINER(n, hem_scope, nursery);
    if (hem__task_failed(child))
        child_failed(s, child);
    if (n->count == 0)
        tell_joiners(s);
}

/* Enter the scope: all but its timeout. */
static void enter(hem_scope *s, hem_task *owner, const hem_scope_options *o,
                  uint8_t state)
{
    memset(s, 0, sizeof(*s));
    hem__nursery_init(&s->nursery, child_ended);
    hem__list_init(&s->joiners);
    s->owner = owner;
    s->kind = (uint8_t)o->kind;
    s->state = state;
    s->on_error = o->on_error;
    s->on_error_arg = o->on_error_arg;
    s->name = o->name;
    s->move_on = o->move_on;
    s->timer.fire = fire;
    s->prior = hem__shield_count(owner, owner->shields);
    s->shield.outer = owner->shields;
    s->shield.shielded =
        o->shield || o->kind == HEM_SHIELDSCOPE || state == SHIELD;
    owner->shields = &s->shield;
}

static int open_scope(hem_scope *s, const hem_scope_options *opts,
                      uint8_t state, const char *function)
{
    static const hem_scope_options defaults;
    hem_loop *l = hem__loop_need(function);
    hem_task *owner = hem__task_need(l, function);
    const hem_scope_options *o = opts ? opts : &defaults;
    if (o->timeout && o->timeout != HEM_NEVER) {
        int rc = hem__timers_reserve(&l->timers);
        if (rc < 0)
            return rc;
    }
    enter(s, owner, o, state);
    if (o->timeout && o->timeout != HEM_NEVER) {
        s->timed = true;
        hem_ns now = hem__loop_now(l);
        hem__loop_arm(l, &s->timer,
                      o->timeout < 0 ? now : hem__deadline(now, o->timeout));
    }
    return 0;
}

int hem_scope_open(hem_scope *s, const hem_scope_options *opts)
{
    return open_scope(s, opts, OPEN, "hem_scope_open");
}

void hem__scope_open_block(hem_scope *s, const hem_scope_options *opts)
{
    int rc = open_scope(s, opts, OPEN, "HEM_SCOPE");
    if (rc < 0) {
        memset(s, 0, sizeof(*s));
        s->failed = rc;
    }
}

/* Whether the scope takes children: 0, or why not. */
static inline int check_open(const hem_scope *s)
{
    if (s->state == OPEN && !s->aborting &&
        !(s->exiting && s->nursery.count == 0))
        return 0;
    return s->failed ? s->failed : HEM_EREFUSED;
}

int hem_scope_spawn_at(hem_scope *s, hem_task **ret, hem_fn *fn, void *arg,
                       const hem_site *site)
{
    hem_loop *l = hem__loop_need("hem_scope_spawn");
    int rc = check_open(s);
    return rc < 0 ? rc : hem__task_spawn(l, &s->nursery, ret, fn, arg, site);
}

int hem_scope_spawn_with_at(hem_scope *s, hem_task **ret, hem_fn *fn, void *arg,
                            const hem_spawn_options *opts)
{
    hem_loop *l = hem__loop_need("hem_scope_spawn");
    int rc = check_open(s);
    return rc < 0 ? rc
                  : hem__task_spawn_with(l, &s->nursery, ret, fn, arg, opts);
}

void hem_scope_abort(hem_scope *s, const char *why)
{
    hem_loop *l = hem__loop_need("hem_scope_abort");
    if (s->state == OPEN)
        abort_children(l, s, why);
}

/* Wait for the last child. Returns HEM_ECANCELED if the caller was cancelled
 * before anything was aborted; `*ret_swallowed` tells if it was later. */
static int join(hem_loop *l, hem_scope *s, hem_task *self, bool *ret_swallowed)
{
    bool owner = s->owner == self;
    int rc = 0;
    while (s->nursery.count > 0) {
        struct joiner j = {.scope = s};
        hem_future_init(&j.no_more);
        hem__list_insert(&s->joiners, &j.link);
        int waited = hem_future_wait(&j.no_more);
        if (!j.scope && !owner)
            return rc;
        if (j.scope)
            hem__list_remove(&j.link);
        if (waited != HEM_ECANCELED)
            continue;
        if (s->aborting)
            *ret_swallowed = true;
        else
            rc = HEM_ECANCELED;
        abort_children(l, s, self->fiber.reason);
    }
    return rc;
}

int hem_scope_aclose(hem_scope *s)
{
    hem_loop *l = hem__loop_need("hem_scope_aclose");
    hem_task *self = hem__task_need(l, "hem_scope_aclose");
    if (s->state != OPEN)
        return s->failed ? s->failed : HEM_EMISUSE;
    if (!s->aborting) {
        abort_children(l, s, "closed");
        hem__shield_cancel(l, s->owner, s->owner->shields, NULL);
    }
    bool swallowed;
    (void)join(l, s, self, &swallowed);
    return 0;
}

static void check_owner(const hem_scope *s, const hem_task *self,
                        const char *function)
{
    if (s->owner != self)
        hem__abort("%s: task \"%s\", spawned at %s:%d, does not own the scope",
                   function, self->name, self->site->file, self->site->line);
    if (self->shields != &s->shield)
        hem__abort("%s: task \"%s\", spawned at %s:%d, has an inner scope "
                   "open",
                   function, self->name, self->site->file, self->site->line);
}

static bool outer_shielded(const hem_scope *s)
{
    const hem__shield *outer = s->shield.outer;
    while (outer && !outer->shielded)
        outer = outer->outer;
    return outer != NULL;
}

/* Take the scope off its owner's stack, and deliver what it kept back. */
static void leave(hem_loop *l, hem_scope *s, hem_task *self)
{
    if (s->timed) {
        hem__timer_disarm(&l->timers, &s->timer);
        hem__timers_release(&l->timers);
    }
    hem__nursery_release(l, &s->nursery);
    self->shields = s->shield.outer;
    s->state = CLOSED;
    uint32_t n = s->shield.deferred;
    for (uint32_t i = 0; i < n; i++) {
        bool known = i + HEM__SHIELD_WHYS >= n;
        const char *why = known ? s->shield.why[i % HEM__SHIELD_WHYS] : NULL;
        hem__shield_cancel(l, self, self->shields, why);
    }
}

static int close_scope(hem_loop *l, hem_scope *s, int rc, bool *ret_swallowed)
{
    hem_task *self = s->owner;
    s->exiting = true;
    uint32_t requests =
        s->shield.deferred + hem__shield_count(self, s->shield.outer);
    bool cancelled = rc == HEM_ECANCELED || (rc >= 0 && requests > s->prior);
    if (rc < 0)
        abort_children(l, s, NULL);
    if (join(l, s, self, ret_swallowed) < 0)
        cancelled = true;
    if (s->expired)
        rc = HEM_ETIMEDOUT;
    else if (cancelled)
        rc = outer_shielded(s) ? 0 : HEM_ECANCELED;
    leave(l, s, self);
    return rc == HEM_ETIMEDOUT && s->move_on ? 0 : rc;
}

int hem_scope_close(hem_scope *s, int rc)
{
    hem_loop *l = hem__loop_need("hem_scope_close");
    hem_task *self = hem__task_need(l, "hem_scope_close");
    if (s->state != OPEN)
        return s->failed ? s->failed : HEM_EMISUSE;
    check_owner(s, self, "hem_scope_close");
    bool swallowed = false;
    return close_scope(l, s, rc, &swallowed);
}

void hem__scope_cleanup(hem_scope *s)
{
    if (s->state != OPEN)
        return;
    hem_loop *l = hem__loop_need("HEM_SCOPE");
    hem_task *self = hem__task_need(l, "HEM_SCOPE");
    check_owner(s, self, "HEM_SCOPE");
    bool swallowed = false;
    hem__timer_disarm(&l->timers, &s->timer); /* its request would get out */
    abort_children(l, s, NULL);
    (void)close_scope(l, s, HEM_ECANCELED, &swallowed);
    if (swallowed) /* nobody is told by a return value: do not lose it */
        hem__interrupt(l, &self->fiber, self->fiber.reason);
}

size_t hem_scope_children(const hem_scope *s)
{
    return s->state == OPEN ? s->nursery.count : 0;
}

bool hem_scope_expired(const hem_scope *s)
{
    return s->expired;
}

void hem_scope_each(hem_scope *s, bool (*fn)(void *arg, hem_task *t), void *arg)
{
    if (s->state != OPEN)
        return;
    hem__list *head = &s->nursery.tasks;
    hem__list *next;
    for (hem__list *e = head->next; e != head; e = next) {
        next = e->next;
        hem_task *t = HEM__CONTAINER(e, hem_task, sibling);
        if (!hem_task_done(t) && !fn(arg, t))
            return;
    }
}

int hem_shield_open(hem_scope *s, const hem_scope_options *opts)
{
    hem_scope_options only = {.timeout = opts ? opts->timeout : 0};
    return open_scope(s, &only, SHIELD, "hem_shield_open");
}

int hem_shield_close(hem_scope *s, int rc)
{
    hem_loop *l = hem__loop_need("hem_shield_close");
    hem_task *self = hem__task_need(l, "hem_shield_close");
    if (s->state != SHIELD)
        return HEM_EMISUSE;
    check_owner(s, self, "hem_shield_close");
    bool swallowed = false;
    return close_scope(l, s, rc, &swallowed);
}

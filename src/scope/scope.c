/* SPDX-License-Identifier: MIT */
/*
 * Scopes: what all kinds share, and task scopes: aiotools' TaskScope, step for
 * step.
 */
#include "scope/scope.h"

#include <string.h>

#include "base/log.h"
#include "task/failure.h"

/* An open scope is looked for among so many when another is opened, and a task
 * among the ancestors of another. */
#define SEARCH_DEPTH 16

#define PENDING_LIMIT 10000

static const hem__scope_policy taskscope_policy;

static const hem__scope_policy *policy_of(const hem_scope *s)
{
    switch (s->kind) {
    case HEM_TASKGROUP:
        return &hem__group_policy;
    case HEM_TASKCONTEXT:
        return &hem__task_context_policy;
    case HEM_PERSISTENT:
        return &hem__persistent_policy;
    default:
        return &taskscope_policy;
    }
}

void hem__scope_abort(hem_loop *l, hem_scope *s, const char *why)
{
    if (s->aborting)
        return;
    s->aborting = s->aborted = true;
    hem__nursery_cancel(l, &s->nursery, why);
}

void hem__scope_cancel(hem_loop *l, hem_scope *s, const char *why)
{
    if (s->kind == HEM_PERSISTENT)
        hem__nursery_cancel(l, &s->nursery, why);
    else
        hem__scope_abort(l, s, why);
}

static void fire(hem__timer *timer)
{
    hem_scope *s = HEM__CONTAINER(timer, hem_scope, timer);
    s->expired = true;
    policy_of(s)->expire(hem__loop, s);
}

void hem__scope_handle(hem_scope *s, hem_task *child)
{
    hem_loop *l = hem__loop;
    child->future.outcome.flags |= HEM__TASK_RETRIEVED;
    if (s->on_error) {
        int rc = s->on_error(s->on_error_arg, s, child,
                             child->future.outcome.status);
        if (rc < 0)
            hem__report_handler(l, child, rc);
    } else if (s->kind != HEM_SUPERVISOR) {
        hem__report(l, HEM_REPORT_CHILD, child);
    }
}

/* Replace the group of errors by a copy that nobody else holds. Unchanged, and
 * false, where memory lacks. */
static bool copy_errors(hem_scope *s)
{
    hem_error *before = s->errors;
    hem_error *group = hem__error_group(s->owner);
    if (!group)
        return false;
    for (size_t i = 0; i < before->count; i++)
        hem__error_add(group, hem_error_hold(before->errors[i]));
    group->lost += before->lost;
    s->errors = group;
    hem_error_release(before);
    return true;
}

/* A group that somebody else holds takes no members: one of them might be
 * the group itself. */
void hem__scope_collect(hem_scope *s, hem_error *e)
{
    if (!s->errors) {
        s->errors = hem__error_group(s->owner);
        if (s->errors)
            s->errors->lost = s->failures;
    }
    s->failures++;
    if (!s->errors || s->errors->refs == 1 || copy_errors(s)) {
        hem__error_add(s->errors, e);
    } else {
        s->errors->lost++;
        hem_error_release(e);
    }
}

int hem__scope_raise(hem_scope *s, hem_task *self)
{
    hem__error_record(self, hem_error_hold(s->errors));
    return HEM_EGROUP;
}

/* A scope that was left open at the end of the run, and forgotten by it. */
static void run_ended(hem_scope *s)
{
    s->state = HEM__SCOPE_CLOSED;
    hem_error_release(s->errors);
    s->errors = NULL;
}

static void child_ended(hem__nursery *n, hem_task *child)
{
    hem_scope *s = HEM__CONTAINER(n, hem_scope, nursery);
    if (!child) {
        run_ended(s);
        return;
    }
    if (s->pending_count > 0) /* before those that a handler spawns */
        hem__limit_next(hem__loop, s);
    if (hem__task_failed(child))
        policy_of(s)->child_failed(s, child);
    if (child->expected > 0)
        hem__task_context_ended(s, child);
    if (n->count == 0)
        hem__scope_tell_joiners(s);
}

/* Take what is neither zero nor the kind's business from the options. */
static void configure(hem_scope *s, const hem_scope_options *o)
{
    s->kind = (uint8_t)o->kind;
    s->on_error = o->on_error;
    s->on_error_arg = o->on_error_arg;
    s->context = o->context;
    s->limit = o->limit;
    s->pending_limit = o->pending_limit ? o->pending_limit : PENDING_LIMIT;
    s->name = o->name;
    s->move_on = o->move_on;
    s->nursery.watched = o->limit > 0;
}

/* Enter the scope: all but its timeout. */
static void enter(hem_loop *l, hem_scope *s, hem_task *self,
                  const hem_scope_options *o, uint8_t state)
{
    memset(s, 0, sizeof(*s));
    hem__nursery_init(&s->nursery, child_ended);
    hem__list_init(&s->joiners);
    hem__list_init(&s->pending);
    configure(s, o);
    s->state = state;
    s->timer.fire = fire;
    if (!policy_of(s)->nests) {
        hem__list_insert(&hem__runtime_of(l)->unowned, &s->nursery.open);
        if (s->kind == HEM_PERSISTENT)
            s->nursery.failed = hem__persistent_failed;
        return;
    }
    s->owner = self;
    s->prior = hem__shield_count(self, self->shields);
    s->shield.outer = self->shields;
    if (o->shield || o->kind == HEM_SHIELDSCOPE || state == HEM__SCOPE_SHIELD)
        s->shield.keeper = &s->shield;
    else if (self->shields)
        s->shield.keeper = self->shields->keeper;
    self->shields = &s->shield;
}

static bool is_open(hem_loop *l, const hem_scope *s, const hem_task *self)
{
    const hem__shield *at = self->shields;
    for (int i = 0; at && i < SEARCH_DEPTH; at = at->outer, i++) {
        if (at == &s->shield)
            return true;
    }
    const hem__list *unowned = &hem__runtime_of(l)->unowned;
    const hem__list *e = unowned->prev;
    for (int i = 0; e != unowned && i < SEARCH_DEPTH; e = e->prev, i++) {
        if (e == &s->nursery.open)
            return true;
    }
    return false;
}

static int open_scope(hem_scope *s, const hem_scope_options *opts,
                      uint8_t state, const char *function)
{
    static const hem_scope_options defaults;
    hem_loop *l = hem__loop_need(function);
    hem_task *self = hem__task_need(l, function);
    const hem_scope_options *o = opts ? opts : &defaults;
    bool timed = o->timeout && o->timeout != HEM_NEVER &&
                 o->kind != HEM_TASKCONTEXT && o->kind != HEM_PERSISTENT;
    if (is_open(l, s, self))
        return HEM_EREFUSED;
    if (timed)
        HEM_TRY(hem__timers_reserve(&l->timers));
    enter(l, s, self, o, state);
    if (timed) {
        s->timed = true;
        hem_ns now = hem__loop_now(l);
        hem__loop_arm(l, &s->timer,
                      o->timeout < 0 ? now : hem__deadline(now, o->timeout));
    }
    return 0;
}

int hem_scope_open(hem_scope *s, const hem_scope_options *opts)
{
    return open_scope(s, opts, HEM__SCOPE_OPEN, "hem_scope_open");
}

void hem__scope_open_block(hem_scope *s, const hem_scope_options *opts)
{
    int rc = open_scope(s, opts, HEM__SCOPE_OPEN, "HEM_SCOPE");
    if (rc < 0) {
        memset(s, 0, sizeof(*s));
        s->failed = rc;
    }
}

/* Whether the scope takes children: 0, or why not. */
static inline int check_open(const hem_scope *s)
{
    if (s->state == HEM__SCOPE_OPEN &&
        (!s->aborting || s->kind == HEM_PERSISTENT) &&
        !(s->exiting && s->nursery.count == 0))
        return 0;
    return s->failed ? s->failed : HEM_EREFUSED;
}

int hem_scope_spawn_at(hem_scope *s, hem_task **ret, hem_fn *fn, void *arg,
                       const hem_site *site)
{
    hem_loop *l = hem__loop_need("hem_scope_spawn");
    if (s->limit || s->context || s->kind == HEM_TASKCONTEXT)
        return hem_scope_spawn_with_at(s, ret, fn, arg,
                                       &(hem_spawn_options){.site = site});
    HEM_TRY(check_open(s));
    return hem__task_spawn(l, &s->nursery, ret, fn, arg, site);
}

int hem_scope_spawn_with_at(hem_scope *s, hem_task **ret, hem_fn *fn, void *arg,
                            const hem_spawn_options *opts)
{
    hem_loop *l = hem__loop_need("hem_scope_spawn");
    HEM_TRY(check_open(s));
    hem_spawn_options o = *opts;
    if (!o.context)
        o.context = s->context;
    hem_task *owner = s->owner;
    if (s->kind == HEM_TASKCONTEXT)
        HEM_TRY(hem__task_context_claim(l, s));
    int rc = hem__limit_check(s);
    if (rc == 0)
        rc = hem__task_spawn_with(l, &s->nursery, ret, fn, arg, &o);
    else if (rc > 0)
        rc = hem__limit_spawn(l, s, ret, fn, arg, &o);
    if (rc < 0)
        s->owner = owner;
    return rc;
}

void hem_scope_abort(hem_scope *s, const char *why)
{
    hem_loop *l = hem__loop_need("hem_scope_abort");
    if (s->state == HEM__SCOPE_OPEN)
        hem__scope_cancel(l, s, why);
}

static void check_owner(const hem_scope *s, const hem_task *self,
                        const char *function)
{
    if (!policy_of(s)->nests)
        return;
    if (s->owner != self)
        hem__abort("%s: %s does not own the scope", function,
                   hem__task_title(self));
    if (self->shields != &s->shield)
        hem__abort("%s: %s has an inner scope open", function,
                   hem__task_title(self));
}

/* Take the scope off its owner's stack, and deliver what it kept back. */
static void leave(hem_loop *l, hem_scope *s, hem_task *self)
{
    if (s->timed) {
        hem__timer_disarm(&l->timers, &s->timer);
        hem__timers_release(&l->timers);
    }
    hem__nursery_release(l, &s->nursery);
    hem__list_remove(&s->nursery.open);
    hem__scope_let_joiners_go(s);
    s->state = HEM__SCOPE_CLOSED;
    hem_error *errors = s->errors;
    s->errors = self->error == errors ? errors : NULL;
    hem_error_release(errors);
    if (!policy_of(s)->nests)
        return;
    self->shields = s->shield.outer;
    uint32_t n = s->shield.deferred;
    for (uint32_t i = 0; i < n; i++) {
        bool known = i + HEM__SHIELD_WHYS >= n;
        const char *why = known ? s->shield.why[i % HEM__SHIELD_WHYS] : NULL;
        hem__shield_cancel(l, self, self->shields, why);
    }
}

static int close_scope(hem_loop *l, hem_scope *s, hem_task *self, int rc)
{
    bool swallowed = false;
    s->exiting = true;
    rc = policy_of(s)->exit(l, s, self, rc, &swallowed);
    leave(l, s, self);
    return rc == HEM_ETIMEDOUT && s->move_on ? 0 : rc;
}

int hem_scope_close(hem_scope *s, int rc)
{
    hem_loop *l = hem__loop_need("hem_scope_close");
    hem_task *self = hem__task_need(l, "hem_scope_close");
    if (s->state != HEM__SCOPE_OPEN)
        return s->failed ? s->failed : HEM_EMISUSE;
    check_owner(s, self, "hem_scope_close");
    bool interrupted;
    if (!policy_of(s)->nests && hem__scope_has(s, self))
        return HEM_EREFUSED;
    if (s->exiting)
        return hem__scope_join_close(l, s, self, rc, &interrupted);
    return close_scope(l, s, self, rc);
}

static int leave_early(hem_loop *l, hem_scope *s, hem_task *self,
                       bool *ret_swallowed)
{
    if (s->exiting) /* another task closes it */
        return hem__scope_join_close(l, s, self, HEM_ECANCELED, ret_swallowed);
    hem__timer_disarm(&l->timers, &s->timer); /* its request would get out */
    hem__scope_abort(l, s, NULL);
    s->exiting = true;
    int rc = policy_of(s)->exit(l, s, self, HEM_ECANCELED, ret_swallowed);
    leave(l, s, self);
    return rc;
}

void hem__scope_cleanup(hem_scope *s)
{
    if (s->state != HEM__SCOPE_OPEN)
        return;
    hem_loop *l = hem__loop_need("HEM_SCOPE");
    hem_task *self = hem__task_need(l, "HEM_SCOPE");
    check_owner(s, self, "HEM_SCOPE");
    bool swallowed = false;
    int rc = leave_early(l, s, self, &swallowed);
    if (swallowed) /* nobody is told by a return value: do not lose it */
        hem__interrupt(l, &self->fiber, self->fiber.reason);
    if (rc == HEM_EGROUP)
        hem_log(HEM_LOG_ERROR,
                "%s left a task group early, whose errors are lost: %zu, the "
                "first %s in \"%s\": %s",
                hem__task_title(self), s->failures,
                s->errors && s->errors->count
                    ? hem_errname(s->errors->errors[0]->code)
                    : "unknown",
                s->errors && s->errors->count ? s->errors->errors[0]->task : "",
                s->errors && s->errors->count ? s->errors->errors[0]->message
                                              : "");
}

size_t hem_scope_children(const hem_scope *s)
{
    return s->state == HEM__SCOPE_OPEN ? s->nursery.count : 0;
}

bool hem_scope_expired(const hem_scope *s)
{
    return s->expired;
}

const hem_error *hem_scope_errors(const hem_scope *s)
{
    return s->errors;
}

hem_scope *hem_scope_current(void)
{
    hem_loop *l = hem__loop_need("hem_scope_current");
    const hem_task *self = (const hem_task *)l->current;
    if (!self)
        return NULL;
    for (hem__shield *at = self->shields; at; at = at->outer) {
        hem_scope *s = HEM__CONTAINER(at, hem_scope, shield);
        if (s->state == HEM__SCOPE_OPEN)
            return s;
    }
    return hem__scope_of(self);
}

hem_scope *hem__scope_of(const hem_task *t)
{
    return t->nursery != &hem__runtime_of(hem__loop)->nursery
               ? HEM__CONTAINER(t->nursery, hem_scope, nursery)
               : NULL;
}

bool hem__scope_has(const hem_scope *s, const hem_task *t)
{
    for (int i = 0; i < SEARCH_DEPTH; i++) {
        const hem_scope *parent = hem__scope_of(t);
        if (!parent || parent == s)
            return parent != NULL;
        if (!policy_of(parent)->nests)
            return false;
        t = parent->owner;
    }
    return false;
}

void hem_scope_each(hem_scope *s, bool (*fn)(void *arg, hem_task *t), void *arg)
{
    if (s->state != HEM__SCOPE_OPEN)
        return;
    /* One that has not ended stays in the list, whatever `fn` does. */
    hem__list *head = &s->nursery.tasks;
    for (hem__list *e = head->next; e != head; e = e->next) {
        hem_task *t = HEM__CONTAINER(e, hem_task, sibling);
        if (!hem_task_done(t) && !fn(arg, t))
            return;
    }
}

int hem_shield_open(hem_scope *s, const hem_scope_options *opts)
{
    hem_scope_options only = {.timeout = opts ? opts->timeout : 0};
    return open_scope(s, &only, HEM__SCOPE_SHIELD, "hem_shield_open");
}

int hem_shield_close(hem_scope *s, int rc)
{
    hem_loop *l = hem__loop_need("hem_shield_close");
    hem_task *self = hem__task_need(l, "hem_shield_close");
    if (s->state != HEM__SCOPE_SHIELD)
        return HEM_EMISUSE;
    check_owner(s, self, "hem_shield_close");
    return close_scope(l, s, self, rc);
}

/* Task scopes. */

static bool outer_shielded(const hem_scope *s)
{
    return s->shield.outer && s->shield.outer->keeper;
}

static void taskscope_expire(hem_loop *l, hem_scope *s)
{
    hem__scope_abort(l, s, "timeout");
    hem__shield_cancel(l, s->owner, s->shield.outer, "timeout");
}

static int taskscope_exit(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                          bool *ret_swallowed)
{
    uint32_t requests =
        s->shield.deferred + hem__shield_count(self, s->shield.outer);
    bool cancelled = rc == HEM_ECANCELED || (rc >= 0 && requests > s->prior);
    if (rc < 0)
        hem__scope_abort(l, s, NULL);
    if (hem__scope_join(l, s, self, ret_swallowed) < 0)
        cancelled = true;
    if (s->expired)
        return HEM_ETIMEDOUT;
    if (cancelled)
        return outer_shielded(s) ? 0 : HEM_ECANCELED;
    return rc;
}

static const hem__scope_policy taskscope_policy = {
    .nests = true,
    .child_failed = hem__scope_handle,
    .expire = taskscope_expire,
    .exit = taskscope_exit,
};

/* SPDX-License-Identifier: MIT */
/* Scopes: corpus/SPEC.md, sections 6.7 to 6.10. */
#include "contexts.h"
#include "generators.h"
#include "scopes.h"

#include <string.h>

#include "arena.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

static int on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)s;
    const struct scope *scope = arg;
    const struct task *t = task_of(child);
    trace_as("loop", "on_error %s task=%s %s", scope->name, t->name,
             outcome_text(awaitable_outcome(&t->thing, error)));
    return scope->handler_fails ? status_of_error(99) : 0;
}

static bool has_handler(const struct node *n, const char *handler)
{
    const char *given = n->options[OPTION_HANDLER];
    return given && strcmp(given, handler) == 0;
}

static int ignore_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)s, (void)child, (void)error;
    return 0;
}

static hem_scope_kind kind_of(enum scope_kind kind)
{
    static const hem_scope_kind kinds[] = {
        [SCOPE_TASKSCOPE] = HEM_TASKSCOPE,
        [SCOPE_SUPERVISOR] = HEM_SUPERVISOR,
        [SCOPE_TASKGROUP] = HEM_TASKGROUP,
        [SCOPE_PTASKGROUP] = HEM_PERSISTENT,
        [SCOPE_SHIELDSCOPE] = HEM_SHIELDSCOPE,
        [SCOPE_SHIELDBLOCK] = HEM_TASKSCOPE,
        [SCOPE_TASKCONTEXT] = HEM_TASKCONTEXT,
    };
    return kinds[kind];
}

/* hem's timeout of an option or operand: 0 is none there. */
static hem_ns timeout_of(int ms)
{
    return ms > 0 ? ms * HEM_MSEC : -1;
}

static struct scope *create(const char *name, enum scope_kind kind)
{
    struct scope *s = arena_alloc(sizeof(*s));
    s->thing.kind = THING_SCOPE;
    s->kind = kind;
    s->name = name;
    s->owner = task_current();
    return s;
}

static int open_scope(struct activation *a, struct scope *s,
                      const struct node *n)
{
    hem_scope_options o = {.kind = kind_of(s->kind),
                           .shield = n->options[OPTION_SHIELD] != NULL,
                           .context = context_option(a, n)};
    if (n->options[OPTION_TIMEOUT])
        o.timeout = timeout_of(n->timeout);
    s->handler_fails = has_handler(n, "fail");
    if (s->handler_fails || has_handler(n, "log")) {
        o.on_error = on_error;
        o.on_error_arg = s;
    } else if (has_handler(n, "ignore")) {
        o.on_error = ignore_error;
    }
    return s->kind == SCOPE_SHIELDBLOCK ? hem_shield_open(&s->scope, &o)
                                        : hem_scope_open(&s->scope, &o);
}

/* Close a scope whose body has ended with `f`. */
static struct flow close_scope(struct scope *s, struct flow f)
{
    const char *reason = hem_task_reason(hem_self());
    int status = outcome_raise(flow_body(f));
    int rc = s->kind == SCOPE_SHIELDBLOCK ? hem_shield_close(&s->scope, status)
                                          : hem_scope_close(&s->scope, status);
    s->left = true;
    task_retire_all(s->children);
    if (rc == HEM_EGROUP && hem_scope_errors(&s->scope))
        return flow_raise(outcome_of_error(hem_scope_errors(&s->scope)));
    if (rc == HEM_ECANCELED && hem_task_reason(hem_self()) != reason)
        return flow_raise(outcome_of(rc)); /* interrupted while it waited */
    return flow_leave(f, rc);
}

static struct flow run_scope(struct activation *a, const struct node *n)
{
    struct scope *s =
        create(n->operands[0].word, (enum scope_kind)n->operands[1].choice);
    int rc = open_scope(a, s, n);
    if (rc < 0)
        return exec_done_on(n, outcome_of(rc));
    names_bind(a, s->name, &s->thing);
    struct flow f = exec_body(a, n->body);
    trace("scope %s body %s", s->name, outcome_text(flow_body(f)));
    f = close_scope(s, f);
    trace("scope %s exit %s", s->name, outcome_text(flow_body(f)));
    return f;
}

static struct flow run_move_on_after(struct activation *a, const struct node *n)
{
    const char *name = n->options[OPTION_AS];
    struct scope *s = create(name ? name : "-", SCOPE_TASKSCOPE);
    hem_scope_options o = {.shield = n->options[OPTION_SHIELD] != NULL,
                           .move_on = true};
    if (!n->operands[0].none)
        o.timeout = timeout_of(n->operands[0].number);
    int rc = hem_scope_open(&s->scope, &o);
    if (rc < 0)
        return exec_done(n, outcome_of(rc));
    if (name)
        names_bind(a, name, &s->thing);
    struct flow f = close_scope(s, exec_body(a, n->body));
    trace("move_on_after %s exit %s expired=%d", s->name,
          outcome_text(flow_body(f)), hem_scope_expired(&s->scope));
    return f;
}

static struct flow run_open(struct activation *a, const struct node *n)
{
    struct scope *s =
        create(n->operands[0].word, (enum scope_kind)n->operands[1].choice);
    int rc = open_scope(a, s, n);
    if (rc < 0)
        return exec_done_on(n, outcome_of(rc));
    names_bind(a, s->name, &s->thing);
    return flow_next();
}

/* In a persistent scope NAME is the future of the result. */
static struct flow submit(struct activation *a, const struct node *n,
                          struct scope *s)
{
    hem_submitted *r = arena_alloc(sizeof(*r));
    struct task *t = task_prepare(n->operands[2].fn);
    t->scope = s;
    t->lost = true;
    int rc = hem_scope_submit_with(&s->scope, r, task_main, t, .name = t->name,
                                   .context = context_option(a, n));
    if (rc < 0) {
        task_refuse(t);
        return exec_done_on(n, outcome_of(rc));
    }
    struct future *f = arena_alloc(sizeof(*f));
    f->thing.kind = THING_FUTURE;
    f->future = hem_submitted_future(r);
    f->of = t;
    names_bind(a, n->operands[1].word, &f->thing);
    return flow_next();
}

static struct flow run_in(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_SCOPE);
    if (!t)
        return flow_next();
    struct scope *s = (struct scope *)t;
    if (s->kind == SCOPE_PTASKGROUP)
        return submit(a, n, s);
    int rc;
    struct task *child =
        task_create(n->operands[2].fn, s,
                    &(hem_spawn_options){.context = context_option(a, n)}, &rc);
    if (!child)
        return exec_done_on(n, outcome_of(rc));
    names_bind(a, n->operands[1].word, &child->thing);
    return flow_next();
}

static struct flow run_abort(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_SCOPE);
    if (!t)
        return flow_next();
    ((struct scope *)t)->aclosed = true;
    hem_scope_abort(&((struct scope *)t)->scope, NULL);
    return exec_done_on(n, outcome_ok());
}

/* A block without children: only its owner is interrupted, once. */
static struct flow aclose_block(const struct node *n, struct scope *s)
{
    if (!s->aclosed && !hem_scope_expired(&s->scope))
        (void)hem_task_cancel(s->owner->handle, NULL);
    s->aclosed = true;
    return exec_done_on(n, outcome_ok());
}

static struct flow run_aclose(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_SCOPE | THING_GENERATOR);
    if (!t)
        return flow_next();
    if (t->kind == THING_GENERATOR)
        return generator_aclose(n, t);
    struct scope *s = (struct scope *)t;
    if (s->kind == SCOPE_SHIELDBLOCK && !s->left)
        return aclose_block(n, s);
    int rc = hem_scope_aclose(&s->scope);
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_shutdown(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_SCOPE);
    if (!t)
        return flow_next();
    int rc = hem_scope_shutdown(&((struct scope *)t)->scope);
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_children(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_SCOPE);
    if (t)
        trace("children %s %zu", n->operands[0].word,
              hem_scope_children(&((struct scope *)t)->scope));
    return flow_next();
}

// clang-format off
const struct statement scope_statements[] = {
    {"scope",    "NK",  "shield timeout= handler= ctx=", ST_BLOCK,
                        .run = run_scope},
    {"move_on_after", "D", "as shield", ST_BLOCK, .run = run_move_on_after},
    {"in",       "VNF", "ctx=", ST_SYNC, .run = run_in},
    {"abort",    "V",   .flags = ST_SYNC | ST_ACTION, .run = run_abort},
    {"aclose",   "V",   .run = run_aclose},
    {"children", "V",   .flags = ST_SYNC, .run = run_children},
    {"open",     "NK",  "handler= ctx=", ST_SYNC, .run = run_open},
    {"shutdown", "V",   .run = run_shutdown},
    {0},
};
// clang-format on

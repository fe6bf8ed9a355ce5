/* SPDX-License-Identifier: MIT */
/* Scopes: corpus/SPEC.md, sections 6.7 to 6.10. */
#include "contexts.h"
#include "scopes.h"

#include <string.h>

#include "arena.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

static void on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)s;
    const struct scope *scope = arg;
    const struct task *t = task_of(child);
    trace("on_error %s task=%s %s", scope->name, t->name,
          outcome_text(awaitable_outcome(&t->thing, error)));
    if (scope->handler_fails)
        trace("exc_handler callback error=99");
}

static bool has_handler(const struct node *n, const char *handler)
{
    const char *given = n->options[OPTION_HANDLER];
    return given && strcmp(given, handler) == 0;
}

/* hem's kind of a scope; others are not in hem yet. */
static hem_scope_kind kind_of(const struct node *n, enum scope_kind kind)
{
    switch (kind) {
    case SCOPE_TASKSCOPE:
    case SCOPE_SHIELDBLOCK:
        return has_handler(n, "ignore") ? HEM_SUPERVISOR : HEM_TASKSCOPE;
    case SCOPE_SUPERVISOR:
        return HEM_SUPERVISOR;
    case SCOPE_SHIELDSCOPE:
        return HEM_SHIELDSCOPE;
    default:
        exec_not_yet(n, n->operands[1].word);
    }
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
    return s;
}

static int open_scope(struct scope *s, const struct node *n)
{
    if (n->options[OPTION_CTX])
        exec_not_yet(n, "scope ctx=");
    hem_scope_options o = {.kind = kind_of(n, s->kind),
                           .shield = n->options[OPTION_SHIELD] != NULL};
    if (n->options[OPTION_TIMEOUT])
        o.timeout = timeout_of(n->timeout);
    s->handler_fails = has_handler(n, "fail");
    if (s->handler_fails || has_handler(n, "log")) {
        o.on_error = on_error;
        o.on_error_arg = s;
    }
    return s->kind == SCOPE_SHIELDBLOCK ? hem_shield_open(&s->scope, &o)
                                        : hem_scope_open(&s->scope, &o);
}

/* Close a scope whose body has ended with `f`. */
static struct flow close_scope(struct scope *s, struct flow f)
{
    const char *reason = hem_task_reason(hem_self());
    int status = outcome_status(flow_body(f));
    int rc = s->kind == SCOPE_SHIELDBLOCK ? hem_shield_close(&s->scope, status)
                                          : hem_scope_close(&s->scope, status);
    task_retire_all(s->children);
    if (rc == HEM_ECANCELED && hem_task_reason(hem_self()) != reason)
        return flow_raise(outcome_of(rc)); /* interrupted while it waited */
    return flow_leave(f, rc);
}

static struct flow run_scope(struct activation *a, const struct node *n)
{
    struct scope *s =
        create(n->operands[0].word, (enum scope_kind)n->operands[1].choice);
    int rc = open_scope(s, n);
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

static struct flow run_in(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_SCOPE);
    if (!t)
        return flow_next();
    int rc;
    struct task *child =
        task_create(n->operands[2].fn, (struct scope *)t,
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
    hem_scope_abort(&((struct scope *)t)->scope, NULL);
    return exec_done_on(n, outcome_ok());
}

static struct flow run_aclose(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_SCOPE);
    if (!t)
        return flow_next();
    int rc = hem_scope_aclose(&((struct scope *)t)->scope);
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
    {"open",     "NK",  "handler= ctx=", ST_SYNC, .run = NULL},
    {"shutdown", "V",   .run = NULL},
    {0},
};
// clang-format on

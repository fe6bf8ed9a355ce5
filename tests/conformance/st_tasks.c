/* SPDX-License-Identifier: MIT */
/* Tasks: corpus/SPEC.md, section 6.2. */
#include <string.h>

#include "contexts.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

#define AWAITABLE (THING_TASK | THING_FUTURE)

static struct flow run_spawn(struct activation *a, const struct node *n)
{
    hem_spawn_options o = {.eager = n->options[OPTION_EAGER] != NULL,
                           .context = context_option(a, n)};
    int rc;
    struct task *t = task_create(n->operands[1].fn, NULL, &o, &rc);
    if (!t)
        return exec_done(n, outcome_of(rc));
    names_bind(a, n->operands[0].word, &t->thing);
    return flow_next();
}

static struct flow run_await(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    return t ? exec_done_on(n, awaitable_wait(t)) : flow_next();
}

static struct flow run_cancel(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (!t)
        return flow_next();
    trace("cancel %s %d", n->operands[0].word,
          awaitable_cancel(t, n->operands[1].word));
    return flow_next();
}

/* The task of an optional operand; NULL: not bound, which was written. */
static struct task *task_operand(struct activation *a, const struct node *n,
                                 const char **ret_name)
{
    *ret_name = n->count > 0 ? n->operands[0].word : "self";
    if (n->count > 0)
        return (struct task *)exec_bound(a, n, 0, THING_TASK);
    struct task *t = task_current();
    if (!t)
        trace("%s self unbound", n->statement->name);
    return t;
}

static struct flow run_uncancel(struct activation *a, const struct node *n)
{
    const char *name;
    struct task *t = task_operand(a, n, &name);
    if (!t)
        return flow_next();
    int left;
    if (t->handle)
        left = hem_task_uncancel(t->handle);
    else
        left = t->requests > 0 ? --t->requests : 0;
    if (left < 0) {
        struct outcome o = outcome_of(left);
        trace("uncancel %s %s", name, outcome_text(o));
        return flow_raise(o);
    }
    trace("uncancel %s %d", name, left);
    return flow_next();
}

static struct flow run_cancelling(struct activation *a, const struct node *n)
{
    const char *name;
    struct task *t = task_operand(a, n, &name);
    if (!t)
        return flow_next();
    trace("cancelling %s %d", name,
          t->handle ? hem_task_cancelling(t->handle) : t->requests);
    return flow_next();
}

static struct flow run_done(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (t)
        trace("done %s %d", n->operands[0].word, awaitable_done(t));
    return flow_next();
}

static struct flow run_is_cancelled(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (t)
        trace("is_cancelled %s %d", n->operands[0].word,
              awaitable_cancelled(t));
    return flow_next();
}

static struct flow run_result(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (t)
        trace("result %s %s", n->operands[0].word,
              outcome_text(awaitable_result(t)));
    return flow_next();
}

// clang-format off
const struct statement task_statements[] = {
    {"spawn",        "NF",  "eager ctx=", ST_SYNC, .run = run_spawn},
    {"await",        "V",   .run = run_await},
    {"cancel",       "VW?", .flags = ST_SYNC | ST_ACTION, .run = run_cancel},
    {"uncancel",     "V?",  .flags = ST_SYNC | ST_ACTION, .run = run_uncancel},
    {"cancelling",   "V?",  .flags = ST_SYNC | ST_ACTION,
                            .run = run_cancelling},
    {"done",         "V",   .flags = ST_SYNC | ST_ACTION, .run = run_done},
    {"is_cancelled", "V",   .flags = ST_SYNC, .run = run_is_cancelled},
    {"result",       "V",   .flags = ST_SYNC | ST_ACTION, .run = run_result},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
/* Callbacks of the loop: corpus/SPEC.md, section 6.3. */
#include <hem.h>

#include "arena.h"
#include "statement.h"
#include "trace.h"

struct callback {
    struct thing thing;
    hem_callback callback;
    struct activation *activation; /* that registered it */
    const struct node *action;
};

static void run_action(void *arg)
{
    const struct callback *cb = arg;
    exec_count(cb->action);
    if (!cb->action->statement->run)
        exec_not_yet(cb->action, cb->action->statement->name);
    struct flow f = cb->action->statement->run(cb->activation, cb->action);
    if (f.kind == FLOW_RAISE)
        trace("exc_handler callback %s", outcome_text(f.outcome));
}

static struct callback *create(struct activation *a, const struct node *n)
{
    struct callback *cb = arena_alloc(sizeof(*cb));
    cb->thing.kind = THING_CALLBACK;
    cb->activation = a;
    cb->action = n->body;
    hem_callback_init(&cb->callback, run_action, cb);
    return cb;
}

static struct flow named(struct activation *a, const struct node *n,
                         struct callback *cb, int rc)
{
    if (rc < 0)
        return exec_done(n, outcome_of(rc));
    names_bind(a, n->operands[0].word, &cb->thing);
    return flow_next();
}

static struct flow run_call_soon(struct activation *a, const struct node *n)
{
    struct callback *cb = create(a, n);
    return named(a, n, cb, hem_call_soon(&cb->callback));
}

static struct flow run_call_later(struct activation *a, const struct node *n)
{
    struct callback *cb = create(a, n);
    hem_ns delay = n->operands[1].number * HEM_MSEC;
    return named(a, n, cb, hem_call_later(&cb->callback, delay));
}

static struct flow run_call_at(struct activation *a, const struct node *n)
{
    struct callback *cb = create(a, n);
    hem_ns when = n->operands[1].number * HEM_MSEC;
    return named(a, n, cb, hem_call_at(&cb->callback, when));
}

static struct flow run_cancel_handle(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_CALLBACK);
    if (!t)
        return flow_next();
    (void)hem_callback_cancel(&((struct callback *)t)->callback);
    trace("cancel_handle %s", n->operands[0].word);
    return flow_next();
}

// clang-format off
const struct statement callback_statements[] = {
    {"call_soon",     "H",  .flags = ST_TAKES_ACTION, .run = run_call_soon},
    {"call_later",    "HZ", .flags = ST_TAKES_ACTION, .run = run_call_later},
    {"call_at",       "HZ", .flags = ST_TAKES_ACTION, .run = run_call_at},
    {"cancel_handle", "V",  .flags = ST_SYNC | ST_ACTION,
                            .run = run_cancel_handle},
    {0},
};
// clang-format on

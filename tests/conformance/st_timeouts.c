/* SPDX-License-Identifier: MIT */
/* Timeouts: corpus/SPEC.md, section 6.6. */
#include <hem.h>

#include "arena.h"
#include "scopes.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

struct timeout {
    struct thing thing;
    hem_timeout timeout;
    struct task *owner;
    bool left;
};

static hem_ns time_of(const struct operand *o)
{
    return o->none ? HEM_NEVER : o->number * HEM_MSEC;
}

/* The block of a timeout, which `opened` says was opened. */
static struct flow run_block(struct activation *a, const struct node *n,
                             struct timeout *t, int opened)
{
    if (opened < 0)
        return exec_done(n, outcome_of(opened));
    const char *name = n->options[OPTION_AS];
    t->thing.kind = THING_TIMEOUT;
    t->owner = task_current();
    if (name)
        names_bind(a, name, &t->thing);
    if (n->statement->name[0] == 'a') /* aiotools' variant */
        hem_timeout_set_reason(&t->timeout, "timeout");
    struct flow f = exec_body(a, n->body);
    int rc = hem_timeout_close(&t->timeout, outcome_status(flow_body(f)));
    t->left = true;
    f = flow_leave(f, rc);
    trace("%s %s exit %s expired=%d", n->statement->name, name ? name : "-",
          outcome_text(flow_body(f)), hem_timeout_expired(&t->timeout));
    return f;
}

static struct flow run_timeout(struct activation *a, const struct node *n)
{
    struct timeout *t = arena_alloc(sizeof(*t));
    int rc = hem_timeout_open(&t->timeout, time_of(&n->operands[0]));
    return run_block(a, n, t, rc);
}

static struct flow run_timeout_at(struct activation *a, const struct node *n)
{
    struct timeout *t = arena_alloc(sizeof(*t));
    int rc = hem_timeout_open_at(&t->timeout, time_of(&n->operands[0]));
    return run_block(a, n, t, rc);
}

static struct flow reschedule(struct activation *a, const struct node *n,
                              bool absolute)
{
    struct thing *t = exec_bound(a, n, 0, THING_TIMEOUT);
    if (!t)
        return flow_next();
    hem_ns when = time_of(&n->operands[1]);
    if (!absolute && when != HEM_NEVER)
        when += hem_now();
    int rc = hem_timeout_reschedule(&((struct timeout *)t)->timeout, when);
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_reschedule(struct activation *a, const struct node *n)
{
    return reschedule(a, n, false);
}

static struct flow run_reschedule_at(struct activation *a, const struct node *n)
{
    return reschedule(a, n, true);
}

/* The language's blocks are entered once; hem's storage may be used again when
 * it has been closed. */
static struct flow run_reenter(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_TIMEOUT | THING_SCOPE);
    if (!t)
        return flow_next();
    int rc = HEM_EREFUSED;
    if (t->kind == THING_TIMEOUT) {
        struct timeout *timeout = (struct timeout *)t;
        if (!timeout->left && timeout->owner == task_current())
            rc = hem_timeout_open(&timeout->timeout, HEM_NEVER);
    } else {
        struct scope *scope = (struct scope *)t;
        if (!scope->left && scope->owner == task_current())
            rc = hem_scope_open(&scope->scope, NULL);
    }
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_expired(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_TIMEOUT | THING_SCOPE);
    if (!t)
        return flow_next();
    bool expired = t->kind == THING_SCOPE
                       ? hem_scope_expired(&((struct scope *)t)->scope)
                       : hem_timeout_expired(&((struct timeout *)t)->timeout);
    trace("expired %s %d", n->operands[0].word, expired);
    return flow_next();
}

static struct flow run_when(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_TIMEOUT);
    if (!t)
        return flow_next();
    hem_ns when = hem_timeout_when(&((struct timeout *)t)->timeout);
    if (when == HEM_NEVER)
        trace("when %s none", n->operands[0].word);
    else
        trace("when %s %lld", n->operands[0].word,
              (long long)(when / HEM_MSEC));
    return flow_next();
}

// clang-format off
const struct statement timeout_statements[] = {
    {"timeout",       "D",  "as", ST_BLOCK, .run = run_timeout},
    {"timeout_at",    "D",  "as", ST_BLOCK, .run = run_timeout_at},
    {"atimeout",      "D",  "as", ST_BLOCK, .run = run_timeout},
    {"atimeout_at",   "D",  "as", ST_BLOCK, .run = run_timeout_at},
    {"reschedule",    "VD", .flags = ST_SYNC | ST_ACTION,
                            .run = run_reschedule},
    {"reschedule_at", "VD", .flags = ST_SYNC, .run = run_reschedule_at},
    {"expired",       "V",  .flags = ST_SYNC, .run = run_expired},
    {"when",          "V",  .flags = ST_SYNC, .run = run_when},
    {"reenter",       "V",  .run = run_reenter},
    {0},
};
// clang-format on

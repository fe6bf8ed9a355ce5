/* SPDX-License-Identifier: MIT */
/* Cancelling and waiting, shields, wait_for: corpus/SPEC.md, section 6.4. */
#include "arena.h"
#include "calls.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

static struct flow run_cancel_and_wait(struct activation *a,
                                       const struct node *n)
{
    struct task *t = (struct task *)exec_bound(a, n, 0, THING_TASK);
    if (!t)
        return flow_next();
    int rc = 0; /* it ended with its scope */
    if (t->handle)
        rc = hem_cancel_and_wait(t->handle, n->options[OPTION_MSG]);
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_cancel_all(struct activation *a, const struct node *n)
{
    hem_task **ts = arena_alloc((n->count + 1) * sizeof(*ts));
    size_t count = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct thing *t = names_find(a, n->operands[i].word);
        if (!t) {
            trace("cancel_all unbound");
            return flow_next();
        }
        if (((struct task *)t)->handle)
            ts[count++] = ((struct task *)t)->handle;
    }
    int rc = hem_cancel_and_wait_all(ts, count, NULL);
    return exec_done(n, outcome_of(rc));
}

static struct flow run_shield(struct activation *a, const struct node *n)
{
    int rc;
    struct thing *t = calls_awaitable(a, n, 0, &rc);
    if (!t)
        return rc < 0 ? exec_done(n, outcome_of(rc)) : flow_next();
    rc = hem_shield(awaitable_future(t));
    return exec_done(n, awaitable_outcome(t, rc));
}

static struct flow run_shield_start(struct activation *a, const struct node *n)
{
    int rc;
    struct thing *t = calls_awaitable(a, n, 1, &rc);
    if (!t)
        return rc < 0 ? exec_done(n, outcome_of(rc)) : flow_next();
    hem_shielded *s = arena_alloc(sizeof(*s));
    hem_shield_start(s, awaitable_future(t));
    struct future *f = arena_alloc(sizeof(*f));
    f->thing.kind = THING_FUTURE;
    f->future = hem_shield_future(s);
    f->shielded = t;
    bool itself = f->future == awaitable_future(t);
    names_bind(a, n->operands[0].word, itself ? t : &f->thing);
    return flow_next();
}

static struct flow run_wait_for(struct activation *a, const struct node *n)
{
    const struct operand *limit = &n->operands[0];
    hem_ns timeout = limit->none ? HEM_NEVER : limit->number * HEM_MSEC;
    if (n->operands[1].fn) {
        int rc = hem_wait_for(exec_hem_fn, n->operands[1].fn, timeout);
        return exec_done(n, outcome_of(rc));
    }
    int rc;
    struct thing *t = calls_awaitable(a, n, 1, &rc);
    if (!t)
        return flow_next();
    rc = hem_future_wait_for(awaitable_future(t), timeout);
    return exec_done(n, awaitable_outcome(t, rc));
}

// clang-format off
const struct statement cancel_statements[] = {
    {"cancel_and_wait", "V",  "msg=", .run = run_cancel_and_wait},
    {"cancel_all",      "V*", .run = run_cancel_all},
    {"shield",          "X",  .run = run_shield},
    {"shield_start",    "NX", .flags = ST_SYNC, .run = run_shield_start},
    {"wait_for",        "DX", .run = run_wait_for},
    {0},
};
// clang-format on

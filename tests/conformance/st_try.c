/* SPDX-License-Identifier: MIT */
/* `try` and what its handlers can do: corpus/SPEC.md, section 6.1. */
#include "statement.h"
#include "trace.h"

static bool catches(const struct handler *h, struct outcome o)
{
    switch (h->catches) {
    case CATCH_ONE:
        return o.kind == h->kind;
    case CATCH_ERROR:
        return o.kind == OUTCOME_ERROR;
    case CATCH_CODE:
        return o.kind == OUTCOME_ERROR && o.n == h->code;
    case CATCH_ANY:
        return o.kind != OUTCOME_CANCELLED && o.kind != OUTCOME_CLOSED;
    case CATCH_ALL:
        break;
    }
    return true;
}

/* The body has failed with `f`: the first handler that matches. */
static struct flow handle(struct activation *a, const struct node *n,
                          struct flow f)
{
    const struct handler *h = n->handlers;
    while (h && !catches(h, f.outcome))
        h = h->next;
    if (!h)
        return f;
    trace("caught %s", outcome_text(f.outcome));
    struct outcome outer = a->handled;
    a->handled = f.outcome;
    f = exec_body(a, h->body);
    a->handled = outer;
    return f;
}

static struct flow run_try(struct activation *a, const struct node *n)
{
    struct flow f = exec_body(a, n->body);
    if (f.kind == FLOW_RAISE)
        f = handle(a, n, f);
    struct flow last = exec_body(a, n->final);
    return last.kind == FLOW_NEXT ? f : last;
}

static struct flow run_reraise(struct activation *a, const struct node *n)
{
    (void)n;
    return flow_raise(a->handled);
}

static struct flow run_cancelmsg(struct activation *a, const struct node *n)
{
    (void)n;
    trace("cancelmsg %s", a->handled.why ? a->handled.why : "-");
    return flow_next();
}

static struct flow run_nothing(struct activation *a, const struct node *n)
{
    (void)a, (void)n;
    return flow_next();
}

// clang-format off
const struct statement try_statements[] = {
    {"try",       "", .flags = ST_SYNC | ST_BLOCK, .run = run_try},
    {"reraise",   "", .flags = ST_SYNC | ST_IN_HANDLER, .run = run_reraise},
    {"cancelmsg", "", .flags = ST_SYNC | ST_IN_HANDLER, .run = run_cancelmsg},
    {"swallow",   "", .flags = ST_SYNC | ST_IN_HANDLER, .run = run_nothing},
    {0},
};
// clang-format on

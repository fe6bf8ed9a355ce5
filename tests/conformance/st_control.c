/* SPDX-License-Identifier: MIT */
/* Control: corpus/SPEC.md, section 6.1, but for `try`; and cells. */
#include <hem.h>

#include "statement.h"
#include "trace.h"

static struct flow run_log(struct activation *a, const struct node *n)
{
    (void)a;
    trace("log %s", n->operands[0].word);
    return flow_next();
}

static struct flow run_nothing(struct activation *a, const struct node *n)
{
    (void)a, (void)n;
    return flow_next();
}

static struct flow run_sleep(struct activation *a, const struct node *n)
{
    (void)a;
    return exec_done(n,
                     outcome_of(hem_sleep(n->operands[0].number * HEM_MSEC)));
}

static struct flow run_yield(struct activation *a, const struct node *n)
{
    (void)a;
    return exec_done(n, outcome_of(hem_yield()));
}

static struct flow run_return(struct activation *a, const struct node *n)
{
    struct flow f = {.kind = FLOW_RETURN, .outcome = outcome_ok()};
    if (n->count > 0) {
        f.outcome.kind = OUTCOME_VALUE;
        f.outcome.n =
            n->operands[0].none ? a->fn->calls : n->operands[0].number;
    }
    return f;
}

static struct flow run_fail(struct activation *a, const struct node *n)
{
    (void)a;
    return flow_raise(
        (struct outcome){.kind = OUTCOME_ERROR, .n = n->operands[0].number});
}

static struct flow run_cancelled(struct activation *a, const struct node *n)
{
    (void)a;
    return flow_raise(outcome_of(hem_cancelled(n->operands[0].word)));
}

static struct flow run_raise(struct activation *a, const struct node *n)
{
    (void)a;
    return flow_raise(
        outcome_failure((enum outcome_kind)n->operands[0].choice));
}

static struct flow run_repeat(struct activation *a, const struct node *n)
{
    struct flow f = flow_next();
    for (int i = 0; i < n->operands[0].number; i++) {
        exec_count(n);
        f = exec_body(a, n->body);
        if (!flow_again(&f))
            break;
    }
    return f;
}

static struct flow run_forever(struct activation *a, const struct node *n)
{
    struct flow f;
    do {
        exec_count(n);
        f = exec_body(a, n->body);
    } while (flow_again(&f));
    return f;
}

static struct flow run_break(struct activation *a, const struct node *n)
{
    (void)a, (void)n;
    return (struct flow){.kind = FLOW_BREAK};
}

static struct flow run_continue(struct activation *a, const struct node *n)
{
    (void)a, (void)n;
    return (struct flow){.kind = FLOW_CONTINUE};
}

static struct flow run_call(struct activation *a, const struct node *n)
{
    (void)a;
    return exec_done_on(n, exec_call(n->operands[0].fn));
}

static struct flow run_add(struct activation *a, const struct node *n)
{
    (void)a;
    n->operands[0].object->n += n->operands[1].number;
    return flow_next();
}

static struct flow run_setcell(struct activation *a, const struct node *n)
{
    (void)a;
    n->operands[0].object->n = n->operands[1].number;
    return flow_next();
}

static struct flow run_show(struct activation *a, const struct node *n)
{
    (void)a;
    trace("show %s %d", n->operands[0].word, n->operands[0].object->n);
    return flow_next();
}

// clang-format off
const struct statement control_statements[] = {
    {"log",       "W",  .flags = ST_SYNC | ST_ACTION, .run = run_log},
    {"nop",       "",   .flags = ST_SYNC, .run = run_nothing},
    {"sleep",     "Z",  .run = run_sleep},
    {"yield",     "",   .run = run_yield},
    {"return",    "R?", .flags = ST_SYNC, .run = run_return},
    {"fail",      "I",  .flags = ST_SYNC | ST_ACTION, .run = run_fail},
    {"cancelled", "W?", .run = run_cancelled},
    {"raise",     "E",  .flags = ST_SYNC, .run = run_raise},
    {"repeat",    "I",  .flags = ST_SYNC | ST_BLOCK | ST_LOOP,
                        .run = run_repeat},
    {"forever",   "",   .flags = ST_BLOCK | ST_LOOP, .run = run_forever},
    {"break",     "",   .flags = ST_SYNC | ST_IN_LOOP, .run = run_break},
    {"continue",  "",   .flags = ST_SYNC | ST_IN_LOOP, .run = run_continue},
    {"call",      "S",  .run = run_call},
    {"add",       "CZ", .flags = ST_SYNC | ST_ACTION, .run = run_add},
    {"setcell",   "CZ", .flags = ST_SYNC, .run = run_setcell},
    {"show",      "C",  .flags = ST_SYNC | ST_ACTION, .run = run_show},
    {0},
};
// clang-format on

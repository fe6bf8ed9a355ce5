/* SPDX-License-Identifier: MIT */
/* Utilities that are scopes inside, and timers: corpus/SPEC.md, section 6.11. */
#include "arena.h"
#include "calls.h"
#include "contexts.h"
#include "statement.h"
#include "template.h"
#include "trace.h"

static struct flow run_gather_safe(struct activation *a, const struct node *n)
{
    struct calls c;
    calls_functions(&c, n, context_option(a, n));
    int rc = hem_gather(c.calls, c.count, HEM_RETURN_ERRORS);
    struct outcome o = rc == 0 ? calls_list(&c) : outcome_of(rc < 0 ? rc : 0);
    calls_retire(&c);
    return exec_done(n, o);
}

static struct flow run_as_completed_safe(struct activation *a,
                                         const struct node *n)
{
    struct calls c;
    hem_as_completed it;
    calls_functions(&c, n, context_option(a, n));
    int rc = hem_as_completed_open(&it, c.calls, c.count, NULL);
    struct flow f =
        rc < 0 ? flow_raise(outcome_of(rc)) : calls_loop(a, n, &c, &it);
    calls_retire(&c);
    trace("as_completed_safe exit %s", outcome_text(flow_body(f)));
    return f;
}

/* The operand that was the order-th to be done. */
static const hem_call *done_at(const struct calls *c, uint32_t order)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->calls[i].order == order)
            return &c->calls[i];
    }
    return NULL;
}

/* There is a winner: it, and the failures before it. */
static void trace_winner(const struct calls *c, const hem_call *winner)
{
    const char *errors = "";
    for (uint32_t order = 1; order < winner->order; order++) {
        struct outcome o = calls_outcome(c, done_at(c, order));
        errors =
            arena_format("%s%s%s", errors, *errors ? "," : "", outcome_text(o));
    }
    trace("race %s errors[%s]", outcome_text(calls_outcome(c, winner)), errors);
}

static struct flow run_race(struct activation *a, const struct node *n)
{
    struct calls c;
    calls_functions(&c, n, context_option(a, n));
    unsigned flags =
        n->options[OPTION_CONTINUE_ON_ERROR] ? HEM_CONTINUE_ON_ERROR : 0;
    int rc = hem_race(c.calls, c.count, flags);
    struct outcome o = rc < 0 ? outcome_of(rc) : outcome_ok();
    if (rc >= 0)
        trace_winner(&c, &c.calls[rc]);
    calls_retire(&c);
    return rc < 0 ? exec_done(n, o) : flow_next();
}

static int tick(void *arg)
{
    (void)arg;
    return template_run();
}

static struct flow run_timer(struct activation *a, const struct node *n)
{
    struct task *t = task_prepare_label("timer");
    hem_timer *timer = arena_alloc(sizeof(*timer));
    hem_timer_options opts = {
        .policy = n->operands[3].choice == TIMER_CANCEL ? HEM_TIMER_CANCEL
                                                        : HEM_TIMER_ACCUMULATE,
        .name = t->name,
        .tick_name = task_template(n->operands[1].fn),
    };
    int rc = hem_timer_start(timer, n->operands[2].number * HEM_MSEC, tick,
                             NULL, &opts);
    if (rc < 0) {
        task_refuse(t);
        return exec_done(n, outcome_of(rc));
    }
    t->lost = false; /* the timer is never stopped, so its handle stays */
    names_bind(a, n->operands[0].word, &t->thing);
    return flow_next();
}

// clang-format off
const struct statement safe_statements[] = {
    {"gather_safe",       "F*",   "ctx=", .run = run_gather_safe},
    {"as_completed_safe", "F*",   "ctx=", ST_BLOCK | ST_LOOP,
                                  .run = run_as_completed_safe},
    {"race",              "F*",   "continue_on_error ctx=", .run = run_race},
    {"timer",             "NFIP", .flags = ST_SYNC, .run = run_timer},
    {0},
};
// clang-format on

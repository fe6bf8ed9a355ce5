/* SPDX-License-Identifier: MIT */
/* Generators: corpus/SPEC.md, section 6.14. */
#include "generators.h"

#include <hem.h>
#include <string.h>

#include "arena.h"
#include "problem.h"
#include "statement.h"
#include "trace.h"

struct generator {
    struct thing thing;
    hem_gen gen;
};

static int body(hem_gen *g, void *arg)
{
    struct activation *a = arena_alloc(sizeof(*a));
    a->fn = arg;
    a->gen = g;
    return outcome_returned(exec_call_in(a));
}

static struct flow run_newgen(struct activation *a, const struct node *n)
{
    struct generator *g = arena_alloc(sizeof(*g));
    g->thing.kind = THING_GENERATOR;
    hem_gen_init(&g->gen, body, n->operands[1].fn);
    names_bind(a, n->operands[0].word, &g->thing);
    return flow_next();
}

/* The generator in the first operand; NULL: not bound, which was written. */
static hem_gen *bound(const struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_GENERATOR);
    return t ? &((struct generator *)t)->gen : NULL;
}

static struct flow run_yieldval(struct activation *a, const struct node *n)
{
    const int *value = &n->operands[0].number;
    int rc = a->gen ? hem_gen_yield(a->gen, value)
                    : hem_actx_yield(a->manager, value);
    return exec_done_on(n, outcome_of(rc));
}

/* What a step came to: hem said `rc`, and gave `value`. */
static struct flow stepped(const struct node *n, int rc, const void *value)
{
    const char *name = n->operands[0].word;
    if (rc < 0)
        return exec_done_on(n, outcome_of(rc));
    if (rc == 0)
        trace("%s %s stop", n->statement->name, name);
    else
        trace("%s %s value=%d", n->statement->name, name, *(const int *)value);
    return flow_next();
}

static struct flow run_anext(struct activation *a, const struct node *n)
{
    hem_gen *g = bound(a, n);
    if (!g)
        return flow_next();
    void *value;
    int rc = hem_gen_next(g, &value);
    return stepped(n, rc, value);
}

static struct flow run_athrow(struct activation *a, const struct node *n)
{
    hem_gen *g = bound(a, n);
    if (!g)
        return flow_next();
    const char *word = n->operands[1].word;
    int code;
    bool cancelled = strcmp(word, "cancelled") == 0;
    if (!cancelled && !word_is_number(word, false, &code))
        problem_bad(execution.program->source, n->line,
                    "%s cannot be thrown in", word);
    int error = cancelled ? hem_cancelled(NULL) : status_of_error(code);
    bool ended = hem_gen_done(g);
    void *value;
    int rc = hem_gen_throw(g, error, &value);
    return ended ? exec_done_on(n, outcome_of(rc)) : stepped(n, rc, value);
}

struct flow generator_aclose(const struct node *n, struct thing *t)
{
    int rc = hem_gen_close(&((struct generator *)t)->gen);
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_fornext(struct activation *a, const struct node *n)
{
    hem_gen *g = bound(a, n);
    if (!g)
        return flow_next();
    struct flow f = flow_next();
    void *value;
    int rc;
    while ((rc = hem_gen_next(g, &value)) > 0) {
        exec_count(n);
        trace("next value=%d", *(const int *)value);
        f = exec_body(a, n->body);
        if (!flow_again(&f))
            break;
    }
    if (rc < 0)
        f = flow_raise(outcome_of(rc));
    trace("fornext %s exit %s", n->operands[0].word,
          outcome_text(flow_body(f)));
    return f;
}

static struct flow run_aclosing(struct activation *a, const struct node *n)
{
    hem_gen *g = bound(a, n);
    if (!g)
        return flow_next();
    struct flow f = exec_body(a, n->body);
    int rc = hem_gen_close(g);
    if (rc < 0)
        f = flow_raise(outcome_of(rc));
    trace("aclosing %s exit %s", n->operands[0].word,
          outcome_text(flow_body(f)));
    return f;
}

static struct flow run_aiter(struct activation *a, const struct node *n)
{
    const struct operand *sentinel = &n->operands[1];
    int stop = sentinel->none ? 0 : status_of_value(sentinel->number);
    struct flow f = flow_next();
    int value;
    int rc;
    while ((rc = hem_iter_until(exec_hem_fn, n->operands[0].fn, stop, &value)) >
           0) {
        exec_count(n);
        trace("next %s", outcome_text(outcome_of(value)));
        f = exec_body(a, n->body);
        if (!flow_again(&f))
            break;
    }
    if (rc < 0)
        f = flow_raise(outcome_of(rc));
    trace("aiter exit %s", outcome_text(flow_body(f)));
    return f;
}

// clang-format off
const struct statement generator_statements[] = {
    {"newgen",   "NG",  .flags = ST_SYNC, .run = run_newgen},
    {"anext",    "V",   .run = run_anext},
    {"athrow",   "VW",  .run = run_athrow},
    {"fornext",  "V",   .flags = ST_BLOCK | ST_LOOP, .run = run_fornext},
    {"aclosing", "V",   .flags = ST_BLOCK, .run = run_aclosing},
    {"aiter",    "FD",  .flags = ST_BLOCK | ST_LOOP, .run = run_aiter},
    {"yieldval", "I",   .flags = ST_IN_GEN, .run = run_yieldval},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
/* Context variables: corpus/SPEC.md, section 6.13. Values are numbers, as
 * pointers. */
#include "arena.h"
#include "contexts.h"
#include "statement.h"
#include "trace.h"

#define VARIABLE (1U << OBJECT_CTXVAR)

/* What `cvset` remembers. */
struct token {
    struct thing thing;
    hem_var_token token;
};

/* The value of variables that have none. */
static char unset;

hem_context *context_option(const struct activation *a, const struct node *n)
{
    const char *name = n->options[OPTION_CTX];
    struct thing *t = name ? names_find(a, name) : NULL;
    if (name && !t)
        trace("%s %s unbound", n->statement->name, name);
    return t ? &((struct context *)t)->context : NULL;
}

static hem_var *var_of(struct object *o)
{
    if (!o->state) {
        hem_var *v = arena_alloc(sizeof(*v));
        v->name = o->name;
        v->initial = o->has_default ? (void *)(intptr_t)o->n : &unset;
        o->state = v;
    }
    return o->state;
}

static void *value_of(const struct operand *o)
{
    return (void *)(intptr_t)o->number;
}

static struct flow run_cvset(struct activation *a, const struct node *n)
{
    hem_var *v = var_of(n->operands[0].object);
    void *value = value_of(&n->operands[1]);
    const char *name = n->options[OPTION_TOK];
    if (!name)
        return flow_of(outcome_of(hem_var_set(v, value)));
    struct token *t = arena_alloc(sizeof(*t));
    t->thing.kind = THING_TOKEN;
    int rc = hem_var_push(v, value, &t->token);
    if (rc == 0)
        names_bind(a, name, &t->thing);
    return flow_of(outcome_of(rc));
}

static struct flow run_cvget(struct activation *a, const struct node *n)
{
    (void)a;
    const char *name = n->operands[0].word;
    void *value = hem_var_get(var_of(n->operands[0].object));
    if (value == &unset)
        trace("cvget %s unset", name);
    else
        trace("cvget %s %d", name, (int)(intptr_t)value);
    return flow_next();
}

static struct flow run_cvreset(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_TOKEN);
    if (!t)
        return flow_next();
    return exec_done_on(n,
                        outcome_of(hem_var_pop(&((struct token *)t)->token)));
}

static struct flow run_resetting(struct activation *a, const struct node *n)
{
    hem_var_token token;
    int rc = hem_var_push(var_of(n->operands[0].object),
                          value_of(&n->operands[1]), &token);
    if (rc < 0)
        return exec_done_on(n, outcome_of(rc));
    struct flow f = exec_body(a, n->body);
    rc = hem_var_pop(&token);
    if (rc < 0)
        f = flow_raise(outcome_of(rc));
    trace("resetting %s exit %s", n->operands[0].word,
          outcome_text(flow_body(f)));
    return f;
}

static struct flow run_copyctx(struct activation *a, const struct node *n)
{
    struct context *c = arena_alloc(sizeof(*c));
    c->thing.kind = THING_CONTEXT;
    hem_context_copy(&c->context);
    names_bind(a, n->operands[0].word, &c->thing);
    return flow_next();
}

// clang-format off
const struct statement context_statements[] = {
    {"cvset",     "OZ", "tok=", ST_SYNC, VARIABLE, run_cvset},
    {"cvget",     "O",  NULL, ST_SYNC, VARIABLE, run_cvget},
    {"cvreset",   "V",  NULL, ST_SYNC, 0, run_cvreset},
    {"resetting", "OZ", "sync", ST_BLOCK, VARIABLE, run_resetting},
    {"copyctx",   "N",  NULL, ST_SYNC, 0, run_copyctx},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
/* Context managers: corpus/SPEC.md, section 6.14. */
#include <hem.h>

#include "arena.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

/* No program of the corpus has more members in a group. */
#define GROUP_MAX 16

struct stack {
    struct thing thing;
    hem_exit_stack stack;
};

static int manager(hem_actx *cm, void *arg)
{
    struct activation *a = arena_alloc(sizeof(*a));
    a->fn = arg;
    a->manager = cm;
    return outcome_returned(exec_call_in(a));
}

static struct flow run_ctx(struct activation *a, const struct node *n)
{
    const char *name = n->operands[0].word;
    hem_actx *cm = arena_alloc(sizeof(*cm));
    void *value;
    int rc = hem_actx_open(cm, manager, n->operands[0].fn, &value);
    struct flow f = flow_of(outcome_of(rc));
    if (rc == 0) {
        trace("ctx %s enter value=%d", name, *(const int *)value);
        f = exec_body(a, n->body);
        f = flow_leave(f, hem_actx_close(cm, flow_raised(f)));
    }
    trace("ctx %s exit %s", name, outcome_text(flow_body(f)));
    return f;
}

/* Tasks in which hem will set up, or tear down, the members of a group. */
struct helpers {
    struct task *tasks[GROUP_MAX];
    size_t count;
};

static const char *helper(struct helpers *h, const struct node *n,
                          const char *part)
{
    const char *gen = n->operands[h->count].fn->name;
    struct task *t = task_prepare_label(arena_format("%s:%s", gen, part));
    h->tasks[h->count++] = t;
    return t->name;
}

static void refuse(const struct helpers *h)
{
    for (size_t i = h->count; i > 0; i--)
        task_refuse(h->tasks[i - 1]);
}

static int open_group(hem_actx_group *g, const struct node *n)
{
    struct helpers h = {.count = 0};
    hem_actx_member *m = arena_alloc((n->count + 1) * sizeof(*m));
    for (size_t i = 0; i < n->count; i++) {
        m[i].fn = manager;
        m[i].arg = n->operands[i].fn;
        m[i].enter_name = helper(&h, n, "enter");
    }
    int rc = hem_actx_group_open(g, m, n->count);
    if (rc < 0 && rc != HEM_ECANCELED)
        refuse(&h);
    return rc;
}

static struct flow close_group(hem_actx_group *g, const struct node *n,
                               struct flow f)
{
    struct helpers h = {.count = 0};
    for (size_t i = 0; i < n->count; i++)
        g->members[i].exit_name = helper(&h, n, "exit");
    return flow_leave(f, hem_actx_group_close(g, flow_raised(f)));
}

/* What a member's part came to. */
static struct outcome part_outcome(const hem_actx_member *m, int status)
{
    return status == HEM_EGROUP && m->error ? outcome_of_error(m->error)
                                            : outcome_of(status);
}

static const char *entered_text(const hem_actx_group *g, size_t count)
{
    struct outcome *o = arena_alloc((count + 1) * sizeof(*o));
    for (size_t i = 0; i < count; i++) {
        const hem_actx_member *m = &g->members[i];
        o[i] = m->entered == 0 ? (struct outcome){OUTCOME_VALUE,
                                                  .n = *(const int *)m->value}
                               : part_outcome(m, m->entered);
    }
    return outcome_text(outcome_list(o, count));
}

static const char *exited_text(const hem_actx_group *g, size_t count)
{
    const char *s = "";
    for (size_t i = 0; i < count; i++) {
        const hem_actx_member *m = &g->members[i];
        if (m->exited == HEM_ESTATE)
            continue;
        const char *state =
            m->exited == 1 ? "true" : outcome_text(part_outcome(m, m->exited));
        s = arena_format("%s%s%s", s, *s ? "," : "", state);
    }
    return s;
}

static struct flow run_ctxgroup(struct activation *a, const struct node *n)
{
    hem_actx_group *g = arena_alloc(sizeof(*g));
    int rc = n->count > GROUP_MAX ? HEM_EINVAL : open_group(g, n);
    struct flow f = flow_of(outcome_of(rc));
    const char *states = "";
    if (rc == 0) {
        trace("ctxgroup enter %s", entered_text(g, n->count));
        f = close_group(g, n, exec_body(a, n->body));
        states = exited_text(g, n->count);
    }
    trace("ctxgroup exit %s states[%s]", outcome_text(flow_body(f)), states);
    return f;
}

static struct flow run_exitstack(struct activation *a, const struct node *n)
{
    const char *name = n->operands[0].word;
    struct stack *s = arena_alloc(sizeof(*s));
    s->thing.kind = THING_STACK;
    hem_exit_stack_init(&s->stack);
    names_bind(a, name, &s->thing);
    struct flow f = exec_body(a, n->body);
    f = flow_leave(f, hem_exit_stack_close(&s->stack, flow_raised(f)));
    trace("exitstack %s exit %s", name, outcome_text(flow_body(f)));
    return f;
}

/* The stack in the first operand; NULL: not bound, which was written. */
static hem_exit_stack *bound(const struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, THING_STACK);
    return t ? &((struct stack *)t)->stack : NULL;
}

static struct flow run_enter(struct activation *a, const struct node *n)
{
    hem_exit_stack *s = bound(a, n);
    if (!s)
        return flow_next();
    void *value;
    int rc = hem_exit_stack_enter(s, manager, n->operands[1].fn, &value);
    struct outcome o =
        rc < 0 ? outcome_of(rc)
               : (struct outcome){OUTCOME_VALUE, .n = *(const int *)value};
    trace("enter %s %s %s", n->operands[0].word, n->operands[1].word,
          outcome_text(o));
    return flow_of(o);
}

static struct flow run_push(struct activation *a, const struct node *n)
{
    hem_exit_stack *s = bound(a, n);
    if (!s)
        return flow_next();
    int rc = hem_exit_stack_push(s, exec_hem_fn, n->operands[1].fn);
    return rc < 0 ? exec_done_on(n, outcome_of(rc)) : flow_next();
}

static struct flow run_close_stack(struct activation *a, const struct node *n)
{
    hem_exit_stack *s = bound(a, n);
    return s ? exec_done_on(n, outcome_of(hem_exit_stack_close(s, 0)))
             : flow_next();
}

static struct flow run_closing(struct activation *a, const struct node *n)
{
    HEM_DEFER(d);
    int rc = hem_defer(&d, exec_hem_fn, n->operands[0].fn);
    struct flow f = rc < 0 ? flow_raise(outcome_of(rc)) : exec_body(a, n->body);
    f = flow_leave(f, hem_defer_close(&d, flow_raised(f)));
    trace("closing %s exit %s", n->operands[0].word,
          outcome_text(flow_body(f)));
    return f;
}

// clang-format off
const struct statement manager_statements[] = {
    {"ctx",         "G",  .flags = ST_BLOCK, .run = run_ctx},
    {"ctxgroup",    "G*", .flags = ST_BLOCK, .run = run_ctxgroup},
    {"exitstack",   "N",  .flags = ST_BLOCK, .run = run_exitstack},
    {"enter",       "VG", .run = run_enter},
    {"push",        "VF", .flags = ST_SYNC, .run = run_push},
    {"close_stack", "V",  .run = run_close_stack},
    {"closing",     "F",  .flags = ST_BLOCK, .run = run_closing},
    {0},
};
// clang-format on

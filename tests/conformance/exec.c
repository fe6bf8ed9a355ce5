/* SPDX-License-Identifier: MIT */
#include "exec.h"

#include <hem.h>

#include "arena.h"
#include "problem.h"
#include "scopes.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

/* No program of the corpus needs as much. */
#define STATEMENTS_MAX 50000
#define TIME_MAX       (5000 * HEM_SEC)
/* Bodies are executed recursively. */
#define STACK_BYTES ((size_t)256 << 10)

struct execution execution;
static hem_virtual_clock virtual_clock;

void exec_count(const struct node *n)
{
    if (++execution.statements > STATEMENTS_MAX)
        problem_exit(EXIT_LIMIT, execution.program->source, n->line,
                     "more than %d statements", STATEMENTS_MAX);
    if (virtual_clock.now > TIME_MAX)
        problem_exit(EXIT_LIMIT, execution.program->source, n->line,
                     "more than %lld seconds", (long long)(TIME_MAX / HEM_SEC));
}

void exec_not_yet(const struct node *n, const char *what)
{
    problem_exit(EXIT_NOT_YET, execution.program->source, n->line,
                 "%s is not in hem yet", what);
}

struct flow exec_body(struct activation *a, const struct node *first)
{
    struct flow f = flow_next();
    for (const struct node *n = first; n && f.kind == FLOW_NEXT; n = n->next) {
        exec_count(n);
        if (!n->statement->run)
            exec_not_yet(n, n->statement->name);
        f = n->statement->run(a, n);
    }
    return f;
}

struct outcome exec_call_in(struct activation *a)
{
    a->fn->calls++;
    struct flow f = exec_body(a, a->fn->body);
    if (a->fn->kind == FN_ADEFER || a->fn->kind == FN_SDEFER)
        f = flow_leave(f, hem_defer_close(&a->deferred, flow_raised(f)));
    return f.kind == FLOW_NEXT ? outcome_ok() : f.outcome;
}

struct outcome exec_call(struct fn *fn)
{
    struct activation *a = arena_alloc(sizeof(*a));
    a->fn = fn;
    return exec_call_in(a);
}

int exec_hem_fn(void *fn)
{
    return outcome_returned(exec_call(fn));
}

bool flow_again(struct flow *f)
{
    if (f->kind == FLOW_BREAK) {
        *f = flow_next();
        return false;
    }
    if (f->kind == FLOW_CONTINUE)
        *f = flow_next();
    return f->kind == FLOW_NEXT;
}

int flow_raised(struct flow f)
{
    return outcome_returned(flow_body(f));
}

struct flow flow_leave(struct flow f, int status)
{
    if (status == outcome_status(flow_body(f)))
        return f;
    if (status < 0)
        return flow_raise(outcome_of(status));
    return f.kind == FLOW_RAISE ? flow_next() : f;
}

struct flow exec_done(const struct node *n, struct outcome o)
{
    trace("%s %s", n->statement->name, outcome_text(o));
    return flow_of(o);
}

struct flow exec_done_on(const struct node *n, struct outcome o)
{
    trace("%s %s %s", n->statement->name, n->operands[0].word, outcome_text(o));
    return flow_of(o);
}

struct thing *exec_bound(const struct activation *a, const struct node *n,
                         size_t i, unsigned kinds)
{
    const char *name = n->operands[i].word;
    struct thing *t = names_find(a, name);
    if (!t)
        trace("%s %s unbound", n->statement->name, name);
    else if (!(t->kind & kinds))
        problem_bad(execution.program->source, n->line,
                    "%s: not what %s can be used with", name,
                    n->statement->name);
    return t;
}

/* A persistent scope reports the errors of its children by itself. */
static bool in_persistent_scope(const struct task *t)
{
    return t->scope && t->scope->kind == SCOPE_PTASKGROUP;
}

static void on_report(void *arg, const hem_report *r)
{
    (void)arg;
    const struct task *t = task_of(r->task);
    if (r->kind == HEM_REPORT_NEVER_RETRIEVED || r->kind == HEM_REPORT_MAIN ||
        !t)
        return; /* Python says so when it collects garbage */
    if (r->kind == HEM_REPORT_CHILD && in_persistent_scope(t))
        return;
    struct outcome o = awaitable_outcome(&t->thing, r->status);
    if (r->kind == HEM_REPORT_HANDLER && !in_persistent_scope(t))
        trace("exc_handler callback %s", outcome_text(o));
    else
        trace("exc_handler task=%s %s", t->name, outcome_text(o));
}

void exec_run(const struct program *p, uint64_t seed)
{
    execution.program = p;
    trace_open(&virtual_clock);
    struct task *main = task_create_root(p->main);
    int rc = hem_run(task_main, main,
                     &(hem_run_options){.clock = &virtual_clock,
                                        .on_report = on_report,
                                        .on_spawn = task_spawned,
                                        .name = main->name,
                                        .stack_bytes = STACK_BYTES,
                                        .seed = seed,
                                        .keep_sigint = true});
    if (rc < 0 && !main->ended)
        problem_exit(EXIT_FAILED, p->source, 1, "hem_run: %s", hem_errname(rc));
    trace_close();
    trace_write();
    outcome_forget();
}

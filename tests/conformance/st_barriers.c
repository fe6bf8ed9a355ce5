/* SPDX-License-Identifier: MIT */
/* Barriers: corpus/SPEC.md, section 6.12. */
#include <hem.h>

#include "arena.h"
#include "problem.h"
#include "statement.h"
#include "sync_objects.h"
#include "trace.h"

#define BARRIER (1U << OBJECT_BARRIER)

static hem_barrier *barrier_of(struct object *o)
{
    if (!o->state) {
        o->state = arena_alloc(sizeof(hem_barrier));
        if (hem_barrier_init(o->state, (uint32_t)o->n) < 0)
            problem_bad(execution.program->source, o->line,
                        "not the size of a barrier");
    }
    return o->state;
}

struct outcome barrier_pass(struct object *o)
{
    int rc = hem_barrier_wait(barrier_of(o));
    return outcome_of(rc < 0 ? rc : status_of_value(rc));
}

static struct flow run_bwait(struct activation *a, const struct node *n)
{
    (void)a;
    return exec_done_on(n, barrier_pass(n->operands[0].object));
}

static struct flow run_breset(struct activation *a, const struct node *n)
{
    (void)a;
    int rc = hem_barrier_reset(barrier_of(n->operands[0].object));
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_babort(struct activation *a, const struct node *n)
{
    (void)a;
    int rc = hem_barrier_abort(barrier_of(n->operands[0].object));
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_bstate(struct activation *a, const struct node *n)
{
    (void)a;
    const hem_barrier *b = barrier_of(n->operands[0].object);
    trace("bstate %s waiting=%u broken=%d", n->operands[0].word,
          hem_barrier_waiting(b), hem_barrier_broken(b));
    return flow_next();
}

// clang-format off
const struct statement barrier_statements[] = {
    {"bwait",  "O", NULL, 0, BARRIER, run_bwait},
    {"breset", "O", NULL, 0, BARRIER, run_breset},
    {"babort", "O", NULL, 0, BARRIER, run_babort},
    {"bstate", "O", NULL, ST_SYNC, BARRIER, run_bstate},
    {0},
};
// clang-format on

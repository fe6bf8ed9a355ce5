/* SPDX-License-Identifier: MIT */
/* Futures and done callbacks: corpus/SPEC.md, section 6.2. */
#include <string.h>

#include "arena.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

#define AWAITABLE (THING_TASK | THING_FUTURE)

static struct flow run_future(struct activation *a, const struct node *n)
{
    struct future *f = arena_alloc(sizeof(*f));
    f->thing.kind = THING_FUTURE;
    f->future = &f->own;
    hem_future_init(f->future);
    names_bind(a, n->operands[0].word, &f->thing);
    return flow_next();
}

/* The future of the first operand, or NULL; a task has a result of its own. */
static hem_future *settable(const struct thing *t)
{
    return t->kind == THING_FUTURE ? ((struct future *)(uintptr_t)t)->future
                                   : NULL;
}

static struct flow run_set_result(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (!t)
        return flow_next();
    hem_future *f = settable(t);
    int value = status_of_value(n->operands[1].number);
    int rc = f ? hem_future_set_result(f, value) : HEM_EREFUSED;
    if (f && rc == HEM_EREFUSED && hem_future_done(f))
        rc = HEM_ESTATE; /* of a shield or gathering */
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_set_error(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (!t)
        return flow_next();
    hem_future *f = settable(t);
    int error = status_of_error(n->operands[1].number);
    int rc = f ? hem_future_set_error(f, error) : HEM_EREFUSED;
    if (f && rc == HEM_EREFUSED && hem_future_done(f))
        rc = HEM_ESTATE; /* of a shield or gathering */
    return exec_done_on(n, outcome_of(rc));
}

/* A done callback of the program. */
struct watch {
    hem_done done;
    struct thing *of;
    const char *word;
    struct watch *older; /* in the list of all */
};

static struct watch *watches;

static void on_done(void *arg, int status)
{
    const struct watch *w = arg;
    trace("on_done %s %s", w->word,
          outcome_text(awaitable_outcome(w->of, status)));
}

static struct flow run_on_done(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (!t)
        return flow_next();
    struct watch *w = arena_alloc(sizeof(*w));
    w->of = t;
    w->word = n->operands[1].word;
    w->older = watches;
    watches = w;
    awaitable_on_done(t, &w->done, on_done, w);
    return flow_next();
}

static struct flow run_off_done(struct activation *a, const struct node *n)
{
    struct thing *t = exec_bound(a, n, 0, AWAITABLE);
    if (!t)
        return flow_next();
    const char *word = n->operands[1].word;
    int removed = 0;
    for (struct watch *w = watches; w; w = w->older) {
        if (w->of == t && strcmp(w->word, word) == 0)
            removed += hem_done_remove(&w->done);
    }
    trace("off_done %s %d", word, removed);
    return flow_next();
}

// clang-format off
const struct statement future_statements[] = {
    {"future",     "N",  .flags = ST_SYNC, .run = run_future},
    {"set_result", "VI", .flags = ST_SYNC | ST_ACTION, .run = run_set_result},
    {"set_error",  "VI", .flags = ST_SYNC | ST_ACTION, .run = run_set_error},
    {"on_done",    "VW", .flags = ST_SYNC, .run = run_on_done},
    {"off_done",   "VW", .flags = ST_SYNC, .run = run_off_done},
    {0},
};
// clang-format on

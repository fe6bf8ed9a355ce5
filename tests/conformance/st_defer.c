/* SPDX-License-Identifier: MIT */
/* Deferred actions: corpus/SPEC.md, section 6.14. They are made by
 * exec_call_in(). */
#include <hem.h>

#include "statement.h"
#include "trace.h"

static int write_log(void *word)
{
    trace("log %s", (const char *)word);
    return 0;
}

static int fail(void *code)
{
    return status_of_error(*(const int *)code);
}

static struct flow defer(struct activation *a, const struct node *n, hem_fn *fn,
                         const void *arg)
{
    int rc = hem_defer(&a->deferred, fn, (void *)(uintptr_t)arg);
    return rc < 0 ? exec_done(n, outcome_of(rc)) : flow_next();
}

static struct flow run_defer(struct activation *a, const struct node *n)
{
    return defer(a, n, exec_hem_fn, n->operands[0].fn);
}

static struct flow run_defer_log(struct activation *a, const struct node *n)
{
    return defer(a, n, write_log, n->operands[0].word);
}

static struct flow run_defer_fail(struct activation *a, const struct node *n)
{
    return defer(a, n, fail, &n->operands[0].number);
}

// clang-format off
const struct statement defer_statements[] = {
    {"defer",      "F", .flags = ST_SYNC | ST_IN_ADEFER, .run = run_defer},
    {"defer_log",  "W", .flags = ST_SYNC | ST_IN_DEFER, .run = run_defer_log},
    {"defer_fail", "I", .flags = ST_SYNC | ST_IN_DEFER, .run = run_defer_fail},
    {0},
};
// clang-format on

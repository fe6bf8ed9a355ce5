/* SPDX-License-Identifier: MIT */
/* Several tasks at once: corpus/SPEC.md, section 6.5. */
#include "statement.h"

static struct flow run_check(struct activation *a, const struct node *n)
{
    (void)n;
    return flow_of(a->item);
}

// clang-format off
const struct statement gather_statements[] = {
    {"gather",       "X*",  "return_exceptions", .run = NULL},
    {"gather_start", "NX+", "return_exceptions", ST_SYNC, .run = NULL},
    {"wait",         "MV+", "timeout=", .run = NULL},
    {"as_completed", "X*",  "timeout=", ST_BLOCK | ST_LOOP, .run = NULL},
    {"check",        "",    .flags = ST_SYNC, .run = run_check},
    {0},
};
// clang-format on

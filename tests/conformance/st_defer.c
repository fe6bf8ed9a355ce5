/* SPDX-License-Identifier: MIT */
/* Deferred actions: corpus/SPEC.md, section 6.14. */
#include "statement.h"

// clang-format off
const struct statement defer_statements[] = {
    {"defer",      "F", .flags = ST_SYNC | ST_IN_ADEFER, .run = NULL},
    {"defer_log",  "W", .flags = ST_SYNC | ST_IN_DEFER, .run = NULL},
    {"defer_fail", "I", .flags = ST_SYNC | ST_IN_DEFER, .run = NULL},
    {0},
};
// clang-format on

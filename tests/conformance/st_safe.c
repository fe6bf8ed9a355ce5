/* SPDX-License-Identifier: MIT */
/* Utilities that are scopes inside, and timers: corpus/SPEC.md, section 6.11. */
#include "statement.h"

// clang-format off
const struct statement safe_statements[] = {
    {"gather_safe",       "F*",   "ctx=", .run = NULL},
    {"as_completed_safe", "F*",   "ctx=", ST_BLOCK | ST_LOOP, .run = NULL},
    {"race",              "F*",   "continue_on_error ctx=", .run = NULL},
    {"timer",             "NFIP", .flags = ST_SYNC, .run = NULL},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
/* Context managers: corpus/SPEC.md, section 6.14. */
#include "statement.h"

// clang-format off
const struct statement manager_statements[] = {
    {"ctx",         "G",  .flags = ST_BLOCK, .run = NULL},
    {"ctxgroup",    "G*", .flags = ST_BLOCK, .run = NULL},
    {"exitstack",   "N",  .flags = ST_BLOCK, .run = NULL},
    {"enter",       "VG", .run = NULL},
    {"push",        "VF", .flags = ST_SYNC, .run = NULL},
    {"close_stack", "V",  .run = NULL},
    {"closing",     "F",  .flags = ST_BLOCK, .run = NULL},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
/* Generators: corpus/SPEC.md, section 6.14. */
#include "statement.h"

// clang-format off
const struct statement generator_statements[] = {
    {"newgen",   "NG",  .flags = ST_SYNC, .run = NULL},
    {"anext",    "V",   .run = NULL},
    {"athrow",   "VW",  .run = NULL},
    {"fornext",  "V",   .flags = ST_BLOCK | ST_LOOP, .run = NULL},
    {"aclosing", "V",   .flags = ST_BLOCK, .run = NULL},
    {"aiter",    "FD",  .flags = ST_BLOCK | ST_LOOP, .run = NULL},
    {"yieldval", "I",   .flags = ST_IN_GEN, .run = NULL},
    {0},
};
// clang-format on

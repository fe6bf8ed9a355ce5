/* SPDX-License-Identifier: MIT */
/* Context variables: corpus/SPEC.md, section 6.13. */
#include "statement.h"

#define VARIABLE (1U << OBJECT_CTXVAR)

// clang-format off
const struct statement context_statements[] = {
    {"cvset",     "OZ", "tok=", ST_SYNC, VARIABLE, NULL},
    {"cvget",     "O",  NULL, ST_SYNC, VARIABLE, NULL},
    {"cvreset",   "V",  NULL, ST_SYNC, 0, NULL},
    {"resetting", "OZ", "sync", ST_BLOCK, VARIABLE, NULL},
    {"copyctx",   "N",  NULL, ST_SYNC, 0, NULL},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
/* The cache: corpus/SPEC.md, section 6.13. */
#include "statement.h"

#define CACHE (1U << OBJECT_CACHE)

// clang-format off
const struct statement cache_statements[] = {
    {"cached",           "OI", NULL, 0, CACHE, NULL},
    {"cache_info",       "O",  NULL, ST_SYNC, CACHE, NULL},
    {"cache_clear",      "O",  NULL, ST_SYNC, CACHE, NULL},
    {"cache_invalidate", "OI", NULL, ST_SYNC, CACHE, NULL},
    {"cache_close",      "O",  "wait", 0, CACHE, NULL},
    {0},
};
// clang-format on

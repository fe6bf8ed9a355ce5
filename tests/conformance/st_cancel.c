/* SPDX-License-Identifier: MIT */
/* Cancelling and waiting, shields, wait_for: corpus/SPEC.md, section 6.4. */
#include "statement.h"

// clang-format off
const struct statement cancel_statements[] = {
    {"cancel_and_wait", "V",  "msg=", .run = NULL},
    {"cancel_all",      "V*", .run = NULL},
    {"shield",          "X",  .run = NULL},
    {"shield_start",    "NX", .flags = ST_SYNC, .run = NULL},
    {"wait_for",        "DX", .run = NULL},
    {0},
};
// clang-format on

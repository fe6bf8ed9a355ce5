/* SPDX-License-Identifier: MIT */
/* Context variables: corpus/SPEC.md, section 6.13. */
#include "contexts.h"
#include "statement.h"
#include "trace.h"

#define VARIABLE (1U << OBJECT_CTXVAR)

hem_context *context_option(const struct activation *a, const struct node *n)
{
    const char *name = n->options[OPTION_CTX];
    struct thing *t = name ? names_find(a, name) : NULL;
    if (name && !t)
        trace("%s %s unbound", n->statement->name, name);
    return t ? &((struct context *)t)->context : NULL;
}

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

/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_CONTEXTS_H
#define CONFORMANCE_CONTEXTS_H

#include <hem.h>

#include "exec.h"

/* A copy of a context, bound by `copyctx`. */
struct context {
    struct thing thing;
    hem_context context;
};

/* The context of the option ctx=, NULL: not given, or not bound, which was
 * written. */
hem_context *context_option(const struct activation *a, const struct node *n);

#endif

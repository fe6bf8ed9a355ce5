/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_GENERATORS_H
#define CONFORMANCE_GENERATORS_H

#include "exec.h"

/* `aclose` of a generator. */
struct flow generator_aclose(const struct node *n, struct thing *t);

#endif

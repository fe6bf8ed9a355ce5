/* SPDX-License-Identifier: MIT */
/* Gathering, inside: for those who wait as hem_gather() does. */
#ifndef HEM__SCOPE_GATHER_H
#define HEM__SCOPE_GATHER_H

#include "scope/calls.h"

/* Begin a gathering of operands that were taken into g->calls; functions among
 * them are spawned. */
void hem__gather_begin(hem_gathering *g, unsigned flags);

/* Wait for it, in a task: 0 or its failure. The calls are to be unwatched
 * then. */
int hem__gather_wait(hem_loop *l, hem_gathering *g);

#endif

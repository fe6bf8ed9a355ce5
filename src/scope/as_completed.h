/* SPDX-License-Identifier: MIT */
/* Iterations, inside: for a race, which is one. */
#ifndef HEM__SCOPE_AS_COMPLETED_H
#define HEM__SCOPE_AS_COMPLETED_H

#include "scope/calls.h"

/* hem_as_completed_close() of one that is open, but the operands keep their
 * records. */
int hem__as_completed_leave(hem_loop *l, hem_as_completed *it, int rc);

#endif

/* SPDX-License-Identifier: MIT */
/* The threads of a loop, for calls that block. */
#ifndef HEM__LOOP_POOL_H
#define HEM__LOOP_POOL_H

#include "loop/loop.h"

/* Wait for the calls under way and join the threads. */
void hem__pool_destroy(hem_loop *l);

#endif

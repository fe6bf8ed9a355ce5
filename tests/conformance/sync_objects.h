/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_SYNC_OBJECTS_H
#define CONFORMANCE_SYNC_OBJECTS_H

#include "exec.h"

/* Wait at a barrier; `value=` the index. */
struct outcome barrier_pass(struct object *o);

#endif

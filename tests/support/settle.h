/* SPDX-License-Identifier: MIT */
/* Tasks in a known order, whatever HEM_SEED says. */
#ifndef SUPPORT_SETTLE_H
#define SUPPORT_SETTLE_H

#include "hem.h"

/* Let all others run until they wait: in virtual time, for 1 ns. */
void settle(void);

/* Spawn fn(arg) in the loop's own scope and settle. */
hem_task *spawn_settled(hem_fn *fn, void *arg);

#endif

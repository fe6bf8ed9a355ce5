/* SPDX-License-Identifier: MIT */
/* What is not to happen to all workers at once. */
#ifndef HEM__SERVICE_JITTER_H
#define HEM__SERVICE_JITTER_H

#include <stdint.h>

/* 0 to `max`, another one for each `salt`, and each time. Not for secrets. */
uint64_t hem__jitter(uint64_t max, uint64_t salt);

#endif

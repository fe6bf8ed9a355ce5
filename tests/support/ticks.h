/* SPDX-License-Identifier: MIT */
/* What timers call: it says when it begins, and when it was cancelled. */
#ifndef SUPPORT_TICKS_H
#define SUPPORT_TICKS_H

#include "hem.h"

struct tick {
    hem_ns takes;
    hem_ns cleanup; /* after it was cancelled */
    int result;
    int begun;
    int running, most; /* at once */
};

/* Trace "MS", the time, and "cMS" where it was cancelled; an hem_fn. */
int tick_run(void *arg);

#endif

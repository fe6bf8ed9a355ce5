/* SPDX-License-Identifier: MIT */
/* Evil I/O: what its parts share. In the torture build only. */
#ifndef HEM__BASE_EVIL_DICE_H
#define HEM__BASE_EVIL_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* evil.c: whether it is evil at all; whether it is now, which counts. */
bool hem__evil_is_on(void);
bool hem__evil_now(void);

/* A number below `n`. */
uint64_t hem__evil_below(uint64_t n);

/* Whether a call that is to fail is to be interrupted. */
bool hem__evil_interrupts(void);

/* evil_poller.c: have the edge of `fd` come again, if there is what it stands
 * for. Returns whether it is watched: if not, the first watching will tell. */
bool hem__evil_rearm(int fd);

/* Forget events that were kept back from this thread. */
void hem__evil_forget_events(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * c-ares in the loop: at most one channel for each, which exists while somebody
 * waits for an answer. So the end of a run finds none, and the configuration of
 * the system is read anew after each pause.
 */
#ifndef HEM__IO_CARES_CHANNEL_H
#define HEM__IO_CARES_CHANNEL_H

#include <ares.h>

#include "loop/loop.h"

typedef struct hem__cares hem__cares;

/* One more wants an answer: the channel of the loop, when it is his turn, for only
 * so many queries go out at once. [suspends] HEM_ECANCELED, HEM_ENOMEM,
 * HEM_ENAMETEMP: there is no configuration to be had. */
int hem__cares_enter(hem_loop *l, hem__cares **ret);

/* A query has been called back. */
void hem__cares_done(hem__cares *c);

/* To be handed to c-ares, and hem__cares_pump() is to be called afterwards. */
ares_channel hem__cares_channel(hem__cares *c);

/* Let c-ares have what has come, and tell the loop when to look again. */
void hem__cares_pump(hem__cares *c);

/* One less. With the last one the channel goes: queries that nobody waits for are
 * called back with ARES_EDESTRUCTION. Not from a callback of c-ares. */
void hem__cares_leave(hem__cares *c);

/* What c-ares says, as an error; 0: success. */
int hem__cares_error(int status);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Orphans. The first process of a container becomes the parent of every process
 * whose own has died, and has to reap them all. A service that is the first
 * does, its own children apart.
 */
#ifndef HEM__SERVICE_ORPHANS_H
#define HEM__SERVICE_ORPHANS_H

#include "service/service.h"

/* Reap them from now on, in a task of `scope`; 0, and nothing, in a process
 * that is not the first. HEM_ENOMEM, ... of opening a signal. */
int hem__orphans_start(hem__service *s, hem_scope *scope);

/* How long one is left to whoever may want it. Tests make it short. */
extern hem_ns hem__orphans_pause __attribute__((visibility("hidden")));

#endif

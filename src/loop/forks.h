/* SPDX-License-Identifier: MIT */
/*
 * Forks, made by whomever, on whichever thread: in the child no loop of the
 * parent is left. All loops of the process are in a list, and what the child
 * reads of those of other threads, the list and the place of their tables, is
 * changed under a lock that fork() takes: the child's copy of memory is not
 * made in one moment.
 */
#ifndef HEM__LOOP_FORKS_H
#define HEM__LOOP_FORKS_H

#include "loop/loop.h"

/* A loop begins, or ends. */
void hem__forks_add(hem_loop *l);
void hem__forks_remove(hem_loop *l);

/* Round a change of where a loop has its table of descriptors. */
void hem__forks_lock(void);
void hem__forks_unlock(void);

/* In a forked child: abandon all loops. fork() itself sees to that, unless
 * memory lacked for it; once more does nothing. */
void hem__forks_abandon(void);

#endif

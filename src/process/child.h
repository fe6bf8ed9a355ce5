/* SPDX-License-Identifier: MIT */
/* Forking, for the rest of the library. */
#ifndef HEM__PROCESS_CHILD_H
#define HEM__PROCESS_CHILD_H

#include <signal.h>

#include "hem/child.h"

/* hem_fork() with the signals of `blocked` blocked in the child, from the
 * fork on; NULL: none. */
int hem__fork(hem_child *c, hem_fn *fn, void *arg, const sigset_t *blocked);

#endif

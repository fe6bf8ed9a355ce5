/* SPDX-License-Identifier: MIT */
/* Children, for the rest of the library. */
#ifndef HEM__PROCESS_CHILD_H
#define HEM__PROCESS_CHILD_H

#include <signal.h>

#include "hem/child.h"
#include "loop/loop.h"

/* hem_fork() with the signals of `blocked` blocked in the child, from the
 * fork on; NULL: none. */
int hem__fork(hem_child *c, hem_fn *fn, void *arg, const sigset_t *blocked);

/* Take the new child `pid`, of which `fd` is a pidfd, into `c`, or undo it: kill
 * and reap it, close `fd`. HEM_ENOMEM, HEM_ENOSPC. */
int hem__child_adopt(hem_loop *l, hem_child *c, pid_t pid, int fd);
void hem__child_undo(pid_t pid);

/* Reap it, if it has ended, or wait for that; `flags`: 0 or WNOHANG. HEM_EAGAIN:
 * with WNOHANG, and it has not. HEM_ECHILD: somebody else did. */
int hem__child_reap(hem_child *c, int flags);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The process group of a subprocess that leads it, `.whole_group`.
 *
 * The leader is not reaped before the close: as long as it is there, nobody else
 * gets its pid, nor that number for a group. Its pidfd stands for the group
 * also later, from Linux 6.9 on. So no signal ever reaches the next owner.
 */
#ifndef HEM__PROCESS_SUBPROCESS_GROUP_H
#define HEM__PROCESS_SUBPROCESS_GROUP_H

#include "hem/subprocess.h"
#include "loop/loop.h"

/* Send all of the group a signal. HEM_ESRCH: nobody is left; HEM_EINVAL,
 * HEM_EPERM. */
int hem__group_signal(hem_subprocess *p, int signo);

/* The leader has ended: wait until nobody is left, while the grace lasts; where
 * that cannot be told, not at all. HEM_ECANCELED, HEM_EBADF: closed meanwhile. */
int hem__group_wait(hem_loop *l, hem_subprocess *p);

/* Kill who is left. Never fails. */
void hem__group_kill(hem_subprocess *p);

#endif

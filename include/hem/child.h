/* SPDX-License-Identifier: MIT */
/*
 * Child processes made by fork, held by a pidfd: signals never reach a
 * recycled pid.
 *
 *     static int child(void *arg) { ...; return 0; }
 *
 *     hem_child c;
 *     HEM_TRY(hem_fork(&c, child, arg));
 *     HEM_TRY(hem_child_send_signal(&c, SIGTERM));
 *     hem_child_status status;
 *     HEM_TRY(hem_child_wait(&c, &status));
 *     hem_child_close(&c);
 *
 * running --hem_child_wait or close--> reaped --close--> closed.
 *
 * The program must not ignore SIGCHLD, nor reap children that it did not make:
 * how they ended would be lost.
 */
#ifndef HEM_CHILD_H
#define HEM_CHILD_H

#include "base.h"

HEM_BEGIN_DECLS

/* How a process ended. */
typedef struct hem_child_status {
    int exit_code; /* 0 to 255, -1: killed by a signal */
    int signal;    /* that killed it, 0: none */
    bool core;     /* it left a core file */
} hem_child_status;

/* The caller's own; private. */
typedef struct hem_child {
    struct hem__fd fd; /* the pidfd, from fork to close */
    pid_t pid;
    hem_child_status status; /* how it ended, if `reaped` */
    bool reaped;
} hem_child;

/*
 * Fork. In the child, fn(arg) runs outside of any loop (it may call hem_run),
 * on the stack of the thread, which is the only one there, with all signals
 * unblocked and at their default actions, and the descriptors of the parent's
 * loop closed. The child exits with the function's result (an error, which is
 * logged, or more than 255: with 1), writes out stdout and stderr but no other
 * stdio streams, and runs no atexit handlers; the parent writes out its own
 * stdout and stderr before. A caller that is cancelled before the fork gets
 * HEM_ECANCELED; once the child exists, 0, and the request reaches its next
 * wait. HEM_EAGAIN, HEM_ENOMEM, HEM_EMFILE, HEM_ENFILE, HEM_ENOSPC, HEM_ENOSYS
 * (before Linux 5.4): no child (any more). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_fork(hem_child *c, hem_fn *fn, void *arg);

/* Return its pid, also when it has ended. [loop thread] */
HEM_API pid_t hem_child_pid(const hem_child *c);

/*
 * Send it a signal; one that has ended and was not reaped takes no notice.
 * HEM_ESRCH: it was reaped. HEM_EBADF: closed, or inherited. HEM_EINVAL: no
 * such signal. HEM_EPERM: it has become another user. [loop thread]
 */
HEM_API HEM_CHECK int hem_child_send_signal(hem_child *c, int signo);

/*
 * Wait until it has ended, reap it, and tell how; again at once if it has been
 * reaped. `ret` may be NULL. HEM_ECHILD: somebody else reaped it, its status
 * is unknown. HEM_EBADF: closed, or inherited. HEM_EBUSY: another task waits.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_child_wait(hem_child *c, hem_child_status *ret);

/* Close it. A child that still runs is killed and reaped at once; a task that
 * waits for it gets HEM_EBADF. NULL does nothing. [loop thread] */
HEM_API void hem_child_close(hem_child *c);

HEM_END_DECLS

#endif

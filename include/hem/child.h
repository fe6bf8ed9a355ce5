/* SPDX-License-Identifier: MIT */
/*
 * Child processes made by fork: functions of this program that run in a process
 * of their own. aiotools' afork().
 *
 *     static int child(void *arg) { ...; return 0; }
 *
 *     hem_child c;
 *     HEM_TRY(hem_fork(&c, child, arg, NULL));
 *     HEM_TRY(hem_child_send_signal(&c, SIGTERM));
 *     hem_child_status status;
 *     HEM_TRY(hem_child_wait(&c, &status));
 *     hem_child_close(&c);
 *
 *     forked --ready--> running --it ends--> ended --close--> closed
 *
 * Fresh start. In the child the function runs with nothing of the parent's
 * loop: no loop, no task, no record of a failure, on the stack of the thread,
 * which is the only one there; all signals are unblocked and at their default
 * actions; the descriptors of all loops of the parent are closed. What is not
 * the loop's is inherited as by fork(2): memory, other descriptors, directory,
 * user, limits, nice value, CPU affinity. The function may call hem_run(), or
 * be the main task of a loop of the child's own (`.loop`). Locks that other
 * threads of the parent held stay locked for ever, so what was not made with
 * forks in mind is not for a child of a parent with threads.
 *
 * Ready. hem_fork() returns when the child has said so: after its fresh start
 * and `.init`, or by itself (`.ready_by_child`).
 *
 * Its end. The loop reaps the child as it ends, whoever waits for it, and keeps
 * how it ended; any number of tasks may wait. One that is stopped has not
 * ended. The program should neither ignore SIGCHLD nor reap children that it
 * did not make: how they ended would be lost (HEM_ECHILD), though nothing hangs.
 *
 * Signals go by a pidfd and never reach a recycled pid. Where the kernel has
 * none (before Linux 5.4), a filter of system calls refuses it, or the
 * environment says HEM_PIDFD=0, the child is looked at instead, after 1 ms, 2
 * ms, 4 ms, ... up to every 50 ms, and before each signal: then only who reaps
 * children of this process on another thread, in that very moment, could make
 * a signal go astray.
 *
 * A handle must not be moved while it is open. After a fork: children of the
 * parent are closed in its next child.
 */
#ifndef HEM_CHILD_H
#define HEM_CHILD_H

#include "base.h"
#include "run.h"

HEM_BEGIN_DECLS

/* How a process ended. */
typedef struct hem_child_status {
    int exit_code; /* 0 to 255, -1: killed by a signal */
    int signal;    /* that killed it, 0: none */
    bool core;     /* it left a core file */
} hem_child_status;

/* The caller's own; private. */
typedef struct hem_child {
    struct hem__fd fd;   /* a pidfd, or a timer: from fork to close */
    struct hem__fd proc; /* its directory in /proc, open if it is looked at */
    struct hem__list waiters; /* tasks that wait for it */
    hem_child_status status;  /* how it ended, if `reaped` */
    pid_t pid;
    uint32_t pause; /* milliseconds from the last look to the next; 0: it has
                       a pidfd */
    bool hold;   /* not to be reaped before it is closed: its pid stands for a
                       group */
    bool held;   /* for that: it has ended */
    bool reaped; /* by us, or held */
    bool lost;   /* somebody else reaped it */
} hem_child;

/* All is borrowed until the fork returns, by the child for its life. */
typedef struct hem_fork_options {
    bool loop; /* the function is the main task of a loop of the child's */
    const hem_run_options *run; /* of that loop; not NULL: as if `.loop` */
    hem_fn *init; /* called in the child before anything else, without a loop;
                       an error ends the child and is that of the fork; NULL:
                       none */
    void *init_arg;
    bool ready_by_child; /* it is ready when it calls hem_fork_ready() */
    hem_ns
        timeout; /* for it to be ready; 0: none. It does not pass on a virtual
                       clock */
} hem_fork_options;

/*
 * Fork, and wait until the child is ready. The child exits with the function's
 * result (an error, which is logged, or more than 255: with 1), writes out
 * stdout and stderr but no other stdio streams, and runs no atexit handlers;
 * the parent writes out its own stdout and stderr before. `opts` may be NULL.
 *
 * With an error there is no child (any more), it was killed if need be, and
 * `c` is closed: HEM_ECANCELED; HEM_ETIMEDOUT; what `.init` returned; where it
 * ended, or began another program, before it was ready: HEM_EEXITED,
 * HEM_ESIGNALED, or HEM_ECHILD if somebody else has reaped it; hem_failure()
 * says more. HEM_EAGAIN, HEM_ENOMEM, HEM_EMFILE, HEM_ENFILE, HEM_ENOSPC: it could
 * not be made. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_fork(hem_child *c, hem_fn *fn, void *arg,
                               const hem_fork_options *opts);

/*
 * In a child made with `.ready_by_child`: say that it is ready. Further calls
 * do nothing. HEM_ESTATE: this is no such child. HEM_EPIPE: the parent does not
 * wait any more, it has ended. [any thread]
 */
HEM_API HEM_CHECK int hem_fork_ready(void);

/* Return its pid, also when it has ended. [loop thread] */
HEM_API pid_t hem_child_pid(const hem_child *c);

/*
 * Send it a signal; one that has ended and was not reaped takes no notice.
 * HEM_ESRCH: it was reaped. HEM_EBADF: closed, or inherited. HEM_EINVAL: no
 * such signal. HEM_EPERM: it has become another user. [loop thread]
 */
HEM_API HEM_CHECK int hem_child_send_signal(hem_child *c, int signo);

/*
 * Wait until it has ended, and tell how; returns at once if it has been reaped.
 * `ret` may be NULL. HEM_ECHILD: somebody else reaped it, its status is unknown.
 * HEM_EBADF: closed, also meanwhile, or inherited. A cancelled wait leaves it
 * alone. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_child_wait(hem_child *c, hem_child_status *ret);

/* Close it. A child that still runs is killed and reaped at once; tasks that
 * wait for it get HEM_EBADF. NULL does nothing. [loop thread] */
HEM_API void hem_child_close(hem_child *c);

HEM_END_DECLS

#endif

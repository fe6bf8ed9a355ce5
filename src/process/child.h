/* SPDX-License-Identifier: MIT */
/* Children, for the rest of the library. */
#ifndef HEM__PROCESS_CHILD_H
#define HEM__PROCESS_CHILD_H

#include <signal.h>
#include <stdatomic.h>

#include "hem/subprocess.h"
#include "loop/fd.h"
#include "sync/waiters.h"

/* The function of a child; `channel` is its side of the channel, -1: none. */
typedef int hem__fork_fn(void *arg, int channel);

typedef struct hem__fork_call {
    hem__fork_fn *fn;
    void *arg;
    const sigset_t *blocked; /* in the child, from the fork on; NULL: none */
    bool channel;            /* make one */
    int *ret_channel;        /* of one: the parent's side */
} hem__fork_call;

/*
 * Fork, as hem_fork() does, but return as soon as there is a child; `call` is
 * borrowed until then. With an error `c` is closed. A channel is a pair of
 * sockets that keep messages apart (SOCK_SEQPACKET), non-blocking and
 * close-on-exec. The parent's side is the caller's, a plain descriptor; no
 * other child inherits it before the caller has it, and none later if he makes
 * it the loop's (hem__fd_init()) before he suspends. HEM_EMFILE and the like of
 * socketpair(): no child. A caller that is cancelled when the child exists gets
 * 0, and HEM_ECANCELED at its next wait. [suspends] [cancel point]
 */
int hem__fork(hem_child *c, const hem__fork_call *call);

/* In a forked child: forget that its parent was to call hem_fork_ready(). */
void hem__fork_ready_abandon(void);

/* How children are held in this process. Tests choose. */
enum hem__child_way {
    HEM__CHILD_UNKNOWN, /* HEM_PIDFD=0 is to be looked for */
    HEM__CHILD_PIDFD,   /* by pidfds where there are any */
    HEM__CHILD_POLLED,
};

extern atomic_int hem__child_way __attribute__((visibility("hidden")));

/*
 * Take the new child `pid` into `c`, or undo it: kill and reap it. `fd` is a
 * pidfd of it, which is closed with it, or -1: one is opened, if that can be.
 * One that was reaped meanwhile is open, and lost. HEM_EMFILE and the like of
 * pidfd_open(), HEM_ENOMEM, HEM_ENOSPC: `c` is closed.
 */
int hem__child_adopt(hem_loop *l, hem_child *c, pid_t pid, int fd);

/* Whether it is open here. */
static inline bool hem__child_is_open(const hem_child *c)
{
    return hem__fd_is_open(&c->fd);
}

/* Whether it has not ended, as far as is known. */
static inline bool hem__child_runs(const hem_child *c)
{
    return !c->reaped && !c->lost;
}

/* Reap it if it has ended, and tell who waits. The loop does so by itself. */
void hem__child_look(hem_child *c);

/* Reap one that is held after all. */
void hem__child_reap_held(hem_child *c);

/* Park until somebody has waked those who wait for it: its end does.
 * HEM_ECANCELED; HEM_EBADF: it was closed. */
int hem__child_wait_once(hem_child *c, const hem__sync_kind *kind);

/* Park until it has ended; virtual time does not overtake it. */
int hem__child_wait_for_end(hem_child *c, const hem__sync_kind *kind);

/* Whether the pid is that of an open child of this loop. */
bool hem__child_is_of(const hem_loop *l, pid_t pid);

/* How it ended. HEM_EAGAIN: it runs; HEM_ECHILD: somebody else reaped it. */
int hem__child_tell(const hem_child *c, hem_child_status *ret);

/* Those that have no pidfd: child_polled.c. */

/* Open `c`, with its pid, as one. HEM_EMFILE, HEM_ENFILE, HEM_ENOMEM, ... */
int hem__child_open_polled(hem_loop *l, hem_child *c);

/* It runs: look again after a while. */
void hem__child_look_again(hem_child *c);

/* Whether its pid is not its own any more. */
bool hem__child_is_gone(const hem_child *c);

/* Reap by the pid; as hem__sys_wait_pidfd(). */
int hem__child_wait_by_pid(const hem_child *c, siginfo_t *info, int flags);

/* Signal by the pid, after a look whether it is its own. HEM_ESRCH; HEM_EPERM;
 * HEM_EINVAL. */
int hem__child_kill_by_pid(const hem_child *c, int signo);

/* Close it, but leave the process alone: it goes on, and is nobody's. */
void hem__child_release(hem_child *c);
void hem__subprocess_release(hem_subprocess *p);

#endif

/* SPDX-License-Identifier: MIT */
/* Children, for the rest of the library. */
#ifndef HEM__PROCESS_CHILD_H
#define HEM__PROCESS_CHILD_H

#include <signal.h>

#include "hem/subprocess.h"
#include "loop/loop.h"

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
 * borrowed until then. A channel is a pair of sockets that keep messages apart
 * (SOCK_SEQPACKET), non-blocking and close-on-exec. The parent's side is the
 * caller's, a plain descriptor; no other child inherits it before the caller
 * has it, and none later if he makes it the loop's (hem__fd_init()) before he
 * suspends. HEM_EMFILE and the like of socketpair(): no child.
 * [suspends] [cancel point]
 */
int hem__fork(hem_child *c, const hem__fork_call *call);

/* Take the new child `pid` into `c`, or undo it. HEM_EMFILE and the like of
 * pidfd_open(), HEM_ENOMEM, HEM_ENOSPC. */
int hem__child_take(hem_loop *l, hem_child *c, pid_t pid);

/* Take the new child `pid`, of which `fd` is a pidfd, into `c`, or undo it: kill
 * and reap it, close `fd`. HEM_ENOMEM, HEM_ENOSPC. */
int hem__child_adopt(hem_loop *l, hem_child *c, pid_t pid, int fd);
void hem__child_undo(pid_t pid);

/* Reap it, if it has ended, or wait for that; `flags`: 0 or WNOHANG. HEM_EAGAIN:
 * with WNOHANG, and it has not. HEM_ECHILD: somebody else did. */
int hem__child_reap(hem_child *c, int flags);

/* Close it, but leave the process alone: it goes on, and is nobody's. */
void hem__subprocess_release(hem_subprocess *p);

#endif

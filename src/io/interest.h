/* SPDX-License-Identifier: MIT */
/*
 * Interests: who waits for descriptors that are not hem's, tasks and watches.
 *
 * epoll knows a descriptor once, but one may wait to read and another to write.
 * All interests in a descriptor are a ring. One of them, the leader, has the
 * registration in its hem__fd, level-triggered, for the events of all; when it
 * leaves it hands that to the next. So there is no object for the descriptor,
 * and nothing to allocate:
 *
 *     loop's table -> leader <-> follower <-> follower
 *                     watched      (watched 0, same fd and gen)
 *
 * Invariants: a ring has one leader; the events of a ring do not overlap; the
 * leader is registered for at least what they are together. For more, after
 * some have left: it is registered for less when an event comes that nobody
 * wants, so that leaving cannot fail.
 *
 * The descriptor is somebody else's, who may have closed it: then its number may
 * be that of another. The poller knows (HEM_ENOENT), and is asked whenever an
 * interest joins a ring; a ring that turns out to be of the past is broken up.
 */
#ifndef HEM__IO_INTEREST_H
#define HEM__IO_INTEREST_H

#include "hem/fd.h"
#include "loop/fd.h"

typedef struct hem__interest hem__interest;

/* Whether it is in a ring, of this thread's loop. */
static inline bool hem__interest_is_in(const hem__interest *i)
{
    return hem__fd_is_open(&i->fd);
}

/* HEM_EEXIST: `fd` belongs to the loop. */
int hem__interest_allowed(hem_loop *l, int fd);

/* Let `i`, of which `tell` is set, be for `events` of `fd`. Errors of
 * hem_fd_watch_start(); it is in no ring then. */
int hem__interest_add(hem_loop *l, hem__interest *i, int fd, int events);

/* Let it be for these events, at least one. The same errors; nothing has
 * changed then. */
int hem__interest_change(hem_loop *l, hem__interest *i, int events);

/* Take it out, if it is in a ring. */
void hem__interest_remove(hem_loop *l, hem__interest *i);

/* Take out all for `fd`, and tell them HEM_EBADF. */
void hem__interest_remove_all(hem_loop *l, int fd);

/* Suspend until one of `events` has come; hem_fd_wait() without a checkpoint. */
int hem__interest_wait(hem_loop *l, hem__fiber *f, int fd, int events);

#endif

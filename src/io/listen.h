/* SPDX-License-Identifier: MIT */
/* Listeners, as hem_serve uses them, and how their sockets come into being. */
#ifndef HEM__IO_LISTEN_H
#define HEM__IO_LISTEN_H

#include "hem/listen.h"
#include "io/stream.h"
#include "io/unix.h"

static inline bool hem__listener_is_open(const hem_listener *l)
{
    return hem__fd_is_open(&l->sockets[0].fd);
}

/* Accept a connection, as hem_accept(), and return its descriptor. The caller
 * has the listener for itself: it has set `accepting`. */
int hem__accept_fd(hem_loop *l, hem__fiber *f, hem_listener *listener);

/* Register its sockets, so that later nothing but a close may end accepting.
 * HEM_ENOMEM, HEM_ENOSPC. */
int hem__listener_watch(hem_loop *l, hem_listener *listener);

/*
 * Suspend for `d`, or until hem__listener_resume(), or until the listener is
 * closed: HEM_EBADF. HEM_ECANCELED.
 */
int hem__listener_pause(hem_listener *listener, hem_ns d);
void hem__listener_resume(hem_listener *listener);

/* Listening sockets on their way into a listener. */
typedef struct hem__opened {
    size_t count;
    bool ours; /* opened here; else they were handed over */
    int fds[HEM_LISTENER_SOCKETS];
    hem__unix_file files[HEM_LISTENER_SOCKETS]; /* to be removed at the close */
} hem__opened;

/* Open, or take, what the options and the host say, at most `room`. HEM_ELIMIT:
 * that would be more. On an error nothing is open. */
int hem__open_host(hem__opened *ret, size_t room, const char *host,
                   uint16_t port, const hem_listen_options *o);
int hem__open_address(hem__opened *ret, const hem_address *a,
                      const hem_listen_options *o);

/* They are not needed after all. */
void hem__opened_discard(const hem__opened *o);

/* Options where none are given. */
extern const hem_listen_options hem__listen_defaults;

#endif

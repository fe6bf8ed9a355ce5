/* SPDX-License-Identifier: MIT */
/* Listeners, as hem_serve uses them. */
#ifndef HEM__IO_LISTEN_H
#define HEM__IO_LISTEN_H

#include "hem/listen.h"
#include "io/stream.h"

/* Accept a connection, as hem_accept(), and return its descriptor. The caller
 * has the listener for itself: it has set `accepting`. */
int hem__accept_fd(hem_loop *l, hem__fiber *f, hem_listener *listener);

/*
 * Suspend for `d`, or until hem__listener_resume(), or until the listener is
 * closed: HEM_EBADF. HEM_ECANCELED.
 */
int hem__listener_pause(hem_listener *listener, hem_ns d);
void hem__listener_resume(hem_listener *listener);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Telling systemd, or whatever listens at $NOTIFY_SOCKET, how the service is.
 * hem_prefork() does it by itself. The protocol is one datagram of lines; no
 * library is needed for it.
 *
 *     HEM_TRY(hem_notify("READY=1\nSTATUS=serving"));
 *
 * Without $NOTIFY_SOCKET nothing is sent and all is well: 0 is returned, 1 when
 * it was sent. See sd_notify(3) for the states.
 */
#ifndef HEM_NOTIFY_H
#define HEM_NOTIFY_H

#include "base.h"

HEM_BEGIN_DECLS

/*
 * Send `state`, lines of NAME=VALUE. Returns 1, or 0: nobody asked for it.
 * HEM_EINVAL: nothing to send, or $NOTIFY_SOCKET is no address of a Unix socket;
 * HEM_ENAMETOOLONG: it is too long for one; HEM_EMSGSIZE: longer than a datagram
 * may be; HEM_ECONNREFUSED, HEM_ENOENT, HEM_EACCES: nobody is there; HEM_EAGAIN:
 * the queue of the receiver is full, try again later; HEM_EMFILE, HEM_ENFILE,
 * HEM_ENOBUFS, HEM_ENOMEM. Never suspends. [any thread]
 */
HEM_API HEM_CHECK int hem_notify(const char *state);

/* The same with descriptors, as FDSTORE=1 takes them; at most 253: HEM_EINVAL.
 * They remain the caller's. HEM_EBADF: one is closed. [any thread] */
HEM_API HEM_CHECK int hem_notify_fds(const char *state, const int *fds,
                                     size_t count);

/*
 * Keep `fd` in the descriptor store under `name` (1 to 255 letters, digits,
 * `-_.`), for the next start of the service, where hem_inherited_fd() finds it;
 * or have all of that name forgotten. The unit says how many there may be, by
 * FileDescriptorStoreMax=; systemd forgets by itself what is hung up. As
 * hem_notify(); HEM_EINVAL: not such a name. [any thread]
 */
HEM_API HEM_CHECK int hem_fd_store(const char *name, int fd);
HEM_API HEM_CHECK int hem_fd_store_remove(const char *name);

/*
 * Find among the descriptors that this process was started with ($LISTEN_FDS,
 * $LISTEN_PID, $LISTEN_FDNAMES) the `i`-th, from 0, of that name, close-on-exec
 * from then on, and the caller's. hem_inherited_sockets() (listen.h) does not
 * find it any more. HEM_ENOENT: there is none, or it was taken; HEM_EBADF: it
 * is closed; HEM_EINVAL, HEM_ELIMIT: $LISTEN_FDS is no such number, or above
 * 4096. No other thread may change the environment meanwhile. [any thread]
 */
HEM_API HEM_CHECK int hem_inherited_fd(const char *name, size_t i);

/* Return how often the watchdog wants to hear of this process ($WATCHDOG_USEC,
 * $WATCHDOG_PID), HEM_NEVER: not at all. Send WATCHDOG=1 in half of it.
 * [any thread] */
HEM_API hem_ns hem_watchdog_interval(void);

HEM_END_DECLS

#endif

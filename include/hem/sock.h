/* SPDX-License-Identifier: MIT */
/*
 * Calls on sockets of your own, which simply suspend; asyncio's loop.sock_*.
 * For kinds of sockets that hem has none for, and for sockets that come from
 * elsewhere and go on to elsewhere. hem_stream and hem_datagram do more, and
 * wait for less: these register the descriptor for each wait.
 *
 *     int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
 *     HEM_TRY(hem_sock_connect(fd, &host));
 *     HEM_TRY(hem_sock_send_all(fd, "ping\n", 5, NULL));
 *     ssize_t n = hem_sock_recv(fd, buf, sizeof(buf));
 *     hem_fd_close(fd);
 *
 * Each call tries first, and suspends only where the socket is not ready. The
 * waits are those of hem_fd_wait() (fd.h): one in each direction, HEM_EBUSY for
 * a second; the descriptors of hem's own objects are refused with HEM_EEXIST;
 * close the socket by hem_fd_close(), and those who wait get HEM_EBADF. A call
 * that is cancelled has received and sent nothing, but hem_sock_send_all() and
 * hem_sock_connect(), which say so.
 *
 * Receiving and sending work on blocking sockets as well, and do not block the
 * loop. Accepting and connecting cannot: HEM_EINVAL (asyncio says ValueError,
 * in debug mode).
 *
 * Besides the errors named, those of the system call: HEM_ENOTSOCK,
 * HEM_ENOTCONN, HEM_ECONNRESET, HEM_EPIPE (never a SIGPIPE), ...
 */
#ifndef HEM_SOCK_H
#define HEM_SOCK_H

#include "address.h"
#include "base.h"

HEM_BEGIN_DECLS

/* Receive up to `size` bytes as soon as there are some; returns how many, 0: the
 * end, or an empty datagram. A longer datagram is cut off, as recv(2) does.
 * [suspends] [cancel point] */
HEM_API HEM_CHECK ssize_t hem_sock_recv(int fd, void *buf, size_t size);

/* The same, and from whom into `*ret_from`. [suspends] [cancel point] */
HEM_API HEM_CHECK ssize_t hem_sock_recv_from(int fd, void *buf, size_t size,
                                             hem_address *ret_from);

/* Send some of the bytes, or a datagram; returns how many. [suspends]
 * [cancel point] */
HEM_API HEM_CHECK ssize_t hem_sock_send(int fd, const void *buf, size_t size);

/* Send all of the bytes of a stream and return 0. `*ret_sent` (may be NULL)
 * counts them, also when it fails or is cancelled. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_sock_send_all(int fd, const void *buf, size_t size,
                                        size_t *ret_sent);

/* Send a datagram to an address; returns how many bytes. [suspends]
 * [cancel point] */
HEM_API HEM_CHECK ssize_t hem_sock_send_to(int fd, const void *buf, size_t size,
                                           const hem_address *to);

/*
 * Accept a connection on a listening socket and return its descriptor,
 * non-blocking and close-on-exec, the caller's to close. `ret_peer` (may be
 * NULL): from where. HEM_EINVAL: it blocks, or does not listen. All errors of
 * accept(2), as asyncio's sock_accept(): HEM_EMFILE, ...; HEM_ECONNABORTED: a
 * connection died in the queue; there may be others, which hem_accept() goes on
 * to by itself. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_sock_accept(int fd, hem_address *ret_peer);

/*
 * Connect to an address, numeric as it is. A call that is cancelled leaves the
 * socket connecting: to be closed. HEM_EINVAL: it blocks; HEM_ECONNREFUSED,
 * HEM_ETIMEDOUT, ...; HEM_EAGAIN: a Unix listener has no room for more.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_sock_connect(int fd, const hem_address *to);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * TCP servers: a listener, and hem_serve, which runs a task for each
 * connection.
 *
 *     static int echo(hem_stream *s, void *arg)
 *     {
 *         char buf[4096];
 *         ssize_t n;
 *         while ((n = hem_stream_read(s, buf, sizeof(buf))) > 0)
 *             HEM_TRY(hem_stream_write(s, buf, (size_t)n));
 *         return (int)n;
 *     }
 *     ...
 *     HEM_LISTENER(l);
 *     HEM_TRY(hem_listen(&l, "127.0.0.1", 0, NULL));
 *     return hem_serve(&l, echo, NULL, NULL);
 *
 * Ending a server: hem_listener_close() from any task makes hem_serve() drain:
 * it accepts no more, gives the connections `grace` to finish, cancels those
 * that have not, and returns 0. Cancelling the task in hem_serve() cancels all
 * connections and returns HEM_ECANCELED. A listener is inherited by forked
 * workers as a plain descriptor: hem_listen_socket(), and `.fd`.
 */
#ifndef HEM_LISTEN_H
#define HEM_LISTEN_H

#include "address.h"
#include "base.h"
#include "future.h"
#include "stream.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_listener {
    struct hem__fd fd;
    uint32_t limit;   /* of read-ahead of accepted streams */
    bool accepting;   /* a task accepts or serves */
    bool pausing;     /* it waits for `pause`, not for a connection */
    hem_future pause; /* over, or the listener was closed */
    hem_ns back_off;  /* last pause while descriptors lacked, 0: none */
    void *reserved[4];
} hem_listener;

/* Declare a listener `var`, closed, that is closed with its block if it is open
 * then. */
#define HEM_LISTENER(var)                                                      \
    hem_listener var                                                           \
        __attribute__((cleanup(hem__listener_cleanup))) = {.limit = 0}

HEM_API void hem__listener_cleanup(hem_listener *l);

typedef struct hem_listen_options {
    int fd;          /* listen on this socket instead of opening one;
                         0: open one. Closed with the listener. */
    int backlog;     /* connections the kernel holds; 0: 4096 */
    bool reuse_port; /* SO_REUSEPORT: others of the user may share the port */
    bool ipv6_only;  /* "::" is IPv6 only, not both */
    uint32_t limit;  /* of read-ahead of each stream, 0: 64 KiB */
} hem_listen_options;

/*
 * Open a listening TCP socket without a loop, and return its descriptor in
 * `*ret_fd`, close-on-exec, non-blocking: for prefork servers. `host` is
 * numeric; NULL: all interfaces, IPv4 and IPv6 where the machine has it. Port
 * 0: a free one. HEM_EADDRINUSE, HEM_EACCES, HEM_EADDRNOTAVAIL, HEM_EINVAL: no
 * numeric address, HEM_EMFILE, ... [any thread]
 */
HEM_API HEM_CHECK int hem_listen_socket(int *ret_fd, const char *host,
                                        uint16_t port,
                                        const hem_listen_options *opts);

/* Open a listener. As hem_listen_socket(); with `.fd`, host and port are not
 * used, HEM_ENOTSOCK, HEM_EINVAL: that is no listening socket, and it is left
 * open. [loop thread] */
HEM_API HEM_CHECK int hem_listen(hem_listener *l, const char *host,
                                 uint16_t port, const hem_listen_options *opts);

/* Return the address that it listens on. HEM_EBADF. [loop thread] */
HEM_API HEM_CHECK int hem_listener_address(const hem_listener *l,
                                           hem_address *ret);

/*
 * Wait for a connection and open `s` with it. Connections that die in the
 * queue are passed over; where that does not end, or descriptors or memory lack
 * (EMFILE, ENFILE, ENOBUFS, ENOMEM), it says so in the log, waits 10 to 500 ms
 * and tries again.
 * HEM_EBADF: the listener is closed, also while it waits; HEM_EBUSY: another
 * task accepts. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_accept(hem_listener *l, hem_stream *s);

/* Close it; a task that waits in it gets HEM_EBADF, and the
 * struct stays until that call has returned. NULL does nothing;
 * HEM_EBADF: not open, or closed already. [loop thread] */
HEM_API int hem_listener_close(hem_listener *l);

/* Serves one connection, in a task of its own. `s` is closed when it returns;
 * its result is dropped, errors other than HEM_ECANCELED are reported as those
 * of a scope's child. */
typedef int hem_serve_fn(hem_stream *s, void *arg);

typedef struct hem_serve_options {
    uint32_t max_connections; /* more wait in the kernel's queue; 0: 10,000 */
    hem_ns grace;       /* for connections to end after the listener was closed;
                      0: 10 s, HEM_NEVER: as long as they like, negative: none */
    size_t stack_bytes; /* of each task; 0: the loop's default */
    bool quiet;         /* do not report errors of connections */
} hem_serve_options;

/*
 * Accept connections and run fn(stream, arg) for each as a task, until the
 * listener is closed (then: 0, see above) or the caller is cancelled. The
 * listener remains its owner's to close. Connections that end in
 * HEM_ECONNRESET, HEM_EPIPE or HEM_ETIMEDOUT are not reported. HEM_ENOMEM,
 * HEM_ENOSPC: not started; HEM_EBADF: the listener was not open; HEM_EBUSY:
 * another task accepts; HEM_EINVAL: stack_bytes above 1 GiB. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_serve(hem_listener *l, hem_serve_fn *fn, void *arg,
                                const hem_serve_options *opts);

HEM_END_DECLS

#endif

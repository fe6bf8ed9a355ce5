/* SPDX-License-Identifier: MIT */
/*
 * Listeners: where connections are waited for, by TCP or on a Unix socket, at
 * one address or several. asyncio's Server without its protocol; serve.h runs
 * a task for each connection.
 *
 *     HEM_LISTENER(l);                           // closed with the block
 *     HEM_TRY(hem_listen(&l, "localhost", 8080, NULL));  // IPv4 and IPv6
 *     HEM_TRY(hem_listener_add(&l, "192.0.2.1", 8080, NULL));
 *     for (;;) {
 *         HEM_STREAM(s);
 *         HEM_TRY(hem_accept(&l, &s));           // from any of them
 *         HEM_TRY(hem_stream_write(&s, "hello\n", 6));
 *     }
 *
 * Life: closed (zero-initialised) -> open, by hem_listen() and its kin ->
 * closed. Calls on a closed listener return HEM_EBADF. One task at a time
 * accepts. After a fork: closed in the child, which gets by with the
 * descriptors (hem_listen_socket(), `.fds`); it never removes a socket file.
 *
 * Hosts are numeric; NULL is all interfaces, IPv4 and IPv6 where the machine
 * has it, by one socket; "localhost" is 127.0.0.1 and ::1, those of the two
 * that the machine has. Port 0 is a free one, the same for all addresses.
 *
 * A call that cannot listen says at which address, by hem_failure() (failure.h),
 * where it is made by a task.
 *
 * Connections inherit from the listening socket: small writes are sent at once
 * (TCP_NODELAY), and a peer that has vanished is noticed. One that says nothing
 * is asked after 60 s, and given up when it does not answer (SO_KEEPALIVE); so
 * is one that does not take in 30 s what was sent (TCP_USER_TIMEOUT, and the
 * `write_stall` of hem_stream_set_limits()): HEM_ETIMEDOUT.
 *
 * Unix sockets. A name that begins with "@" is abstract, else it is the path
 * of a file, which is made here and removed by the close. A path is never cut:
 * above 107 bytes it is refused. A socket file that is in the way is replaced
 * if nobody answers there (connecting is refused), for then it is a leftover;
 * what is no socket, symbolic links included, is never touched. A program that
 * is between bind() and listen() at that moment does not answer either.
 */
#ifndef HEM_LISTEN_H
#define HEM_LISTEN_H

#include "address.h"
#include "base.h"
#include "future.h"
#include "stream.h"

HEM_BEGIN_DECLS

/* Sockets that a listener may have. */
#define HEM_LISTENER_SOCKETS 8

struct hem_listener;

struct hem__listening { /* a socket of a listener */
    struct hem__fd fd;
    struct hem_listener *listener; /* whose it is */
    uint64_t device;               /* where the file is that goes with it, */
    uint64_t inode;                /* and which; 0: none does */
};

/* The caller's own; private. */
typedef struct hem_listener {
    struct hem__listening sockets[HEM_LISTENER_SOCKETS];
    uint32_t count;     /* of the sockets; the first is open while it is */
    uint32_t turn;      /* which of them is asked next */
    uint32_t limit;     /* of read-ahead of accepted streams */
    uint32_t serving;   /* id of the loop in which `server` is; 0: none is */
    bool accepting;     /* a task accepts or serves */
    bool pausing;       /* it waits for `pause`, not for a connection */
    hem_future pause;   /* over, or the listener was closed */
    hem_ns back_off;    /* last pause while descriptors lacked, 0: none */
    hem_ns quiet_until; /* no lack is logged before */
    struct hem__server *server; /* the hem_serve() that runs on it */
    void *reserved[4];
} hem_listener;

/* Declare a listener `var`, closed, that is closed with its block if it is open
 * then. */
#define HEM_LISTENER(var)                                                      \
    hem_listener var                                                           \
        __attribute__((cleanup(hem__listener_cleanup))) = {.count = 0}

HEM_API void hem__listener_cleanup(hem_listener *l);

typedef struct hem_listen_options {
    int fd;          /* listen on this socket, TCP or Unix, instead of opening
                         one; 0: open one. Closed with the listener; a file
                         that goes with it stays. */
    const int *fds;  /* on these, `fd_count` of them; NULL: not */
    size_t fd_count; /* 1 to 8, if `fds` is set */
    int backlog;     /* connections the kernel holds; 0: 4096 */
    bool reuse_port; /* SO_REUSEPORT: others of the user may share the port */
    bool ipv6_only;  /* "::" is IPv6 only, not both */
    bool keep;       /* do not remove the socket file at the close: somebody
                         else listens on, as after a hand-over */
    mode_t mode;    /* permissions of the socket file, from the beginning; 0: as
                         the umask has it */
    uint32_t limit; /* of read-ahead of each stream, 0: 64 KiB */
} hem_listen_options;

/*
 * Open a listening TCP socket without a loop, and return its descriptor in
 * `*ret_fd`, close-on-exec, non-blocking: for prefork servers. It is above 2:
 * of descriptors 0 to 2 those that are closed become /dev/null before, as in
 * hem_run(). Host and port as above, but for "localhost", which would be two.
 * HEM_EADDRINUSE, HEM_EACCES, HEM_EADDRNOTAVAIL, HEM_EMFILE, ...; HEM_EINVAL:
 * no numeric address; HEM_ENAMETOOLONG. [any thread]
 */
HEM_API HEM_CHECK int hem_listen_socket(int *ret_fd, const char *host,
                                        uint16_t port,
                                        const hem_listen_options *opts);

/* The same at an address of any family; the file of a Unix socket is the
 * caller's to remove. Errors as hem_listen_unix(). [any thread] */
HEM_API HEM_CHECK int hem_listen_address_socket(int *ret_fd,
                                                const hem_address *address,
                                                const hem_listen_options *opts);

/*
 * Open a listener. As hem_listen_socket(); with `.fd` or `.fds`, host and port
 * are not used, and none is taken where one is no listening stream socket:
 * HEM_ENOTSOCK, HEM_EINVAL, HEM_EBADF; HEM_EEXIST: it is given twice, or is
 * the loop's already; HEM_ELIMIT: more than 8. [loop thread]
 */
HEM_API HEM_CHECK int hem_listen(hem_listener *l, const char *host,
                                 uint16_t port, const hem_listen_options *opts);

/* Open a listener at an address of any family. [loop thread] */
HEM_API HEM_CHECK int hem_listen_address(hem_listener *l,
                                         const hem_address *address,
                                         const hem_listen_options *opts);

/*
 * Open a listener on a Unix socket (see above): "/run/app.sock", "@app".
 * asyncio's start_unix_server. HEM_ENAMETOOLONG; HEM_EINVAL: empty;
 * HEM_EADDRINUSE: somebody listens there; HEM_EEXIST: there is something else;
 * HEM_ENOENT, HEM_ENOTDIR, HEM_EACCES, ... of the file system. [loop thread]
 */
HEM_API HEM_CHECK int hem_listen_unix(hem_listener *l, const char *path,
                                      const hem_listen_options *opts);

/*
 * Open a listener on the sockets that this process was handed by systemd's
 * socket activation (LISTEN_FDS and LISTEN_PID, sd_listen_fds(3)), or by a
 * service that it is an upgrade of (prefork.h), which are then removed from the environment. HEM_ENOENT: none were; otherwise as with
 * `.fds`. [loop thread]
 */
HEM_API HEM_CHECK int hem_listen_inherited(hem_listener *l,
                                           const hem_listen_options *opts);

/*
 * Write the descriptors of such sockets to `ret`, of `max` places, and return
 * how many there are, 0 without: for prefork servers. They are close-on-exec
 * from here on, and asked for again they are not there any more. What was taken
 * by its name (hem_inherited_fd() in notify.h), or is no socket, is none of
 * them, nor is what hem itself has handed over, whose names begin with "hem-".
 * HEM_ELIMIT: more than `max`; HEM_EINVAL: LISTEN_FDS is no such number;
 * HEM_EBADF: one is closed; nothing has changed then. No other thread may use
 * the environment meanwhile. [any thread]
 */
HEM_API HEM_CHECK ssize_t hem_inherited_sockets(int *ret, size_t max);

/*
 * Listen at one more address; port 0: the port of the first one. Also while a
 * task accepts. As hem_listen(); HEM_ELIMIT: more than 8 sockets; the listener
 * goes on as it was after an error. [loop thread]
 */
HEM_API HEM_CHECK int hem_listener_add(hem_listener *l, const char *host,
                                       uint16_t port,
                                       const hem_listen_options *opts);

/* The same with an address of any family, Unix sockets beside TCP. [loop
 * thread] */
HEM_API HEM_CHECK int hem_listener_add_address(hem_listener *l,
                                               const hem_address *address,
                                               const hem_listen_options *opts);

/* Return the address that it listens on, the first of several. HEM_EBADF.
 * [loop thread] */
HEM_API HEM_CHECK int hem_listener_address(const hem_listener *l,
                                           hem_address *ret);

/* Write the addresses that it listens on to `ret`, at most `max`, in the order
 * in which they came; returns how many there are. Server.sockets. HEM_EBADF.
 * [loop thread] */
HEM_API HEM_CHECK ssize_t hem_listener_addresses(const hem_listener *l,
                                                 hem_address *ret, size_t max);

/*
 * Wait for a connection and open `s` with it; addresses have their turns.
 * Connections that die in the queue are passed over; where that does not end,
 * or descriptors or memory lack (EMFILE, ENFILE, ENOBUFS, ENOMEM), it says so
 * in the log, at most once a second, waits 10 to 500 ms and tries again:
 * nobody is accepted and dropped.
 * HEM_EBADF: the listener is closed, also while it waits; HEM_EBUSY: another
 * task accepts; HEM_EINVAL: somebody has shut a socket of it down.
 * HEM_ENOMEM. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_accept(hem_listener *l, hem_stream *s);

/*
 * Close it; a task that waits in it gets HEM_EBADF, and the struct stays until
 * that call has returned. A socket file that hem_listen_unix() made is removed,
 * if it is still the same. Server.close(). NULL does nothing; HEM_EBADF: not
 * open, or closed already. [loop thread]
 */
HEM_API int hem_listener_close(hem_listener *l);

HEM_END_DECLS

#endif

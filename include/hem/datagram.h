/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: UDP, and Unix sockets that keep messages apart; what asyncio calls
 * a datagram endpoint, without a protocol class: receiving is a call.
 *
 *     HEM_DATAGRAM(d);                         // closed with the block
 *     HEM_TRY(hem_datagram_open(
 *         &d, &(hem_datagram_options){.host = "127.0.0.1", .port = 9999}));
 *     for (;;) {
 *         char buf[2048];
 *         hem_address from;
 *         ssize_t n = hem_datagram_receive_from(&d, buf, sizeof(buf), &from,
 *                                               NULL);
 *         HEM_TRY(n);
 *         HEM_TRY(hem_datagram_send_to(&d, buf, (size_t)n, &from));
 *     }
 *
 * Life: closed (zero-initialised) -> open -> closed. Calls on a closed endpoint
 * return HEM_EBADF; closing it wakes those who wait with HEM_EBADF, and the
 * struct stays until their calls have returned. One task may receive while
 * another sends; a second in the same direction is refused with HEM_EBUSY.
 *
 * Each call tries at once and suspends only where the socket is not ready; one
 * that never has to wait still gives way now and then. A call that is cancelled
 * has received and sent nothing (batches: what their messages say).
 *
 * What is sent may be lost, doubled, or come in another order: that is UDP. A
 * datagram of no bytes is one, and is received as 0 bytes; there is no end.
 *
 * Refusals. A datagram to a port where nobody listens comes back as an ICMP
 * message. On a connected endpoint that is the error of the next call, whatever
 * that is (HEM_ECONNREFUSED, HEM_EHOSTUNREACH): it is about an earlier
 * datagram; one that was to be sent by this call was not. An endpoint without
 * peer hears nothing of it unless opened with `.errors`: then, connected or
 * not, receiving returns it, sending never does, and hem_datagram_get_error()
 * tells which peer it is about: asyncio's error_received().
 *
 * A socket that is bound to all addresses answers from the one that the kernel
 * likes best: servers with several addresses open an endpoint for each.
 *
 * After a fork: endpoints of the parent are not usable in the child.
 */
#ifndef HEM_DATAGRAM_H
#define HEM_DATAGRAM_H

#include "address.h"
#include "base.h"

HEM_BEGIN_DECLS

/* What came back for a datagram that was sent. */
typedef struct hem_datagram_error {
    int code;             /* HEM_ECONNREFUSED, HEM_EHOSTUNREACH, ... */
    hem_address peer;     /* to whom that datagram was sent */
    hem_address reporter; /* who says so; length 0: this machine */
    uint32_t mtu;         /* HEM_EMSGSIZE: what would get through; else 0 */
} hem_datagram_error;

/* The caller's own; private. */
typedef struct hem_datagram {
    struct hem__fd fd;
    bool reading;             /* a task receives */
    bool writing;             /* a task sends */
    bool connected;           /* it has a peer */
    bool local;               /* a Unix socket */
    bool errors;              /* opened with `.errors` */
    hem_address file;         /* a Unix socket's that is to be removed, */
    uint64_t device;          /* if it is still the one on this device, */
    uint64_t inode;           /* with this number; 0: there is none */
    hem_datagram_error error; /* code 0: none yet */
    void *reserved[4];
} hem_datagram;

/* Declare an endpoint `var`, closed, that is closed with its block if it is open
 * then: an early return leaks nothing. */
#define HEM_DATAGRAM(var)                                                      \
    hem_datagram var                                                           \
        __attribute__((cleanup(hem__datagram_cleanup))) = {.connected = false}

HEM_API void hem__datagram_cleanup(hem_datagram *d);

/*
 * Where an endpoint is, and whom it talks to. Each of the two is given in one
 * way at most, else HEM_EINVAL: numeric host and port; an address; or the path
 * of a Unix socket, "@name" for an abstract one. Without a place of its own it
 * gets one that is free, of the peer's kind; without either, or with a port
 * only, all addresses of the machine: IPv6 and IPv4 where it has both.
 */
typedef struct hem_datagram_options {
    const char *host;         /* here: numeric; NULL: all addresses */
    uint16_t port;            /* 0: a free one */
    const hem_address *local; /* here */
    const char *path;         /* here: a file that is made, and removed at the
                           close; a stale one is replaced */
    mode_t mode;              /* permissions of that; 0: those of the umask */
    const char *peer_host; /* connect: datagrams of others are not received */
    uint16_t peer_port;
    const hem_address *peer;
    const char *peer_path;
    int fd;     /* adopt this datagram socket as it is: nothing else is used;
                   0: open one. Closed with the endpoint. */
    int family; /* AF_INET or AF_INET6, where nothing else tells;
                             0: both */
    bool broadcast;     /* broadcast addresses may be sent to */
    bool reuse_port;    /* others of the same user may share the port, and get
                             a part of the datagrams */
    bool reuse_address; /* anybody may share the port: for multicast only,
                             where each gets all; else datagrams can be stolen */
    bool errors;        /* tell of refusals as said above; not for Unix */
    int receive_buffer; /* bytes in the kernel; 0: its default */
    int send_buffer;
    const char
        *multicast_interface; /* to send by: "eth0"; NULL: by the route */
    uint8_t multicast_ttl;    /* how many routers may pass it on; 0: 1, none */
    bool multicast_silent; /* members on this machine do not get what is sent */
} hem_datagram_options;

/*
 * Open an endpoint. Names of hosts are not looked up (hem_resolve() does).
 * HEM_EINVAL: see above, or no numeric host, or an interface that is not there,
 * or `.fd` is no datagram socket; HEM_ENAMETOOLONG: a path of 108 bytes or more;
 * HEM_EADDRINUSE: also a path where somebody listens; HEM_EEXIST: one that is
 * no socket, or `.fd` is the loop's already;
 * HEM_EADDRNOTAVAIL, HEM_EACCES, HEM_EAFNOSUPPORT; of connecting:
 * HEM_ENETUNREACH, HEM_ECONNREFUSED and HEM_ENOENT (Unix), HEM_EACCES (a
 * broadcast address without leave); HEM_EMFILE, HEM_ENFILE, HEM_ENOBUFS,
 * HEM_ENOMEM. `d` is then closed, and `.fd` is open. [loop thread]
 */
HEM_API HEM_CHECK int hem_datagram_open(hem_datagram *d,
                                        const hem_datagram_options *opts);

/* Close it. What was sent is on its way; what was not received is dropped. NULL
 * does nothing; HEM_EBADF: not open, or closed already. [loop thread] */
HEM_API int hem_datagram_close(hem_datagram *d);

/* Return the address that it is bound to, or its peer's. HEM_EBADF;
 * HEM_ENOTCONN: it has no peer. [loop thread] */
HEM_API HEM_CHECK int hem_datagram_address(const hem_datagram *d,
                                           hem_address *ret);
HEM_API HEM_CHECK int hem_datagram_peer(const hem_datagram *d,
                                        hem_address *ret);

/* Return its descriptor, to set options of the socket, not to close. HEM_EBADF.
 * [loop thread] */
HEM_API HEM_CHECK int hem_datagram_fd(const hem_datagram *d);

/*
 * Send a datagram to the peer; returns `size`. Suspends while there is no room:
 * in the kernel's buffer, or, Unix, at the receiver. HEM_EDESTADDRREQ: it has
 * no peer; HEM_EMSGSIZE: larger than any can be; HEM_ECONNREFUSED,
 * HEM_EHOSTUNREACH: see above; HEM_ENETUNREACH, HEM_EPERM (a firewall),
 * HEM_ENOBUFS, ... In all cases nothing was sent. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_datagram_send(hem_datagram *d, const void *buf,
                                            size_t size);

/* Send a datagram to an address. HEM_EISCONN: it has a peer; HEM_EAFNOSUPPORT,
 * HEM_EINVAL: an address of another kind, or no port; HEM_EACCES: a broadcast
 * address; Unix: HEM_ENOENT, HEM_ECONNREFUSED; otherwise as
 * hem_datagram_send(). [suspends] [cancel point] */
HEM_API HEM_CHECK ssize_t hem_datagram_send_to(hem_datagram *d, const void *buf,
                                               size_t size,
                                               const hem_address *to);

/* What there is to know of a datagram. */
typedef struct hem_datagram_info {
    size_t size;    /* its bytes, all of them */
    bool truncated; /* not all had room: the rest is lost */
} hem_datagram_info;

/*
 * Receive a datagram: wait for one and return how many of its bytes are in
 * `buf`, at most `size`. From whom into `*ret_from`, an IPv4 sender always as
 * IPv4 (length 0: a Unix socket without name); `ret_from` and `ret` may be NULL.
 * HEM_EMSGSIZE: it was larger than `size`, and no `ret` was given to say so; it
 * is consumed. HEM_ECONNREFUSED, HEM_EHOSTUNREACH, ...: see above; go on.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_datagram_receive_from(hem_datagram *d, void *buf,
                                                    size_t size,
                                                    hem_address *ret_from,
                                                    hem_datagram_info *ret);

/* The same where it does not matter from whom. [suspends] [cancel point] */
HEM_API HEM_CHECK ssize_t hem_datagram_receive(hem_datagram *d, void *buf,
                                               size_t size);

/* One of many. */
typedef struct hem_datagram_message {
    void *data;             /* the caller's memory; not written to by sending */
    size_t size;            /* of it: to be sent, or room to receive */
    hem_address address;    /* to whom (length 0: the peer), or from whom */
    ssize_t status;         /* bytes sent, or in `data`; or an error */
    hem_datagram_info info; /* of what was received */
} hem_datagram_message;

/*
 * Receive up to `count` datagrams with one system call, as soon as there is
 * one; returns how many, at most 64. `status` and `info` of each are as
 * hem_datagram_receive_from() tells: one that is too large fails nobody.
 * HEM_EINVAL: count 0. HEM_ECONNREFUSED, ...: see above. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_datagram_receive_many(
    hem_datagram *d, hem_datagram_message *messages, size_t count);

/*
 * Send `count` datagrams, in as few system calls as can be. One that cannot be
 * sent (HEM_EMSGSIZE, HEM_EHOSTUNREACH, ...) keeps nobody else: its `status` is
 * the error, and the next ones are sent. Returns how many were sent; the error
 * of the first if none was. HEM_ECANCELED, HEM_EBADF (closed meanwhile): the
 * `status` of those that were not tried is that error, of the others as it was.
 * HEM_EINVAL: count 0. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_datagram_send_many(hem_datagram *d,
                                                 hem_datagram_message *messages,
                                                 size_t count);

/* Which members of a group, and by which interface. */
typedef struct hem_datagram_group_options {
    const char *interface; /* "eth0"; NULL: the kernel chooses */
    const hem_address
        *source; /* receive what this host sends only; NULL: all */
} hem_datagram_group_options;

/*
 * Become a member of the multicast group of that address (its port does not
 * matter), or leave it. The endpoint is bound to the port, and to all addresses
 * or to the group's; it then receives of its own groups only. HEM_EINVAL: no
 * multicast address, or of the wrong kind, or no such interface; HEM_ENODEV: no
 * route; HEM_EADDRINUSE: a member already; HEM_EADDRNOTAVAIL: not a member;
 * HEM_ENOBUFS: too many groups; HEM_ENOMEM. [loop thread]
 */
HEM_API HEM_CHECK int hem_datagram_join(hem_datagram *d,
                                        const hem_address *group,
                                        const hem_datagram_group_options *opts);
HEM_API HEM_CHECK int
hem_datagram_leave(hem_datagram *d, const hem_address *group,
                   const hem_datagram_group_options *opts);

/* Tell what the last error was about that receiving returned on an endpoint
 * with `.errors`. HEM_ESTATE: there was none. [loop thread] */
HEM_API HEM_CHECK int hem_datagram_get_error(const hem_datagram *d,
                                             hem_datagram_error *ret);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: receiving and sending one.
 *
 * A system call for each; that a socket is empty only EAGAIN tells. An error
 * that comes back from the network makes the descriptor ready as a hang-up does,
 * but passes: receiving forgets it when nothing is left. Only receiving does,
 * for sending must not take it away from who receives.
 *
 * With `.errors` the kernel queues what comes back, with the address it is about
 * (IP_RECVERR), besides making the next call fail. That call is made again if it
 * sends; receiving takes an entry off the queue, and if there are more the
 * kernel makes a call fail again.
 */
#include "io/datagram.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>

#include "base/sys.h"
#include "hem/task.h"

/* Of waiting for room at a Unix receiver that we are not connected to. */
#define ROOM_WAIT_MIN (HEM_MSEC / 4)
#define ROOM_DOUBLED  7
/* Errors that may be of earlier datagrams; the next one is of this. */
#define FORGIVEN_MAX 2

static bool *busy_mark(hem_datagram *d, uint8_t direction)
{
    return direction == HEM__FD_READ ? &d->reading : &d->writing;
}

int hem__datagram_begin(hem__datagram_call *c, hem_datagram *d,
                        uint8_t direction, const char *function)
{
    if (!hem__fd_is_open(&d->fd))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need(function);
    *c = (hem__datagram_call){.loop = l,
                              .fiber = hem__fiber_need(l, function),
                              .datagram = d,
                              .direction = direction};
    if (*busy_mark(d, direction))
        return HEM_EBUSY;
    *busy_mark(d, direction) = true;
    int rc = hem__io_checkpoint(l, c->fiber);
    if (rc == 0 && !hem__fd_is_open(&d->fd))
        rc = HEM_EBADF;
    if (rc < 0)
        *busy_mark(d, direction) = false;
    return rc;
}

ssize_t hem__datagram_end(hem__datagram_call *c, ssize_t result)
{
    *busy_mark(c->datagram, c->direction) = false;
    return result;
}

void hem__datagram_unmap(hem_address *a)
{
    struct sockaddr_in6 in6;
    if (a->storage.ss_family != AF_INET6)
        return;
    memcpy(&in6, &a->storage, sizeof(in6));
    if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
        return;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = in6.sin6_port};
    memcpy(&in4.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in4.sin_addr));
    memset(&a->storage, 0, sizeof(in6));
    memcpy(&a->storage, &in4, sizeof(in4));
    a->length = sizeof(in4);
}

/* Errors that came back. */

static void read_entry(hem_datagram_error *e, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        bool right =
            (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
        struct sock_extended_err x;
        if (!right || c->cmsg_len < CMSG_LEN(sizeof(x)))
            continue;
        memcpy(&x, CMSG_DATA(c), sizeof(x));
        e->code = -(int)x.ee_errno;
        e->mtu = x.ee_errno == EMSGSIZE ? x.ee_info : 0;
        size_t rest = c->cmsg_len - CMSG_LEN(sizeof(x));
        if (rest > sizeof(e->reporter.storage))
            rest = sizeof(e->reporter.storage);
        memcpy(&e->reporter.storage, CMSG_DATA(c) + sizeof(x), rest);
        bool is_known = e->reporter.storage.ss_family != AF_UNSPEC;
        e->reporter.length = is_known ? (socklen_t)rest : 0;
        hem__datagram_unmap(&e->reporter);
    }
}

/* Take an entry off the queue of errors; returns its code, 0: it is empty. */
static int take_error(hem_datagram *d)
{
    hem_datagram_error e = {.code = 0};
    union {
        struct cmsghdr align;
        char bytes[512];
    } control;
    struct msghdr m = {.msg_name = &e.peer.storage,
                       .msg_namelen = sizeof(e.peer.storage),
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};
    ssize_t rc;
    do {
        rc = hem__sys_recvmsg(d->fd.fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
    } while (rc == HEM_EINTR);
    if (rc < 0)
        return rc == HEM_EAGAIN ? 0 : (int)rc;
    e.peer.length = m.msg_namelen;
    hem__datagram_unmap(&e.peer);
    read_entry(&e, &m);
    if (e.code)
        d->error = e;
    return e.code;
}

int hem_datagram_get_error(const hem_datagram *d, hem_datagram_error *ret)
{
    if (d->error.code == 0)
        return HEM_ESTATE;
    *ret = d->error;
    return 0;
}

/* Waiting. */

/* The receiver has no room, of which nothing tells: try now and then. */
static int wait_for_room(hem__datagram_call *c)
{
    uint32_t gen = c->datagram->fd.gen;
    HEM_TRY(hem_sleep(ROOM_WAIT_MIN << c->waits));
    if (c->waits < ROOM_DOUBLED)
        c->waits++;
    const hem__fd *fd = &c->datagram->fd;
    return hem__fd_is_open(fd) && fd->gen == gen ? 1 : HEM_EBADF;
}

static int wait_ready(hem__datagram_call *c)
{
    hem_datagram *d = c->datagram;
    bool reads = c->direction == HEM__FD_READ;
    if (reads && d->errors && d->fd.ready & HEM__FD_HANGUP) {
        int error = take_error(d);
        if (error)
            return error;
    }
    hem__fd_exhausted(&d->fd,
                      reads ? HEM__FD_READ | HEM__FD_HANGUP : HEM__FD_WRITE);
    HEM_TRY(hem__fd_wait(c->loop, c->fiber, &d->fd, c->direction));
    return 1;
}

int hem__datagram_retry(hem__datagram_call *c, int rc)
{
    hem_datagram *d = c->datagram;
    bool reads = c->direction == HEM__FD_READ;
    if (rc == HEM_EINTR)
        return 1;
    if (rc == HEM_EAGAIN && !reads && d->local && !d->connected)
        return wait_for_room(c);
    if (rc == HEM_EAGAIN)
        return wait_ready(c);
    if (!d->errors)
        return rc;
    int error = reads ? take_error(d) : 0;
    if (error)
        return error;
    return c->forgiven++ < FORGIVEN_MAX ? 1 : rc;
}

/* Receiving. */

static ssize_t receive_now(hem_datagram *d, void *buf, size_t size,
                           hem_address *from)
{
    from->length = sizeof(from->storage);
    from->storage.ss_family = AF_UNSPEC;
    return hem__sys_recvfrom(d->fd.fd, buf, size, MSG_TRUNC,
                             (struct sockaddr *)&from->storage, &from->length);
}

ssize_t hem_datagram_receive_from(hem_datagram *d, void *buf, size_t size,
                                  hem_address *ret_from, hem_datagram_info *ret)
{
    hem__datagram_call c;
    HEM_TRY(
        hem__datagram_begin(&c, d, HEM__FD_READ, "hem_datagram_receive_from"));
    hem_address from;
    int rc;
    ssize_t n =
        hem__datagram_may(&c) ? receive_now(d, buf, size, &from) : HEM_EAGAIN;
    while (n < 0) {
        rc = hem__datagram_retry(&c, (int)n);
        if (rc < 0)
            return hem__datagram_end(&c, rc);
        n = receive_now(d, buf, size, &from);
    }
    bool truncated = (size_t)n > size;
    if (truncated && !ret)
        return hem__datagram_end(&c, HEM_EMSGSIZE);
    if (ret)
        *ret = (hem_datagram_info){.size = (size_t)n, .truncated = truncated};
    if (ret_from) {
        hem__datagram_unmap(&from);
        *ret_from = from;
    }
    return hem__datagram_end(&c, truncated ? (ssize_t)size : n);
}

ssize_t hem_datagram_receive(hem_datagram *d, void *buf, size_t size)
{
    return hem_datagram_receive_from(d, buf, size, NULL, NULL);
}

/* Sending. */

int hem__datagram_check_to(const hem_datagram *d, const hem_address *to)
{
    if (to)
        return d->connected ? HEM_EISCONN : 0;
    return d->connected ? 0 : HEM_EDESTADDRREQ;
}

static ssize_t send_now(hem_datagram *d, const void *buf, size_t size,
                        const hem_address *to)
{
    return hem__sys_sendto(d->fd.fd, buf, size, MSG_NOSIGNAL,
                           to ? (const struct sockaddr *)&to->storage : NULL,
                           to ? to->length : 0);
}

static ssize_t send_one(hem__datagram_call *c, const void *buf, size_t size,
                        const hem_address *to)
{
    hem_datagram *d = c->datagram;
    HEM_TRY(hem__datagram_check_to(d, to));
    ssize_t n = hem__datagram_may(c) ? send_now(d, buf, size, to) : HEM_EAGAIN;
    while (n < 0) {
        HEM_TRY(hem__datagram_retry(c, (int)n));
        n = send_now(d, buf, size, to);
    }
    return n;
}

ssize_t hem_datagram_send(hem_datagram *d, const void *buf, size_t size)
{
    hem__datagram_call c;
    HEM_TRY(hem__datagram_begin(&c, d, HEM__FD_WRITE, "hem_datagram_send"));
    return hem__datagram_end(&c, send_one(&c, buf, size, NULL));
}

ssize_t hem_datagram_send_to(hem_datagram *d, const void *buf, size_t size,
                             const hem_address *to)
{
    hem__datagram_call c;
    HEM_TRY(hem__datagram_begin(&c, d, HEM__FD_WRITE, "hem_datagram_send_to"));
    return hem__datagram_end(&c, send_one(&c, buf, size, to));
}

/* SPDX-License-Identifier: MIT */
/* Calls on sockets of others: try, and wait where that says EAGAIN. */
#include "hem/sock.h"

#include "base/sys.h"
#include "io/interest.h"

/* A call, from its beginning to its end. */
struct call {
    hem_loop *loop;
    hem__fiber *fiber;
    int fd;
};

static int begin(struct call *c, int fd, const char *function)
{
    c->loop = hem__loop_need(function);
    c->fiber = hem__fiber_need(c->loop, function);
    c->fd = fd;
    HEM_TRY(hem__interest_allowed(c->loop, fd));
    return hem__io_checkpoint(c->loop, c->fiber);
}

/* Whether to try again: interrupted, or ready by now. 0: `rc` is the result. */
static int again(const struct call *c, ssize_t rc, int events)
{
    if (rc == HEM_EINTR)
        return 1;
    if (rc != HEM_EAGAIN)
        return 0;
    return hem__interest_wait(c->loop, c->fiber, c->fd, events);
}

ssize_t hem_sock_recv(int fd, void *buf, size_t size)
{
    return hem_sock_recv_from(fd, buf, size, NULL);
}

ssize_t hem_sock_recv_from(int fd, void *buf, size_t size,
                           hem_address *ret_from)
{
    struct call c;
    HEM_TRY(begin(&c, fd, "hem_sock_recv_from"));
    hem_address from;
    ssize_t n;
    int rc;
    do {
        from = (hem_address){.length = sizeof(from.storage)};
        n = hem__sys_recvfrom(fd, buf, size, MSG_DONTWAIT,
                              (struct sockaddr *)&from.storage, &from.length);
        rc = again(&c, n, HEM_READABLE);
    } while (rc > 0);
    if (rc == 0 && n >= 0 && ret_from)
        *ret_from = from;
    return rc < 0 ? rc : n;
}

/* Send some; `to` may be NULL. */
static ssize_t send_some(const struct call *c, const void *buf, size_t size,
                         const hem_address *to)
{
    ssize_t n;
    int rc;
    do {
        n = hem__sys_sendto(c->fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL,
                            to ? (const struct sockaddr *)&to->storage : NULL,
                            to ? to->length : 0);
        rc = again(c, n, HEM_WRITABLE);
    } while (rc > 0);
    return rc < 0 ? rc : n;
}

ssize_t hem_sock_send(int fd, const void *buf, size_t size)
{
    struct call c;
    HEM_TRY(begin(&c, fd, "hem_sock_send"));
    return send_some(&c, buf, size, NULL);
}

int hem_sock_send_all(int fd, const void *buf, size_t size, size_t *ret_sent)
{
    size_t none;
    size_t *sent = ret_sent ? ret_sent : &none;
    *sent = 0;
    struct call c;
    HEM_TRY(begin(&c, fd, "hem_sock_send_all"));
    while (*sent < size) {
        ssize_t n =
            send_some(&c, (const char *)buf + *sent, size - *sent, NULL);
        if (n < 0)
            return (int)n;
        *sent += (size_t)n;
    }
    return 0;
}

ssize_t hem_sock_send_to(int fd, const void *buf, size_t size,
                         const hem_address *to)
{
    struct call c;
    HEM_TRY(begin(&c, fd, "hem_sock_send_to"));
    return send_some(&c, buf, size, to);
}

/* HEM_EINVAL: a call on it would block. */
static int check_non_blocking(int fd)
{
    int flags = hem__sys_fcntl_get(fd);
    if (flags < 0)
        return flags;
    return flags & O_NONBLOCK ? 0 : HEM_EINVAL;
}

int hem_sock_accept(int fd, hem_address *ret_peer)
{
    struct call c;
    HEM_TRY(begin(&c, fd, "hem_sock_accept"));
    HEM_TRY(check_non_blocking(fd));
    hem_address peer;
    int rc, accepted;
    do {
        peer = (hem_address){.length = sizeof(peer.storage)};
        accepted = hem__sys_accept4(fd, (struct sockaddr *)&peer.storage,
                                    &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        rc = again(&c, accepted, HEM_READABLE);
    } while (rc > 0);
    if (rc < 0)
        return rc;
    if (accepted >= 0 && ret_peer)
        *ret_peer = peer;
    return accepted;
}

int hem_sock_connect(int fd, const hem_address *to)
{
    struct call c;
    HEM_TRY(begin(&c, fd, "hem_sock_connect"));
    HEM_TRY(check_non_blocking(fd));
    int rc =
        hem__sys_connect(fd, (const struct sockaddr *)&to->storage, to->length);
    if (rc != HEM_EINPROGRESS)
        return rc;
    rc = hem__interest_wait(c.loop, c.fiber, fd, HEM_WRITABLE);
    if (rc < 0)
        return rc;
    int error = 0;
    socklen_t n = sizeof(error);
    HEM_TRY(hem__sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n));
    return -error;
}

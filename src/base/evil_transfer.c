/* SPDX-License-Identifier: MIT */
/* Evil I/O: calls that move bytes, accept and connect. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/evil_dice.h"
#include "base/sys.h" /* which has evil.h behind syscalls.h */
#include "hem/error.h"

#define FDS_MAX    65536
#define PIECES_MAX 16
#define FEW        7 /* bytes, at least now and then */

/* What may be done to calls on a descriptor. */
enum nature {
    LEAVE_ALONE,
    WHOLE,             /* blocking: not shortened, not EAGAIN */
    WHOLE_NONBLOCKING, /* datagrams: not shortened */
    STREAM_NONBLOCKING,
};

static enum nature nature_of(int fd, int flags, bool of_socket)
{
    struct stat st;
    if (!hem__evil_is_on() || fd >= FDS_MAX || fstat(fd, &st) < 0 ||
        flags & (MSG_PEEK | MSG_ERRQUEUE))
        return LEAVE_ALONE;
    bool is_socket = S_ISSOCK(st.st_mode);
    if (!is_socket && (of_socket || !S_ISFIFO(st.st_mode)))
        return LEAVE_ALONE; /* a file, or a mistake */
    int type = SOCK_STREAM;
    socklen_t n = sizeof(type);
    if (is_socket)
        (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n);
    bool nonblocking = fcntl(fd, F_GETFL) & O_NONBLOCK || flags & MSG_DONTWAIT;
    /* Blocking pipes and sockets take and give small messages whole. */
    if (type == SOCK_STREAM && nonblocking)
        return STREAM_NONBLOCKING;
    return nonblocking ? WHOLE_NONBLOCKING : WHOLE;
}

/* Whether the edge of room would come. A socket with little room left has none
 * for epoll, and takes bytes nevertheless. */
static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) > 0;
}

/* How many of `n` to move; a negative error: the call is not to be made. */
static ssize_t plan(int fd, enum nature nature, size_t n)
{
    if (nature == LEAVE_ALONE || n == 0 || !hem__evil_now())
        return (ssize_t)n;
    if (hem__evil_interrupts())
        return HEM_EINTR;
    bool nonblocking =
        nature == STREAM_NONBLOCKING || nature == WHOLE_NONBLOCKING;
    if (nonblocking && hem__evil_below(2) == 0) {
        (void)hem__evil_rearm(fd);
        return HEM_EAGAIN;
    }
    if (nature == WHOLE || nature == WHOLE_NONBLOCKING || n == 1)
        return (ssize_t)n;
    uint64_t most = hem__evil_below(2) && n > FEW ? FEW : n - 1;
    return (ssize_t)(1 + hem__evil_below(most));
}

/* The same for a write. Without an edge to come there is no EAGAIN. */
static ssize_t plan_write(int fd, enum nature nature, size_t n)
{
    ssize_t part = plan(fd, nature, n);
    return part == HEM_EAGAIN && !has_room(fd) ? (ssize_t)n : part;
}

/* Whether a write that was made for `part` of `n`, and went, is to go on: no
 * edge would tell that there is room for the rest. */
static bool goes_on(int fd, ssize_t rc, size_t part, size_t n)
{
    return rc == (ssize_t)part && part < n && !has_room(fd);
}

/* Both parts of a write. */
static ssize_t sum(ssize_t rc, ssize_t more)
{
    return more > 0 ? rc + more : rc;
}

/* The result `rc` of a call that was made for `part` of `n`: there may be more
 * than hem will think. */
static ssize_t finish(int fd, ssize_t rc, size_t part, size_t n)
{
    if (rc < 0)
        return -errno;
    if (part < n)
        (void)hem__evil_rearm(fd);
    return rc;
}

ssize_t hem__evil_recv(int fd, void *p, size_t n, int flags)
{
    ssize_t part = plan(fd, nature_of(fd, flags, true), n);
    return part < 0
               ? part
               : finish(fd, recv(fd, p, (size_t)part, flags), (size_t)part, n);
}

ssize_t hem__evil_send(int fd, const void *p, size_t n, int flags)
{
    ssize_t part = plan_write(fd, nature_of(fd, flags, true), n);
    if (part < 0)
        return part;
    ssize_t rc = send(fd, p, (size_t)part, flags);
    if (goes_on(fd, rc, (size_t)part, n))
        rc = sum(rc, send(fd, (const char *)p + rc, n - (size_t)rc, flags));
    return finish(fd, rc, (size_t)part, n);
}

ssize_t hem__evil_read(int fd, void *p, size_t n)
{
    ssize_t part = plan(fd, nature_of(fd, 0, false), n);
    return part < 0 ? part
                    : finish(fd, read(fd, p, (size_t)part), (size_t)part, n);
}

ssize_t hem__evil_write(int fd, const void *p, size_t n)
{
    ssize_t part = plan_write(fd, nature_of(fd, 0, false), n);
    if (part < 0)
        return part;
    ssize_t rc = write(fd, p, (size_t)part);
    if (goes_on(fd, rc, (size_t)part, n))
        rc = sum(rc, write(fd, (const char *)p + rc, n - (size_t)rc));
    return finish(fd, rc, (size_t)part, n);
}

ssize_t hem__evil_sendfile(int out, int in, off_t *at, size_t n)
{
    ssize_t part = plan_write(out, nature_of(out, 0, false), n);
    if (part < 0)
        return part;
    ssize_t rc = sendfile(out, in, at, (size_t)part);
    if (goes_on(out, rc, (size_t)part, n))
        rc = sum(rc, sendfile(out, in, at, n - (size_t)rc));
    return finish(out, rc, (size_t)part, n);
}

static size_t length_of(const struct iovec *v, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += v[i].iov_len;
    return n;
}

/* The `size` bytes of `v`, which has few pieces, behind the first `skip`;
 * returns how many pieces that are. */
static size_t cut(struct iovec *ret, const struct iovec *v, size_t skip,
                  size_t size)
{
    size_t count = 0;
    for (; size > 0; v++) {
        size_t passed = skip < v->iov_len ? skip : v->iov_len;
        size_t n = v->iov_len - passed < size ? v->iov_len - passed : size;
        skip -= passed;
        size -= n;
        if (n > 0)
            ret[count++] = (struct iovec){(char *)v->iov_base + passed, n};
    }
    return count;
}

ssize_t hem__evil_recvmsg(int fd, struct msghdr *m, int flags)
{
    struct iovec pieces[PIECES_MAX];
    struct msghdr copy = *m;
    size_t n = length_of(m->msg_iov, m->msg_iovlen);
    bool fits = m->msg_iovlen <= PIECES_MAX && !m->msg_controllen;
    ssize_t part = fits ? plan(fd, nature_of(fd, flags, true), n) : (ssize_t)n;
    if (part < 0)
        return part;
    if ((size_t)part < n) {
        copy.msg_iov = pieces;
        copy.msg_iovlen = cut(pieces, m->msg_iov, 0, (size_t)part);
    }
    ssize_t rc = finish(fd, recvmsg(fd, &copy, flags), (size_t)part, n);
    m->msg_namelen = copy.msg_namelen;
    m->msg_controllen = copy.msg_controllen;
    m->msg_flags = copy.msg_flags;
    return rc;
}

ssize_t hem__evil_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct iovec pieces[PIECES_MAX];
    struct msghdr copy = *m;
    size_t n = length_of(m->msg_iov, m->msg_iovlen);
    bool fits = m->msg_iovlen <= PIECES_MAX && !m->msg_controllen;
    ssize_t part =
        fits ? plan_write(fd, nature_of(fd, flags, true), n) : (ssize_t)n;
    if (part < 0)
        return part;
    if ((size_t)part < n) {
        copy.msg_iov = pieces;
        copy.msg_iovlen = cut(pieces, m->msg_iov, 0, (size_t)part);
    }
    ssize_t rc = sendmsg(fd, &copy, flags);
    if (goes_on(fd, rc, (size_t)part, n)) {
        copy.msg_iov = pieces;
        copy.msg_iovlen = cut(pieces, m->msg_iov, (size_t)rc, n - (size_t)rc);
        rc = sum(rc, sendmsg(fd, &copy, flags));
    }
    return finish(fd, rc, (size_t)part, n);
}

ssize_t hem__evil_readv(int fd, const struct iovec *v, int n)
{
    struct iovec pieces[PIECES_MAX];
    size_t size = length_of(v, (size_t)n);
    ssize_t part = n > PIECES_MAX ? (ssize_t)size
                                  : plan(fd, nature_of(fd, 0, false), size);
    if (part < 0)
        return part;
    if ((size_t)part == size)
        return finish(fd, readv(fd, v, n), size, size);
    int count = (int)cut(pieces, v, 0, (size_t)part);
    return finish(fd, readv(fd, pieces, count), (size_t)part, size);
}

ssize_t hem__evil_writev(int fd, const struct iovec *v, int n)
{
    struct iovec pieces[PIECES_MAX];
    size_t size = length_of(v, (size_t)n);
    ssize_t part = n > PIECES_MAX
                       ? (ssize_t)size
                       : plan_write(fd, nature_of(fd, 0, false), size);
    if (part < 0)
        return part;
    if ((size_t)part == size)
        return finish(fd, writev(fd, v, n), size, size);
    int count = (int)cut(pieces, v, 0, (size_t)part);
    ssize_t rc = writev(fd, pieces, count);
    if (goes_on(fd, rc, (size_t)part, size)) {
        count = (int)cut(pieces, v, (size_t)rc, size - (size_t)rc);
        rc = sum(rc, writev(fd, pieces, count));
    }
    return finish(fd, rc, (size_t)part, size);
}

ssize_t hem__evil_recvfrom(int fd, void *p, size_t n, int flags,
                           struct sockaddr *a, socklen_t *length)
{
    ssize_t part = plan(fd, nature_of(fd, flags, true), n);
    if (part < 0)
        return part;
    return finish(fd, recvfrom(fd, p, (size_t)part, flags, a, length),
                  (size_t)part, n);
}

ssize_t hem__evil_sendto(int fd, const void *p, size_t n, int flags,
                         const struct sockaddr *a, socklen_t length)
{
    ssize_t part = plan_write(fd, nature_of(fd, flags, true), n);
    if (part < 0)
        return part;
    ssize_t rc = sendto(fd, p, (size_t)part, flags, a, length);
    if (goes_on(fd, rc, (size_t)part, n))
        rc = sum(rc, sendto(fd, (const char *)p + rc, n - (size_t)rc, flags, a,
                            length));
    return finish(fd, rc, (size_t)part, n);
}

/* Of a batch of datagrams any number may go. */
static ssize_t some_of(ssize_t planned, unsigned n)
{
    if (planned != (ssize_t)n || n < 2 || !hem__evil_now())
        return planned;
    return (ssize_t)(1 + hem__evil_below(n - 1));
}

int hem__evil_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    ssize_t part = some_of(plan(fd, nature_of(fd, flags, true), n), n);
    if (part < 0)
        return (int)part;
    return (int)finish(fd, recvmmsg(fd, m, (unsigned)part, flags, NULL),
                       (size_t)part, n);
}

int hem__evil_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    ssize_t part = some_of(plan_write(fd, nature_of(fd, flags, true), n), n);
    if (part < 0)
        return (int)part;
    ssize_t rc = sendmmsg(fd, m, (unsigned)part, flags);
    if (goes_on(fd, rc, (size_t)part, n))
        rc = sum(rc, sendmmsg(fd, m + rc, n - (unsigned)rc, flags));
    return (int)finish(fd, rc, (size_t)part, n);
}

int hem__evil_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    ssize_t part = plan(fd, nature_of(fd, 0, true), 1);
    if (part < 0)
        return (int)part;
    int listens = 0;
    socklen_t size = sizeof(listens);
    (void)getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (listens && hem__evil_now() && hem__evil_below(2))
        return HEM_ECONNABORTED;
    int rc = accept4(fd, a, n, flags);
    return rc < 0 ? -errno : rc;
}

int hem__evil_connect(int fd, const struct sockaddr *a, socklen_t n)
{
    int rc = connect(fd, a, n);
    rc = rc < 0 ? -errno : rc;
    /* One that is watched was asked before. */
    if ((rc == 0 || rc == HEM_EISCONN) && hem__evil_now() &&
        hem__evil_rearm(fd))
        return HEM_EALREADY;
    return rc;
}

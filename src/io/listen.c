/* SPDX-License-Identifier: MIT */
#include "io/listen.h"

#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "hem/loop.h"

#define DEFAULT_BACKLOG 4096
#define BACK_OFF_MIN    (10 * HEM_MSEC)
#define BACK_OFF_MAX    (500 * HEM_MSEC)
/* Errors in a row that are taken for those of single connections. */
#define PASS_OVER_MAX 16

static int set_option(int fd, int level, int name, int value)
{
    return hem__sys_setsockopt(fd, level, name, &value, sizeof(value));
}

static int bind_socket(int fd, const hem_address *a,
                       const hem_listen_options *o)
{
    HEM_TRY(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    if (o->reuse_port)
        HEM_TRY(set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1));
    if (a->storage.ss_family == AF_INET6)
        HEM_TRY(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->ipv6_only));
    HEM_TRY(hem__sys_bind(fd, (const struct sockaddr *)&a->storage, a->length));
    return hem__sys_listen(fd, o->backlog > 0 ? o->backlog : DEFAULT_BACKLOG);
}

static int open_socket(int *ret, const char *host, uint16_t port,
                       const hem_listen_options *o)
{
    hem_address a;
    HEM_TRY(hem_address_parse(&a, host, port));
    int fd = hem__sys_socket(a.storage.ss_family,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int rc = bind_socket(fd, &a, o);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *ret = fd;
    return 0;
}

int hem_listen_socket(int *ret_fd, const char *host, uint16_t port,
                      const hem_listen_options *opts)
{
    static const hem_listen_options defaults;
    const hem_listen_options *o = opts ? opts : &defaults;
    if (host)
        return open_socket(ret_fd, host, port, o);
    int rc = open_socket(ret_fd, "::", port, o);
    if (rc == HEM_EAFNOSUPPORT || rc == HEM_EADDRNOTAVAIL)
        rc = open_socket(ret_fd, "0.0.0.0", port, o);
    return rc;
}

/* Check that `fd` is a listening socket, and make it fit for a loop. */
static int adopt(int fd)
{
    int listening = 0;
    socklen_t n = sizeof(listening);
    HEM_TRY(hem__sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n));
    if (!listening)
        return HEM_EINVAL;
    int flags = hem__sys_fcntl_get(fd);
    if (flags < 0)
        return flags;
    if (!(flags & O_NONBLOCK))
        HEM_TRY(hem__sys_fcntl_set(fd, flags | O_NONBLOCK));
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

int hem_listen(hem_listener *l, const char *host, uint16_t port,
               const hem_listen_options *opts)
{
    hem_loop *loop = hem__loop_need("hem_listen");
    int fd = opts ? opts->fd : 0;
    if (fd < 0)
        return HEM_EBADF;
    int rc = fd > 0 ? adopt(fd) : hem_listen_socket(&fd, host, port, opts);
    if (rc < 0)
        return rc;
    memset(l, 0, sizeof(*l));
    rc = hem__fd_init(loop, &l->fd, fd);
    if (rc < 0) {
        if (!opts || opts->fd == 0)
            close(fd);
        return rc;
    }
    l->limit = opts ? opts->limit : 0;
    return 0;
}

int hem_listener_address(const hem_listener *l, hem_address *ret)
{
    return hem__fd_is_open(&l->fd) ? hem_address_of_socket(ret, l->fd.fd)
                                   : HEM_EBADF;
}

int hem_listener_close(hem_listener *l)
{
    if (!l)
        return 0;
    if (!hem__fd_is_open(&l->fd))
        return HEM_EBADF;
    hem_loop *loop = hem__loop_need("hem_listener_close");
    hem__fd_unregister(loop, &l->fd); /* others may hold the socket */
    int rc = hem__fd_close(loop, &l->fd);
    hem__listener_resume(l);
    return rc;
}

void hem__listener_cleanup(hem_listener *l)
{
    (void)hem_listener_close(l);
}

void hem__listener_resume(hem_listener *l)
{
    if (l->pausing && !hem_future_done(&l->pause))
        (void)!hem_future_set_result(&l->pause, 0);
}

static void pause_over(void *arg)
{
    hem__listener_resume(arg);
}

int hem__listener_pause(hem_listener *l, hem_ns d)
{
    if (!hem__fd_is_open(&l->fd))
        return HEM_EBADF;
    hem_callback over;
    hem_callback_init(&over, pause_over, l);
    hem_future_init(&l->pause);
    int rc;
    if (d != HEM_NEVER && hem_call_later(&over, d) < 0) {
        rc = hem_sleep(d); /* needs no memory, but a close does not end it */
    } else {
        l->pausing = true;
        rc = hem_future_wait(&l->pause);
        l->pausing = false;
        (void)hem_callback_cancel(&over);
    }
    if (rc < 0)
        return rc;
    return hem__fd_is_open(&l->fd) ? 0 : HEM_EBADF;
}

/* Whether accept may succeed once others have closed descriptors. */
static bool exhausted(int error)
{
    return error == HEM_EMFILE || error == HEM_ENFILE || error == HEM_ENOBUFS ||
           error == HEM_ENOMEM;
}

/* Whether the error is of the listener, not of one connection in its queue. */
static bool fatal(int error)
{
    return error == HEM_EBADF || error == HEM_EINVAL || error == HEM_ENOTSOCK ||
           error == HEM_EFAULT;
}

static int back_off(hem_listener *l, int error)
{
    if (l->back_off == 0) {
        l->back_off = BACK_OFF_MIN;
        hem_log(HEM_LOG_WARNING, "accept: %s: pausing", hem_errname(error));
    } else if (l->back_off < BACK_OFF_MAX) {
        l->back_off *= 2;
        if (l->back_off > BACK_OFF_MAX)
            l->back_off = BACK_OFF_MAX;
    }
    return hem__listener_pause(l, l->back_off);
}

static int accept_loop(hem_loop *loop, hem__fiber *f, hem_listener *l)
{
    uint32_t passed_over = 0;
    for (;;) {
        if (!hem__fd_is_open(&l->fd))
            return HEM_EBADF;
        int rc = HEM_EAGAIN;
        if (hem__fd_may(&l->fd, HEM__FD_READ))
            rc = hem__sys_accept4(l->fd.fd, NULL, NULL,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (rc >= 0) {
            l->back_off = 0;
            return rc;
        }
        if (rc == HEM_EAGAIN) {
            passed_over = 0;
            l->back_off = 0;
            hem__fd_exhausted(&l->fd, HEM__FD_READ);
            HEM_TRY(hem__fd_wait(loop, f, &l->fd, HEM__FD_READ));
        } else if (fatal(rc)) {
            return rc;
        } else if (exhausted(rc) || ++passed_over > PASS_OVER_MAX) {
            HEM_TRY(back_off(l, rc));
        }
    }
}

int hem__accept_fd(hem_loop *loop, hem__fiber *f, hem_listener *l)
{
    HEM_TRY(hem__io_checkpoint(loop, f));
    return accept_loop(loop, f, l);
}

int hem_accept(hem_listener *l, hem_stream *s)
{
    if (!hem__fd_is_open(&l->fd))
        return HEM_EBADF;
    hem_loop *loop = hem__loop_need("hem_accept");
    hem__fiber *f = hem__fiber_need(loop, "hem_accept");
    if (l->accepting)
        return HEM_EBUSY;
    l->accepting = true;
    int fd = hem__accept_fd(loop, f, l);
    l->accepting = false;
    if (fd < 0)
        return fd;
    int rc = hem__stream_init(loop, s, fd, l->limit);
    if (rc < 0)
        close(fd);
    else
        hem__tcp_tune(fd);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* Connecting by TCP: to each address of the name in turn. */
#include <string.h>

#include "base/sys.h"
#include "hem/connect.h"
#include "io/stream.h"

#define ADDRESSES_MAX 16

/*
 * Wait until the connect to `a` under way on `d` is through. To ask for it again
 * tells how it went: HEM_EALREADY, not yet; 0 or HEM_EISCONN, connected; or the
 * error.
 */
static int finish(hem_loop *l, hem__fiber *f, hem__fd *d, const hem_address *a)
{
    d->ready = 0;
    for (;;) {
        HEM_TRY(hem__fd_wait(l, f, d, HEM__FD_WRITE));
        int rc = hem__sys_connect(d->fd, (const struct sockaddr *)&a->storage,
                                  a->length);
        if (rc == 0 || rc == HEM_EISCONN)
            return 0;
        if (rc != HEM_EALREADY)
            return rc;
        hem__fd_exhausted(d, HEM__FD_WRITE); /* woken too early */
    }
}

/* Whether the socket is connected to itself: where nobody listens on a port of
 * this machine, the kernel may have chosen that very port for our end. */
static bool is_itself(int fd, const hem_address *peer)
{
    hem_address local;
    return hem_address_of_socket(&local, fd) == 0 &&
           hem_address_port(&local) == hem_address_port(peer) &&
           local.length == peer->length &&
           memcmp(&local.storage, &peer->storage, peer->length) == 0;
}

/* Open `s`, of which only the limit is set, by connecting to `a`. */
static int connect_to(hem_loop *l, hem__fiber *f, hem_stream *s,
                      const hem_address *a)
{
    uint32_t limit = s->limit;
    int fd = hem__sys_socket(a->storage.ss_family,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int rc = hem__stream_init(l, s, fd, limit);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    hem__tcp_tune(fd);
    rc = hem__sys_connect(fd, (const struct sockaddr *)&a->storage, a->length);
    if (rc == HEM_EINPROGRESS)
        rc = finish(l, f, &s->fd, a);
    if (rc == 0 && is_itself(fd, a))
        rc = HEM_ECONNREFUSED;
    if (rc < 0)
        hem__fd_close(l, &s->fd);
    return rc;
}

int hem_connect(hem_stream *s, const char *host, uint16_t port,
                const hem_connect_options *opts)
{
    hem_loop *l = hem__loop_need("hem_connect");
    hem__fiber *f = hem__fiber_need(l, "hem_connect");
    hem_address addresses[ADDRESSES_MAX];
    *s = (hem_stream){.limit = opts ? opts->limit : 0};
    ssize_t count = hem_resolve(addresses, ADDRESSES_MAX, host, port);
    if (count < 0)
        return (int)count;
    if (count > ADDRESSES_MAX)
        count = ADDRESSES_MAX;
    int rc = HEM_ENAME;
    for (ssize_t i = 0; i < count; i++) {
        rc = connect_to(l, f, s, &addresses[i]);
        if (rc == 0 || rc == HEM_ECANCELED || rc == HEM_EBADF)
            break;
    }
    return rc;
}

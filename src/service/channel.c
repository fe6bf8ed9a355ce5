/* SPDX-License-Identifier: MIT */
#include "service/channel.h"

#include <string.h>

#include "base/sys.h"
#include "loop/fd.h"

#define RETRY_IN (10 * HEM_MSEC)

static void send_kept(void *arg)
{
    hem__channel *c = arg;
    c->keeps = false;
    (void)!hem__channel_send(c, &c->kept);
}

int hem__channel_open(hem__channel *c, int fd)
{
    hem_loop *l = hem__loop_need("hem__channel_open");
    hem_callback_init(&c->retry, send_kept, c);
    c->keeps = false;
    int rc = hem__fd_init(l, &c->fd, fd);
    if (rc < 0) {
        c->fd.loop_id = 0;
        close(fd);
        return rc;
    }
    rc = hem__fd_watch(l, &c->fd, HEM__FD_READ);
    if (rc < 0)
        (void)hem__fd_close(l, &c->fd);
    return rc;
}

int hem__channel_send_raw(int fd, const hem__message *m)
{
    ssize_t rc;
    do {
        rc = hem__sys_send(fd, m, sizeof(*m), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (rc == HEM_EINTR);
    if (rc == HEM_ECONNRESET) /* it went with messages unread */
        return HEM_EPIPE;
    return rc < 0 ? (int)rc : 0;
}

static int keep(hem__channel *c, const hem__message *m)
{
    HEM_TRY(hem_call_later(&c->retry, RETRY_IN));
    c->keeps = true;
    if (m != &c->kept)
        c->kept = *m;
    return 0;
}

int hem__channel_send(hem__channel *c, const hem__message *m)
{
    if (!hem__fd_is_open(&c->fd))
        return HEM_EBADF;
    if (c->keeps)
        return HEM_EAGAIN;
    int rc = hem__channel_send_raw(c->fd.fd, m);
    bool full = rc == HEM_EAGAIN || rc == HEM_ENOBUFS || rc == HEM_ENOMEM;
    return full ? keep(c, m) : rc;
}

int hem__channel_try_receive(hem__channel *c, hem__message *ret)
{
    if (!hem__fd_is_open(&c->fd))
        return HEM_EBADF;
    hem__message m;
    bool reset = false;
    for (;;) {
        ssize_t n =
            hem__sys_recv(c->fd.fd, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);
        if (n == HEM_EAGAIN)
            hem__fd_exhausted(&c->fd, HEM__FD_READ);
        if (n == 0 || (n == HEM_ECONNRESET && reset))
            return 0;
        /* The kernel tells once that the other side went with messages
         * unread; what that has sent itself comes after it. */
        reset = reset || n == HEM_ECONNRESET;
        if (n == HEM_EINTR || n == HEM_ECONNRESET)
            continue;
        if (n < 0)
            return (int)n;
        if ((size_t)n != sizeof(m))
            continue; /* of nobody that we know */
        m.text[sizeof(m.text) - 1] = '\0';
        *ret = m;
        return 1;
    }
}

int hem__channel_receive(hem__channel *c, hem__message *ret)
{
    hem_loop *l = hem__loop_need("hem__channel_receive");
    hem__fiber *f = hem__fiber_need(l, "hem__channel_receive");
    HEM_TRY(hem__io_checkpoint(l, f));
    for (;;) {
        int rc = hem__channel_try_receive(c, ret);
        if (rc != HEM_EAGAIN)
            return rc;
        HEM_TRY(hem__fd_wait(l, f, &c->fd, HEM__FD_READ));
    }
}

void hem__channel_close(hem__channel *c)
{
    if (!hem__fd_is_open(&c->fd))
        return;
    (void)hem_callback_cancel(&c->retry);
    (void)hem__fd_close(hem__loop, &c->fd);
}

void hem__message_make(hem__message *ret, hem__message_kind kind, int code,
                       const char *text)
{
    memset(ret, 0, sizeof(*ret));
    ret->kind = kind;
    ret->code = code;
    if (text)
        memcpy(ret->text, text, strnlen(text, sizeof(ret->text) - 1));
}

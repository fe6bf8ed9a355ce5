/* SPDX-License-Identifier: MIT */
/* Streams: writing. Nothing is kept: a write ends when the kernel has all. */
#include <stdint.h>
#include <time.h>

#include "base/sys.h"
#include "io/layer.h"
#include "io/stream.h"

/* A write call, from its beginning to its end. */
struct writing {
    hem_loop *loop;
    hem__fiber *fiber;
    hem_stream *stream;
};

static int begin_write(struct writing *w, hem_stream *s, const char *function)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    w->loop = hem__loop_need(function);
    w->fiber = hem__fiber_need(w->loop, function);
    w->stream = s;
    if (s->writing)
        return HEM_EBUSY;
    s->writing = true;
    int rc = hem__io_checkpoint(w->loop, w->fiber);
    if (rc == 0 && !hem__fd_is_open(&s->fd))
        rc = HEM_EBADF;
    if (rc < 0)
        s->writing = false;
    return rc;
}

static ssize_t end_write(struct writing *w, ssize_t result)
{
    w->stream->writing = false;
    return result;
}

/* Take note of what a call did; HEM_EAGAIN: the socket is full. */
static ssize_t account(hem_stream *s, ssize_t n)
{
    if (n == HEM_EAGAIN)
        hem__fd_exhausted(&s->fd, HEM__FD_WRITE);
    else if (n > 0)
        s->bytes_written += (uint64_t)n;
    return n;
}

/* sendfile and write raise SIGPIPE and have no flag against it: block it, and
 * take it back if it came. */
struct quiet {
    sigset_t before; /* the signal mask */
    bool was_pending;
};

static void quiet_begin(struct quiet *q)
{
    sigset_t pipe, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &q->before);
    sigpending(&pending);
    q->was_pending = sigismember(&pending, SIGPIPE) == 1;
}

static void quiet_end(const struct quiet *q, ssize_t result)
{
    if (result == HEM_EPIPE && !q->was_pending) {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        struct timespec now = {0};
        (void)sigtimedwait(&pipe, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

static ssize_t write_plain(hem_stream *s, const void *p, size_t size)
{
    struct quiet quiet;
    quiet_begin(&quiet);
    ssize_t n = hem__sys_write(s->fd.fd, p, size);
    quiet_end(&quiet, n);
    return n;
}

static ssize_t send_now(hem_stream *s, const void *p, size_t size)
{
    if (s->layer)
        return account(s, hem__layer_write(s->layer, p, size));
    ssize_t n;
    do {
        n = s->plain ? write_plain(s, p, size)
                     : hem__sys_send(s->fd.fd, p, size, MSG_NOSIGNAL);
    } while (n == HEM_EINTR);
    if (n >= 0 && (size_t)n < size)
        hem__fd_exhausted(&s->fd, HEM__FD_WRITE);
    return account(s, n);
}

ssize_t hem_stream_write(hem_stream *s, const void *buf, size_t size)
{
    struct writing w;
    HEM_TRY(begin_write(&w, s, "hem_stream_write"));
    const char *p = buf;
    size_t left = size;
    while (left > 0) {
        ssize_t n = HEM_EAGAIN;
        if (hem__fd_may(&s->fd, HEM__FD_WRITE))
            n = send_now(s, p, left);
        if (n == HEM_EAGAIN)
            n = hem__fd_wait(w.loop, w.fiber, &s->fd, HEM__FD_WRITE);
        if (n < 0)
            return end_write(&w, n);
        p += n;
        left -= (size_t)n;
    }
    return end_write(&w, (ssize_t)size);
}

static ssize_t send_file_now(hem_stream *s, int fd, off_t *offset, size_t size)
{
    struct quiet quiet;
    quiet_begin(&quiet);
    ssize_t n;
    do {
        n = hem__sys_sendfile(s->fd.fd, fd, offset, size);
    } while (n == HEM_EINTR);
    quiet_end(&quiet, n);
    /* Less than was asked for may be the end of the file: ask again. */
    return account(s, n);
}

ssize_t hem_stream_send_file(hem_stream *s, int fd, off_t offset, size_t size)
{
    struct writing w;
    HEM_TRY(begin_write(&w, s, "hem_stream_send_file"));
    if (s->layer)
        return end_write(&w, HEM_ENOTSUP);
    size_t left = size;
    while (left > 0) {
        ssize_t n = HEM_EAGAIN;
        if (hem__fd_may(&s->fd, HEM__FD_WRITE))
            n = send_file_now(s, fd, &offset, left);
        if (n == 0)
            return end_write(&w, HEM_EINCOMPLETE);
        if (n == HEM_EAGAIN)
            n = hem__fd_wait(w.loop, w.fiber, &s->fd, HEM__FD_WRITE);
        if (n < 0)
            return end_write(&w, n);
        left -= (size_t)n;
    }
    return end_write(&w, (ssize_t)size);
}

int hem_stream_shutdown_write(hem_stream *s)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    if (s->layer)
        return hem__layer_shutdown_write(s->layer);
    return hem__sys_shutdown(s->fd.fd, SHUT_WR);
}

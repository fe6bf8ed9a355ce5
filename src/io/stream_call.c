/* SPDX-License-Identifier: MIT */
/*
 * Streams: one call, for each kind that is no socket.
 *
 * On a thread, a call that has begun cannot be stopped, and its caller waits
 * for it also when it is cancelled: so nothing is written to memory that is
 * given back. What was read then goes back to the file, what was written is
 * counted. If the stream is closed meanwhile, its descriptor is closed by the
 * last such call: the thread must not meet another one of that number.
 */
#include <time.h>

#include "base/sys.h"
#include "hem/thread.h"
#include "io/layer.h"
#include "io/stream.h"

#define POLLED_MAX 4096 /* PIPE_BUF: where poll says yes, so much fits */

void hem__quiet_begin(struct hem__quiet *q)
{
    sigset_t pipe, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &q->before);
    q->was_pending = false;
    if (sigismember(&q->before, SIGPIPE) != 1)
        return; /* one that is not blocked does not pend */
    sigpending(&pending);
    q->was_pending = sigismember(&pending, SIGPIPE) == 1;
}

void hem__quiet_end(const struct hem__quiet *q, ssize_t result)
{
    if (result == HEM_EPIPE && !q->was_pending) {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        struct timespec now = {0};
        (void)sigtimedwait(&pipe, NULL, &now);
    }
    if (sigismember(&q->before, SIGPIPE) != 1)
        pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

static ssize_t write_quietly(int fd, const void *p, size_t size)
{
    struct hem__quiet quiet;
    ssize_t n;
    hem__quiet_begin(&quiet);
    do {
        n = hem__sys_write(fd, p, size);
    } while (n == HEM_EINTR);
    hem__quiet_end(&quiet, n);
    return n;
}

static ssize_t read_again(int fd, void *p, size_t size)
{
    ssize_t n;
    do {
        n = hem__sys_read(fd, p, size);
    } while (n == HEM_EINTR);
    return n;
}

/* Whether it will not wait. */
static int poll_now(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int rc;
    do {
        rc = hem__sys_poll(&p, 1, 0);
    } while (rc == HEM_EINTR);
    return rc == 0 ? HEM_EAGAIN : rc;
}

/* A call on a thread. */
struct file_call {
    int fd;
    void *to; /* NULL: it writes */
    const void *from;
    size_t size;
    ssize_t result;
    bool done;
};

static int call_file(void *arg)
{
    struct file_call *c = arg;
    c->result = c->to ? read_again(c->fd, c->to, c->size)
                      : write_quietly(c->fd, c->from, c->size);
    c->done = true;
    return 0;
}

static int call_on_thread(hem_stream *s, struct file_call *c)
{
    s->on_threads++;
    int rc = hem_thread_call(call_file, c, NULL);
    if (rc == HEM_EAGAIN) /* no thread: waiting for the file would not help */
        rc = HEM_ENOMEM;
    return hem__fd_is_open(&s->fd) ? rc : HEM_EBADF;
}

static void leave_thread(hem_stream *s)
{
    if (--s->on_threads == 0 && !hem__fd_is_open(&s->fd))
        hem__fd_close_late(hem__loop, &s->fd);
}

static ssize_t read_file(hem_stream *s, void *p, size_t size)
{
    struct file_call c = {.fd = s->fd.fd, .to = p, .size = size};
    struct iovec v = {.iov_base = p, .iov_len = size};
    ssize_t n = hem__sys_preadv2(s->fd.fd, &v, 1, -1, RWF_NOWAIT);
    if (n >= 0)
        return n; /* it was in memory */
    int rc = call_on_thread(s, &c);
    if (rc < 0 && c.done && c.result > 0)
        (void)hem__sys_lseek(c.fd, (off_t)-c.result, SEEK_CUR);
    leave_thread(s);
    return rc < 0 ? rc : c.result;
}

static ssize_t write_file(hem_stream *s, const void *p, size_t size)
{
    struct file_call c = {.fd = s->fd.fd, .from = p, .size = size};
    int rc = call_on_thread(s, &c);
    if (rc < 0 && c.done && c.result > 0)
        (void)hem__stream_wrote(s, c.result);
    leave_thread(s);
    return rc < 0 ? rc : c.result;
}

/* TCP and pipes give all they have. A Unix socket stops at descriptors that
 * the peer has sent along, a terminal at the end of a line. */
static uint8_t look_at_shorts(const hem_stream *s)
{
    struct stat st;
    int domain = AF_UNSPEC;
    socklen_t n = sizeof(domain);
    bool all;
    if (s->how == HEM__HOW_SOCKET)
        all = hem__sys_getsockopt(s->fd.fd, SOL_SOCKET, SO_DOMAIN, &domain,
                                  &n) == 0 &&
              (domain == AF_INET || domain == AF_INET6);
    else
        all = hem__sys_fstat(s->fd.fd, &st) == 0 && S_ISFIFO(st.st_mode);
    return all ? HEM__SHORTS_ALL : HEM__SHORTS_NOTHING;
}

void hem__stream_was_read(hem_stream *s, ssize_t n, size_t size)
{
    if (n != HEM_EAGAIN) {
        if (n < 0 || (size_t)n >= size)
            return;
        if (s->shorts == HEM__SHORTS_UNKNOWN)
            s->shorts = look_at_shorts(s);
        if (s->shorts == HEM__SHORTS_NOTHING)
            return;
    }
    hem__fd_exhausted(&s->fd, HEM__FD_READ);
}

static ssize_t read_plain(hem_stream *s, void *p, size_t size)
{
    ssize_t n = 0;
    if (s->how == HEM__HOW_POLLED)
        n = poll_now(s->fd.fd, POLLIN);
    if (n >= 0)
        n = read_again(s->fd.fd, p, size);
    hem__stream_was_read(s, n, size);
    return n;
}

static ssize_t write_plain(hem_stream *s, const void *p, size_t size)
{
    if (s->how == HEM__HOW_POLLED) {
        if (size > POLLED_MAX)
            size = POLLED_MAX;
        HEM_TRY(poll_now(s->fd.fd, POLLOUT));
    }
    return write_quietly(s->fd.fd, p, size);
}

ssize_t hem__stream_read_other(hem_stream *s, void *p, size_t size)
{
    switch (s->how) {
    case HEM__HOW_LAYER:
        return hem__layer_read(s->layer, p, size);
    case HEM__HOW_FILE:
        return read_file(s, p, size);
    case HEM__HOW_ENDED:
        return HEM_EBADF;
    default:
        return read_plain(s, p, size);
    }
}

/* What a layer took may be kept below: the last piece of a write waits until
 * it has gone. */
static ssize_t write_layer(hem_stream *s, const void *p, size_t size)
{
    ssize_t n = hem__layer_write(s->layer, p, size);
    if (n < 0 || (size_t)n < size)
        return n;
    int rc = hem__layer_drain(s->layer, 0);
    if (rc < 0)
        (void)hem__stream_wrote(s, n);
    return rc < 0 ? rc : n;
}

ssize_t hem__stream_write_other(hem_stream *s, const void *p, size_t size)
{
    if (s->how == HEM__HOW_LAYER)
        return write_layer(s, p, size);
    if (s->how == HEM__HOW_FILE)
        return write_file(s, p, size);
    return write_plain(s, p, size);
}

ssize_t hem__stream_write_now(hem_stream *s, const void *p, size_t size)
{
    ssize_t n;
    if (s->how != HEM__HOW_SOCKET) {
        n = write_plain(s, p, size);
    } else {
        do {
            n = hem__sys_send(s->fd.fd, p, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        } while (n == HEM_EINTR);
        if (n >= 0 && (size_t)n < size)
            hem__fd_exhausted(&s->fd, HEM__FD_WRITE);
    }
    return hem__stream_wrote(s, n);
}

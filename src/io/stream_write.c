/* SPDX-License-Identifier: MIT */
/* Streams: writing. Nothing is kept: a write ends when the kernel has all. */
#include <limits.h>
#include <stdint.h>

#include "base/sys.h"
#include "io/stream.h"

#define PIECES_MAX 32 /* that one call of the kernel is given */

int hem__stream_wait_write(hem__stream_call *w)
{
    hem_stream *s = w->stream;
    if (s->write_stall == 0)
        return hem__fd_wait(w->loop, w->fiber, &s->fd, HEM__FD_WRITE);
    return hem__fd_wait_for(w->loop, w->fiber, &s->fd, HEM__FD_WRITE,
                            s->write_stall * HEM_MSEC);
}

static inline ssize_t end_write(hem__stream_call *w, ssize_t result)
{
    hem_stream *s = w->stream;
    s->writing = HEM__USE_NONE;
    if (s->kept)
        hem__kept_resume(s);
    return result;
}

static inline int begin_write(hem__stream_call *w, hem_stream *s,
                              const char *function)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    if (s->writing)
        return hem__stream_unusable(s->writing);
    s->writing = HEM__USE_BUSY;
    int rc = hem__stream_enter(w, s, function);
    if (rc == 0 && s->kept)
        rc = hem__kept_first(w);
    return rc < 0 ? (int)end_write(w, rc) : 0;
}

int hem__stream_begin_write(hem__stream_call *w, hem_stream *s,
                            const char *function)
{
    return begin_write(w, s, function);
}

ssize_t hem__stream_end_write(hem__stream_call *w, ssize_t result)
{
    return end_write(w, result);
}

static ssize_t send_now(hem_stream *s, const void *p, size_t size)
{
    if (s->how != HEM__HOW_SOCKET)
        return hem__stream_wrote(s, hem__stream_write_other(s, p, size));
    ssize_t n;
    do {
        n = hem__sys_send(s->fd.fd, p, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n == HEM_EINTR);
    if (n >= 0 && (size_t)n < size)
        hem__fd_exhausted(&s->fd, HEM__FD_WRITE);
    return hem__stream_wrote(s, n);
}

static inline ssize_t write_all(hem__stream_call *w, const void *buf,
                                size_t size)
{
    hem_stream *s = w->stream;
    const char *p = buf;
    size_t left = size;
    while (left > 0) {
        ssize_t n = HEM_EAGAIN;
        if (hem__fd_may(&s->fd, HEM__FD_WRITE))
            n = send_now(s, p, left);
        if (n == HEM_EAGAIN)
            n = hem__stream_wait_write(w);
        if (n < 0)
            return n;
        p += n;
        left -= (size_t)n;
    }
    return (ssize_t)size;
}

ssize_t hem__stream_write_all(hem__stream_call *w, const void *p, size_t size)
{
    return write_all(w, p, size);
}

ssize_t hem_stream_write(hem_stream *s, const void *buf, size_t size)
{
    hem__stream_call w;
    HEM_TRY(begin_write(&w, s, "hem_stream_write"));
    if (size > SSIZE_MAX)
        return end_write(&w, HEM_EMSGSIZE);
    return end_write(&w, write_all(&w, buf, size));
}

/* Pieces of memory, of which some are written. */
struct pieces {
    const struct iovec *next;
    int count;
    size_t skip; /* so much of the next */
};

static void advance(struct pieces *p, size_t size)
{
    p->skip += size;
    while (p->count > 0 && p->skip >= p->next->iov_len) {
        p->skip -= p->next->iov_len;
        p->next++;
        p->count--;
    }
}

static ssize_t send_pieces(hem_stream *s, const struct pieces *p)
{
    struct iovec v[PIECES_MAX];
    int count = p->count < PIECES_MAX ? p->count : PIECES_MAX;
    for (int i = 0; i < count; i++)
        v[i] = p->next[i];
    v[0].iov_base = (char *)v[0].iov_base + p->skip;
    v[0].iov_len -= p->skip;
    if (s->how != HEM__HOW_SOCKET) {
        struct hem__quiet quiet;
        hem__quiet_begin(&quiet);
        ssize_t n = hem__sys_writev(s->fd.fd, v, count);
        hem__quiet_end(&quiet, n);
        return n;
    }
    struct msghdr m = {.msg_iov = v, .msg_iovlen = (size_t)count};
    return hem__sys_sendmsg(s->fd.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* One after the other. */
static int write_each(hem__stream_call *w, struct pieces *p)
{
    for (; p->count > 0; p->next++, p->count--) {
        HEM_TRY(hem__stream_write_all(w, p->next->iov_base, p->next->iov_len));
    }
    return 0;
}

static int write_pieces(hem__stream_call *w, struct pieces *p)
{
    hem_stream *s = w->stream;
    if (s->how != HEM__HOW_SOCKET && s->how != HEM__HOW_PLAIN)
        return write_each(w, p);
    advance(p, 0);
    while (p->count > 0) {
        ssize_t n = HEM_EAGAIN;
        if (hem__fd_may(&s->fd, HEM__FD_WRITE))
            n = hem__stream_wrote(s, send_pieces(s, p));
        if (n == HEM_EAGAIN)
            n = hem__stream_wait_write(w);
        if (n < 0 && n != HEM_EINTR)
            return (int)n;
        advance(p, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

static ssize_t length_of(const struct iovec *pieces, int count)
{
    size_t sum = 0;
    if (count < 0)
        return HEM_EINVAL;
    for (int i = 0; i < count; i++) {
        if (__builtin_add_overflow(sum, pieces[i].iov_len, &sum))
            return HEM_EMSGSIZE;
    }
    return sum <= SSIZE_MAX ? (ssize_t)sum : HEM_EMSGSIZE;
}

ssize_t hem_stream_writev(hem_stream *s, const struct iovec *pieces, int count)
{
    hem__stream_call w;
    HEM_TRY(hem__stream_begin_write(&w, s, "hem_stream_writev"));
    ssize_t size = length_of(pieces, count);
    if (size < 0)
        return hem__stream_end_write(&w, size);
    struct pieces p = {.next = pieces, .count = count};
    int rc = write_pieces(&w, &p);
    return hem__stream_end_write(&w, rc < 0 ? rc : size);
}

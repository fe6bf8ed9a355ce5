/* SPDX-License-Identifier: MIT */
/*
 * Streams: life and reading. Bytes go from the socket to the caller's memory;
 * only reads that look for a delimiter go through the buffer, which exists
 * while it holds bytes or is being filled: a task that has to wait for the
 * first byte waits without one, and with little where little has come.
 */
#include "io/stream.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"

#define DELIMITER_MAX 64

static void set_defaults(hem_stream *s, uint32_t limit)
{
    s->limit = limit ? limit : HEM__STREAM_LIMIT;
    s->chunk = s->limit < HEM__STREAM_CHUNK ? s->limit : HEM__STREAM_CHUNK;
    s->high_water = HEM__STREAM_LIMIT;
}

int hem__stream_init(hem_loop *l, hem_stream *s, int fd, uint32_t limit)
{
    memset(s, 0, sizeof(*s));
    HEM_TRY(hem__fd_init(l, &s->fd, fd));
    set_defaults(s, limit);
    s->write_stall = HEM__STREAM_STALL / HEM_MSEC;
    return 0;
}

void hem__stream_init_moved(hem_loop *l, hem_stream *s, hem__fd *from,
                            uint32_t limit)
{
    memset(s, 0, sizeof(*s));
    hem__fd_move(l, &s->fd, from);
    set_defaults(s, limit);
    s->write_stall = HEM__STREAM_STALL / HEM_MSEC;
}

int hem__stream_init_plain(hem_loop *l, hem_stream *s, int fd, uint32_t limit)
{
    HEM_TRY(hem__stream_init(l, s, fd, limit));
    s->how = HEM__HOW_PLAIN;
    s->write_stall = 0;
    return 0;
}

void hem__stream_init_layered(hem_loop *l, hem_stream *s,
                              struct hem__layer *layer, uint32_t limit)
{
    memset(s, 0, sizeof(*s));
    hem__fd_open_none(l, &s->fd);
    set_defaults(s, limit);
    s->how = HEM__HOW_LAYER;
    s->layer = layer;
}

void hem__stream_drop_buffer(hem_stream *s)
{
    hem__free(s->buffer);
    s->buffer = NULL;
    s->begin = s->end = s->capacity = 0;
}

void hem__stream_cleanup(hem_stream *s)
{
    (void)hem_stream_close(s);
}

static int begin_read(hem__stream_call *r, hem_stream *s, const char *function)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    if (s->reading)
        return hem__stream_unusable(s->reading);
    s->reading = HEM__USE_BUSY;
    int rc = hem__stream_enter(r, s, function);
    if (rc < 0)
        hem__stream_end_read(s);
    return rc;
}

static ssize_t end_read(hem__stream_call *r, ssize_t result)
{
    hem__stream_end_read(r->stream);
    return result;
}

int hem__stream_wait_read(hem__stream_call *r)
{
    hem_stream *s = r->stream;
    if (s->read_stall == 0)
        return hem__fd_wait(r->loop, r->fiber, &s->fd, HEM__FD_READ);
    return hem__fd_wait_for(r->loop, r->fiber, &s->fd, HEM__FD_READ,
                            s->read_stall * HEM_MSEC);
}

static ssize_t count_read(hem_stream *s, ssize_t n)
{
    if (n >= 0) {
        s->at_eof = n == 0;
        s->bytes_read += (uint64_t)n;
    }
    return n;
}

/* One recv. HEM_EAGAIN: the socket is empty. */
static ssize_t receive_now(hem_stream *s, void *p, size_t size)
{
    if (s->how != HEM__HOW_SOCKET)
        return count_read(s, hem__stream_read_other(s, p, size));
    ssize_t n;
    do {
        n = hem__sys_recv(s->fd.fd, p, size, MSG_DONTWAIT);
    } while (n == HEM_EINTR);
    hem__stream_was_read(s, n, size);
    return count_read(s, n);
}

/* Receive into the caller's memory; 0 at the end of the stream. */
static ssize_t receive(hem__stream_call *r, void *p, size_t size)
{
    hem_stream *s = r->stream;
    if (s->at_eof)
        return 0;
    for (;;) {
        if (hem__fd_may(&s->fd, HEM__FD_READ)) {
            ssize_t n = receive_now(s, p, size);
            if (n != HEM_EAGAIN)
                return n;
        }
        if (s->begin == s->end)
            hem__stream_drop_buffer(s);
        HEM_TRY(hem__stream_wait_read(r));
    }
}

/* Make room behind the bytes in the buffer. HEM_ELIMIT, HEM_ENOMEM. */
static int make_room(hem_stream *s)
{
    if (s->end < s->capacity)
        return 0;
    if (s->begin > 0) {
        memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
        return 0;
    }
    if (s->capacity >= s->limit)
        return HEM_ELIMIT;
    uint32_t capacity = s->capacity ? s->capacity * 2 : s->chunk;
    if (capacity > s->limit || capacity <= s->capacity)
        capacity = s->limit;
    char *buffer = hem__realloc(s->buffer, capacity);
    if (!buffer)
        return HEM_ENOMEM;
    s->buffer = buffer;
    s->capacity = capacity;
    return 0;
}

/* Move few bytes out of a large buffer: a peer that sends a line slowly must not
 * hold more than it sends. In new memory, for what is cut off an old piece is of
 * little use to others; without, it stays where it is. */
__attribute__((noinline)) static void shrink(hem_stream *s)
{
    uint32_t size = s->end - s->begin;
    uint32_t capacity = HEM__STREAM_LEAST;
    while (capacity < 2 * size)
        capacity *= 2;
    if (capacity > s->capacity / 4)
        return;
    char *buffer = hem__alloc(capacity);
    if (!buffer)
        return;
    memcpy(buffer, s->buffer + s->begin, size);
    hem__free(s->buffer);
    s->buffer = buffer;
    s->begin = 0;
    s->end = size;
    s->capacity = capacity;
}

/* Receive more into the buffer; 0 at the end of the stream. */
static ssize_t fill(hem__stream_call *r)
{
    hem_stream *s = r->stream;
    if (s->begin == s->end)
        s->begin = s->end = 0;
    if (s->at_eof)
        return 0;
    for (;;) {
        if (hem__fd_may(&s->fd, HEM__FD_READ)) {
            HEM_TRY(make_room(s));
            ssize_t n =
                receive_now(s, s->buffer + s->end, s->capacity - s->end);
            if (n > 0)
                s->end += (uint32_t)n;
            if (s->end == s->capacity && s->chunk <= s->limit / 2)
                s->chunk *= 2;
            if (n != HEM_EAGAIN)
                return n;
        }
        if (s->end == 0)
            hem__stream_drop_buffer(s);
        else
            shrink(s);
        HEM_TRY(hem__stream_wait_read(r));
    }
}

/* Move up to `size` bytes out of the buffer. */
static size_t take(hem_stream *s, void *buf, size_t size)
{
    size_t n = s->end - s->begin;
    if (n > size)
        n = size;
    if (n > 0)
        memcpy(buf, s->buffer + s->begin, n);
    s->begin += (uint32_t)n;
    return n;
}

ssize_t hem_stream_read(hem_stream *s, void *buf, size_t size)
{
    hem__stream_call r;
    HEM_TRY(begin_read(&r, s, "hem_stream_read"));
    if (size - 1 >= SSIZE_MAX)
        return end_read(&r, size == 0 ? HEM_EINVAL : HEM_EMSGSIZE);
    ssize_t n = (ssize_t)take(s, buf, size);
    if (n == 0)
        n = receive(&r, buf, size);
    return end_read(&r, n);
}

ssize_t hem_stream_read_some(hem_stream *s, char **ret)
{
    hem__stream_call r;
    HEM_TRY(begin_read(&r, s, "hem_stream_read_some"));
    ssize_t n = 1;
    if (s->begin == s->end) {
        if (s->capacity < s->chunk)
            hem__stream_drop_buffer(s);
        n = fill(&r);
    }
    if (n > 0) {
        *ret = s->buffer + s->begin;
        n = (ssize_t)(s->end - s->begin);
        s->begin = s->end;
    }
    return end_read(&r, n);
}

ssize_t hem_stream_read_exactly(hem_stream *s, void *buf, size_t size,
                                size_t *ret_got)
{
    size_t none;
    size_t *got = ret_got ? ret_got : &none;
    *got = 0;
    if (size > SSIZE_MAX)
        return HEM_EMSGSIZE;
    hem__stream_call r;
    HEM_TRY(begin_read(&r, s, "hem_stream_read_exactly"));
    *got = take(s, buf, size);
    while (*got < size) {
        ssize_t n = receive(&r, (char *)buf + *got, size - *got);
        if (n <= 0)
            return end_read(&r, n < 0 ? n : HEM_EINCOMPLETE);
        *got += (size_t)n;
    }
    return end_read(&r, (ssize_t)size);
}

/* The length up to and with the delimiter in the buffer; 0: none yet.
 * `*scanned` bytes are known to hold no beginning of one. */
static size_t find(const hem_stream *s, const char *delimiter, size_t length,
                   size_t *scanned)
{
    size_t n = s->end - s->begin;
    if (n < length)
        return 0;
    const char *from = s->buffer + s->begin;
    const char *at =
        length == 1 ? memchr(from + *scanned, delimiter[0], n - *scanned)
                    : memmem(from + *scanned, n - *scanned, delimiter, length);
    if (at)
        return (size_t)(at - from) + length;
    *scanned = n - length + 1;
    return 0;
}

static ssize_t read_until(hem__stream_call *r, const char *delimiter,
                          size_t length, char **ret)
{
    hem_stream *s = r->stream;
    size_t scanned = 0;
    for (;;) {
        size_t n = find(s, delimiter, length, &scanned);
        if (n > 0) {
            *ret = s->buffer + s->begin;
            s->begin += (uint32_t)n;
            return (ssize_t)n;
        }
        ssize_t got = fill(r);
        if (got < 0)
            return got;
        if (got == 0)
            return s->begin == s->end ? 0 : HEM_EINCOMPLETE;
    }
}

ssize_t hem_stream_read_until(hem_stream *s, const char *delimiter, char **ret)
{
    size_t length = strnlen(delimiter, DELIMITER_MAX + 1);
    if (length == 0 || length > DELIMITER_MAX)
        return HEM_EINVAL;
    hem__stream_call r;
    HEM_TRY(begin_read(&r, s, "hem_stream_read_until"));
    return end_read(&r, read_until(&r, delimiter, length, ret));
}

ssize_t hem_stream_read_line(hem_stream *s, char **ret)
{
    hem__stream_call r;
    HEM_TRY(begin_read(&r, s, "hem_stream_read_line"));
    ssize_t n = read_until(&r, "\n", 1, ret);
    if (n == HEM_EINCOMPLETE) {
        *ret = s->buffer + s->begin;
        n = (ssize_t)(s->end - s->begin);
        s->begin = s->end;
    }
    return end_read(&r, n);
}

static ssize_t peek(hem__stream_call *r, size_t at_least, char **ret)
{
    hem_stream *s = r->stream;
    if (at_least == 0)
        return HEM_EINVAL;
    if (at_least > s->limit)
        return HEM_ELIMIT;
    while (s->end - s->begin < at_least) {
        ssize_t n = fill(r);
        if (n < 0)
            return n;
        if (n == 0)
            break;
    }
    *ret = s->buffer + s->begin;
    return (ssize_t)(s->end - s->begin);
}

ssize_t hem_stream_peek(hem_stream *s, size_t at_least, char **ret)
{
    hem__stream_call r;
    HEM_TRY(begin_read(&r, s, "hem_stream_peek"));
    return end_read(&r, peek(&r, at_least, ret));
}

bool hem_stream_at_eof(const hem_stream *s)
{
    return !hem__fd_is_open(&s->fd) || (s->at_eof && s->begin == s->end);
}

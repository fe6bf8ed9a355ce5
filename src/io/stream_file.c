/* SPDX-License-Identifier: MIT */
/*
 * Streams: sending files. Sockets of ours by sendfile; all else in pieces, read
 * from the page cache, or, where that does not have them, on a thread.
 */
#include <limits.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "hem/thread.h"
#include "io/stream.h"

#define PIECE_BYTES ((size_t)64 << 10)

static ssize_t send_file_now(hem_stream *s, int fd, off_t *offset, size_t size)
{
    struct hem__quiet quiet;
    hem__quiet_begin(&quiet);
    ssize_t n;
    do {
        n = hem__sys_sendfile(s->fd.fd, fd, offset, size);
    } while (n == HEM_EINTR);
    hem__quiet_end(&quiet, n);
    /* Less than was asked for may be the end of the file: ask again. */
    return hem__stream_wrote(s, n);
}

static int send_by_kernel(hem__stream_call *w, int fd, off_t offset,
                          size_t size)
{
    hem_stream *s = w->stream;
    while (size > 0) {
        ssize_t n = HEM_EAGAIN;
        if (hem__fd_may(&s->fd, HEM__FD_WRITE))
            n = send_file_now(s, fd, &offset, size);
        if (n == 0)
            return HEM_EINCOMPLETE;
        if (n == HEM_EAGAIN)
            n = hem__stream_wait_write(w);
        HEM_TRY(n);
        size -= (size_t)n;
    }
    return 0;
}

/* A piece of a file, read on a thread. */
struct piece {
    int fd;
    void *to;
    size_t size;
    off_t offset;
    ssize_t result;
};

static int read_on_thread(void *arg)
{
    struct piece *p = arg;
    do {
        p->result = hem__sys_pread(p->fd, p->to, p->size, p->offset);
    } while (p->result == HEM_EINTR);
    return 0;
}

static ssize_t read_piece(struct piece *p)
{
    struct iovec v = {.iov_base = p->to, .iov_len = p->size};
    ssize_t n = p->offset < 0
                    ? HEM_EINVAL
                    : hem__sys_preadv2(p->fd, &v, 1, p->offset, RWF_NOWAIT);
    if (n >= 0)
        return n;
    int rc = hem_thread_call(read_on_thread, p, NULL);
    return rc < 0 ? rc : p->result;
}

static int send_pieces(hem__stream_call *w, struct piece *p, size_t size)
{
    while (size > 0) {
        p->size = size < PIECE_BYTES ? size : PIECE_BYTES;
        ssize_t n = read_piece(p);
        if (n == 0)
            return HEM_EINCOMPLETE;
        HEM_TRY(n);
        if (!hem__fd_is_open(&w->stream->fd))
            return HEM_EBADF; /* closed meanwhile */
        HEM_TRY(hem__stream_write_all(w, p->to, (size_t)n));
        p->offset += n;
        size -= (size_t)n;
    }
    return 0;
}

static int send_by_hand(hem__stream_call *w, int fd, off_t offset, size_t size)
{
    struct piece p = {.fd = fd, .offset = offset};
    p.to = hem__alloc(size < PIECE_BYTES ? size + 1 : PIECE_BYTES);
    if (!p.to)
        return HEM_ENOMEM;
    int rc = send_pieces(w, &p, size);
    hem__free(p.to);
    return rc;
}

ssize_t hem_stream_send_file(hem_stream *s, int fd, off_t offset, size_t size)
{
    hem__stream_call w;
    HEM_TRY(hem__stream_begin_write(&w, s, "hem_stream_send_file"));
    int rc;
    if (size > SSIZE_MAX)
        rc = HEM_EMSGSIZE;
    else if (s->how == HEM__HOW_SOCKET && !s->borrowed)
        rc = send_by_kernel(&w, fd, offset, size);
    else
        rc = send_by_hand(&w, fd, offset, size);
    return hem__stream_end_write(&w, rc < 0 ? rc : (ssize_t)size);
}

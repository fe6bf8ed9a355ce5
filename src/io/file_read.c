/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <string.h>

#include "base/sys.h"
#include "io/file.h"

static void run_read(hem__file_job *job)
{
    ssize_t n;
    do {
        n = hem__sys_pread(job->fd, job->data, job->size, job->offset);
    } while (n == HEM_EINTR);
    job->result = n;
}

/* Into memory of the job's own, for the task may leave it. */
static ssize_t read_far(const hem__file_call *c, void *buf, size_t size,
                        int64_t offset)
{
    hem__file_job *job = hem__file_job_create(size);
    if (!job)
        return HEM_ENOMEM;
    job->run = run_read;
    job->op.code = HEM__URING_READ;
    job->file = c->file;
    job->fd = c->file->fd.fd;
    job->offset = offset;
    int64_t n = hem__file_leave(c->loop, job);
    if (n < 0)
        return (ssize_t)n;
    memcpy(buf, job->data, (size_t)n);
    hem__free(job);
    return (ssize_t)n;
}

/* HEM_EAGAIN: it would have to wait. */
static ssize_t read_at_once(const hem__file_call *c, void *buf, size_t size,
                            int64_t offset)
{
    hem__file *f = c->file;
    if (!c->files->at_once || !f->nowait_reads)
        return HEM_EAGAIN;
    ssize_t n;
    do {
        n = hem__sys_pread_nowait(f->fd.fd, buf, size, offset);
    } while (n == HEM_EINTR);
    if (n != HEM_ENOTSUP)
        return n;
    f->nowait_reads = false;
    return HEM_EAGAIN;
}

/* Up to a piece; 0 at the end. */
static ssize_t read_piece(const hem__file_call *c, void *buf, size_t size,
                          int64_t offset)
{
    if (size > HEM__FILE_PIECE)
        size = HEM__FILE_PIECE;
    ssize_t n = read_at_once(c, buf, size, offset);
    if (n == HEM_EAGAIN)
        n = read_far(c, buf, size, offset);
    if (n > 0) {
        c->file->bytes_read += (uint64_t)n;
        hem__file_spend(c->loop, (size_t)n);
    }
    return n;
}

/* Until there are `size` bytes: 0, or the file ends: 0, or an error. */
static int read_pieces(const hem__file_call *c, void *buf, size_t size,
                       int64_t offset, size_t *ret_got)
{
    *ret_got = 0;
    for (;;) {
        ssize_t n = read_piece(c, (char *)buf + *ret_got, size - *ret_got,
                               offset + (int64_t)*ret_got);
        if (n <= 0)
            return (int)n;
        *ret_got += (size_t)n;
        if (*ret_got == size)
            return 0;
        HEM_TRY(hem__io_checkpoint(c->loop, c->loop->current));
    }
}

ssize_t hem_file_read(hem_file *f, void *buf, size_t size)
{
    hem__file_call c;
    if (size == 0)
        return HEM_EINVAL;
    HEM_TRY(hem__file_enter(&c, &f->core, "hem_file_read"));
    ssize_t n = read_piece(&c, buf, size, c.file->position);
    if (n > 0)
        c.file->position += n;
    hem__file_end(&c);
    return n;
}

ssize_t hem_file_read_exactly(hem_file *f, void *buf, size_t size,
                              size_t *ret_got)
{
    hem__file_call c;
    size_t got = 0;
    if (size > SSIZE_MAX)
        return HEM_EMSGSIZE;
    int rc = hem__file_enter(&c, &f->core, "hem_file_read_exactly");
    if (rc == 0) {
        if (size > 0)
            rc = read_pieces(&c, buf, size, c.file->position, &got);
        c.file->position += (int64_t)got;
        hem__file_end(&c);
    }
    if (ret_got)
        *ret_got = got;
    if (rc < 0)
        return rc;
    return got == size ? (ssize_t)size : HEM_EINCOMPLETE;
}

ssize_t hem_file_pread(hem_file *f, void *buf, size_t size, int64_t offset)
{
    hem__file_call c;
    size_t got = 0;
    if (offset < 0)
        return HEM_EINVAL;
    if (size > SSIZE_MAX)
        return HEM_EMSGSIZE;
    HEM_TRY(hem__file_begin(&c, &f->core, "hem_file_pread"));
    hem__file_hold(c.file);
    int rc = size > 0 ? read_pieces(&c, buf, size, offset, &got) : 0;
    hem__file_release(c.file);
    return rc < 0 ? rc : (ssize_t)got;
}

/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "base/sys.h"
#include "io/file.h"

static void run_write(hem__file_job *job)
{
    ssize_t n;
    do {
        n = job->offset < 0
                ? hem__sys_write(job->fd, job->data, job->size)
                : hem__sys_pwrite(job->fd, job->data, job->size, job->offset);
    } while (n == HEM_EINTR);
    job->result = n;
}

static ssize_t write_far(const hem__file_call *c, const void *buf, size_t size,
                         int64_t offset)
{
    hem__file_job job = {.run = run_write,
                         .op = {.code = HEM__URING_WRITE},
                         .file = c->file,
                         .fd = c->file->fd.fd,
                         .data = (void *)(uintptr_t)buf,
                         .size = size,
                         .offset = offset};
    return (ssize_t)hem__file_await(c->loop, &job);
}

/* HEM_EAGAIN: it would have to wait. */
static ssize_t write_at_once(const hem__file_call *c, const void *buf,
                             size_t size, int64_t offset)
{
    hem__file *f = c->file;
    if (!c->files->at_once || !f->nowait_writes)
        return HEM_EAGAIN;
    ssize_t n;
    do {
        n = hem__sys_pwrite_nowait(f->fd.fd, buf, size, offset);
    } while (n == HEM_EINTR);
    if (n != HEM_ENOTSUP)
        return n;
    f->nowait_writes = false;
    return HEM_EAGAIN;
}

static ssize_t write_piece(const hem__file_call *c, const void *buf,
                           size_t size, int64_t offset)
{
    if (size > HEM__FILE_PIECE)
        size = HEM__FILE_PIECE;
    ssize_t n = write_at_once(c, buf, size, offset);
    if (n == HEM_EAGAIN)
        n = write_far(c, buf, size, offset);
    if (n > 0) {
        c->file->bytes_written += (uint64_t)n;
        hem__file_spend(c->loop, (size_t)n);
    }
    return n;
}

/* All `size` bytes, from `*at` on, which moves; negative: the kernel knows. */
static ssize_t write_pieces(const hem__file_call *c, const char *buf,
                            size_t size, int64_t *at)
{
    size_t done = 0;
    while (done < size) {
        if (done > 0)
            HEM_TRY(hem__io_checkpoint(c->loop, c->loop->current));
        ssize_t n = write_piece(c, buf + done, size - done, *at);
        if (n <= 0)
            return n < 0 ? n : HEM_EIO; /* a device that takes nothing */
        done += (size_t)n;
        if (*at >= 0)
            *at += n;
    }
    return (ssize_t)size;
}

/* Where the kernel has appended to. */
static void find_position(hem__file *f, uint64_t written)
{
    off_t at = hem__sys_lseek(f->fd.fd, 0, SEEK_CUR);
    f->position = at >= 0 ? at : f->position + (int64_t)written;
}

ssize_t hem_file_write(hem_file *f, const void *buf, size_t size)
{
    hem__file_call c;
    if (size > SSIZE_MAX)
        return HEM_EMSGSIZE;
    HEM_TRY(hem__file_enter(&c, &f->core, "hem_file_write"));
    uint64_t before = c.file->bytes_written;
    int64_t at = c.file->append ? -1 : c.file->position;
    ssize_t rc = write_pieces(&c, buf, size, &at);
    if (!c.file->append)
        c.file->position = at;
    else if (c.file->bytes_written > before)
        find_position(c.file, c.file->bytes_written - before);
    hem__file_end(&c);
    return rc;
}

ssize_t hem_file_pwrite(hem_file *f, const void *buf, size_t size,
                        int64_t offset)
{
    hem__file_call c;
    if (offset < 0)
        return HEM_EINVAL;
    if (size > SSIZE_MAX)
        return HEM_EMSGSIZE;
    HEM_TRY(hem__file_begin(&c, &f->core, "hem_file_pwrite"));
    hem__file_hold(c.file);
    ssize_t rc = write_pieces(&c, buf, size, &offset);
    hem__file_release(c.file);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* What concerns an open file as a whole. */
#include <string.h>

#include "base/sys.h"
#include "io/file.h"

/* Make a job for the file of `c`, to be left. */
static int job_for(hem__file_job **ret, const hem__file_call *c, size_t bytes,
                   void (*run)(hem__file_job *job))
{
    hem__file_job *job = hem__file_job_create(bytes);
    if (!job)
        return HEM_ENOMEM;
    job->run = run;
    job->file = c->file;
    job->fd = c->file->fd.fd;
    *ret = job;
    return 0;
}

static void run_stat(hem__file_job *job)
{
    job->result = hem__sys_fstat(job->fd, job->data);
}

int hem_file_stat(hem_file *f, struct stat *ret)
{
    hem__file_call c;
    hem__file_job *job;
    HEM_TRY(hem__file_begin(&c, &f->core, "hem_file_stat"));
    HEM_TRY(job_for(&job, &c, sizeof(*ret), run_stat));
    HEM_TRY(hem__file_leave(c.loop, job));
    memcpy(ret, job->data, sizeof(*ret));
    hem__free(job);
    return 0;
}

int64_t hem_file_size(hem_file *f)
{
    struct stat st;
    HEM_TRY(hem_file_stat(f, &st));
    return st.st_size;
}

static void run_sync(hem__file_job *job)
{
    int rc;
    do {
        rc = job->op.code == HEM__URING_SYNC ? hem__sys_fsync(job->fd)
                                             : hem__sys_fdatasync(job->fd);
    } while (rc == HEM_EINTR);
    job->result = rc;
}

static int synchronise(hem_file *f, enum hem__uring_code code,
                       const char *function)
{
    hem__file_call c;
    hem__file_job *job;
    HEM_TRY(hem__file_begin(&c, &f->core, function));
    HEM_TRY(job_for(&job, &c, 0, run_sync));
    job->data = NULL; /* the whole file */
    job->op.code = (uint8_t)code;
    HEM_TRY(hem__file_leave(c.loop, job));
    hem__free(job);
    return 0;
}

int hem_file_sync(hem_file *f)
{
    return synchronise(f, HEM__URING_SYNC, "hem_file_sync");
}

int hem_file_datasync(hem_file *f)
{
    return synchronise(f, HEM__URING_DATASYNC, "hem_file_datasync");
}

static void run_truncate(hem__file_job *job)
{
    int rc;
    do {
        rc = hem__sys_ftruncate(job->fd, job->offset);
    } while (rc == HEM_EINTR);
    job->result = rc;
}

int hem_file_truncate(hem_file *f, int64_t size)
{
    hem__file_call c;
    HEM_TRY(hem__file_begin(&c, &f->core, "hem_file_truncate"));
    hem__file_job job = {
        .run = run_truncate, .fd = c.file->fd.fd, .offset = size};
    hem__file_hold(c.file);
    int64_t rc = hem__file_await(c.loop, &job);
    hem__file_release(c.file);
    return (int)rc;
}

static void run_seek(hem__file_job *job)
{
    job->result = hem__sys_lseek(job->fd, job->offset, job->flags);
}

/* Ask the file system. */
static int64_t seek_far(hem_file *f, int64_t offset, int whence)
{
    hem__file_call c;
    hem__file_job *job;
    HEM_TRY(hem__file_enter(&c, &f->core, "hem_file_seek"));
    int64_t at = job_for(&job, &c, 0, run_seek);
    if (at == 0) {
        job->offset = offset;
        job->flags = whence;
        at = hem__file_leave(c.loop, job);
        if (at >= 0) {
            hem__free(job);
            c.file->position = at;
        }
    }
    hem__file_end(&c);
    return at;
}

int64_t hem_file_seek(hem_file *f, int64_t offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        return seek_far(f, offset, whence);
    hem__file *file = f->core;
    if (!file || !hem__fd_is_open(&file->fd))
        return HEM_EBADF;
    if (file->busy)
        return HEM_EBUSY;
    int64_t at = offset;
    if (whence == SEEK_CUR &&
        __builtin_add_overflow(file->position, offset, &at))
        return HEM_EOVERFLOW;
    if (at < 0)
        return HEM_EINVAL;
    file->position = at;
    return at;
}

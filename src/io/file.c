/* SPDX-License-Identifier: MIT */
#include "io/file.h"

#include <string.h>

#include "base/sys.h"

/* Flags that F_SETFL would take away. */
#define KEPT_FLAGS    (O_APPEND | O_NOATIME)
#define REFUSED_FLAGS (O_DIRECT | O_PATH)
/* With these opening must do more than look. */
#define MAKING_FLAGS (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

void hem__file_hold(hem__file *f)
{
    f->holds++;
}

void hem__file_release(hem__file *f)
{
    if (--f->holds > 0)
        return;
    if (hem__fd_is_open(&f->fd))
        (void)hem__fd_close(hem__loop, &f->fd);
    hem__free(f->ahead);
    hem__free(f);
}

int hem__file_close(hem__file **file)
{
    hem__file *f = *file;
    *file = NULL;
    if (!f)
        return HEM_EBADF;
    bool open = hem__fd_is_open(&f->fd);
    hem__file_release(f);
    return open ? 0 : HEM_EBADF;
}

static bool is_open(hem__file *const *handle)
{
    return *handle && hem__fd_is_open(&(*handle)->fd);
}

int hem__file_begin(hem__file_call *ret, hem__file *const *handle,
                    const char *function)
{
    if (handle && !is_open(handle))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need(function);
    HEM_TRY(hem__io_checkpoint(l, hem__fiber_need(l, function)));
    if (handle && !is_open(handle))
        return HEM_EBADF; /* closed while others ran */
    *ret = (hem__file_call){l, hem__files_get(l), handle ? *handle : NULL};
    return ret->files ? 0 : HEM_ENOMEM;
}

/* On a thread. */
static void run_open(hem__file_job *job)
{
    int fd;
    do {
        fd = hem__sys_open(job->path, job->flags, job->mode);
    } while (fd == HEM_EINTR);
    job->result = fd;
}

static void drop_open(hem__file_job *job)
{
    close((int)job->result);
}

/* The descriptor, or an error. */
static int open_descriptor(const hem__file_call *c, const char *path, int flags,
                           mode_t mode)
{
    if (c->files->at_once && !(flags & MAKING_FLAGS)) {
        int fd = hem__sys_open_cached(path, flags);
        if (fd != HEM_EAGAIN)
            return fd;
    }
    hem__file_job *job;
    HEM_TRY(hem__file_job_of_path(&job, path));
    job->run = run_open;
    job->drop = drop_open;
    job->flags = flags;
    job->mode = mode;
    int64_t fd = hem__file_leave(c->loop, job);
    if (fd >= 0)
        hem__free(job);
    return (int)fd;
}

/* Whether it is a file, and no stream; it was opened not to block, which is
 * over now. */
static int examine(int fd, int flags)
{
    off_t at = hem__sys_lseek(fd, 0, SEEK_CUR);
    if (at < 0)
        return (int)at;
    return hem__sys_fcntl_set(fd, flags & KEPT_FLAGS);
}

static int adopt(hem_loop *l, hem__file *f, int fd, int flags)
{
    int rc = examine(fd, flags);
    if (rc == 0)
        rc = hem__fd_init(l, &f->fd, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    f->append = flags & O_APPEND;
    f->nowait_reads = f->nowait_writes = true;
    return 0;
}

static int open_file(hem__file **ret, const char *path, int flags, mode_t mode,
                     const char *function)
{
    hem__file_call c;
    if (flags & REFUSED_FLAGS)
        return HEM_EINVAL;
    HEM_TRY(hem__path_check(path));
    HEM_TRY(hem__file_begin(&c, NULL, function));
    hem__file *f = hem__calloc(sizeof(*f));
    if (!f)
        return HEM_ENOMEM;
    f->holds = 1;
    int rc = open_descriptor(&c, path,
                             flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
    if (rc >= 0)
        rc = adopt(c.loop, f, rc, flags);
    if (rc < 0) {
        hem__free(f);
        return rc;
    }
    *ret = f;
    return 0;
}

int hem__file_open(hem__file **ret, const char *path, int flags, mode_t mode,
                   const char *function)
{
    int rc = open_file(ret, path, flags, mode, function);
    return rc < 0 ? hem__path_fail(rc, "open", path) : 0;
}

int hem_file_open(hem_file *f, const char *path, int flags,
                  const hem_file_options *opts)
{
    mode_t mode = opts && opts->mode ? opts->mode : 0666;
    f->core = NULL;
    return hem__file_open(&f->core, path, flags, mode, "hem_file_open");
}

int hem_file_close(hem_file *f)
{
    return f ? hem__file_close(&f->core) : 0;
}

void hem__file_cleanup(hem_file *f)
{
    (void)hem__file_close(&f->core);
}

int hem_file_get_info(const hem_file *f, hem_file_info *ret)
{
    if (!is_open(&f->core))
        return HEM_EBADF;
    *ret = (hem_file_info){.position = f->core->position,
                           .bytes_read = f->core->bytes_read,
                           .bytes_written = f->core->bytes_written,
                           .fd = f->core->fd.fd};
    return 0;
}

int64_t hem_file_tell(const hem_file *f)
{
    return is_open(&f->core) ? f->core->position : HEM_EBADF;
}

int hem__file_enter(hem__file_call *ret, hem__file *const *handle,
                    const char *function)
{
    HEM_TRY(hem__file_begin(ret, handle, function));
    if (ret->file->busy)
        return HEM_EBUSY;
    ret->file->busy = true;
    hem__file_hold(ret->file);
    return 0;
}

void hem__file_end(hem__file_call *c)
{
    c->file->busy = false;
    hem__file_release(c->file);
}

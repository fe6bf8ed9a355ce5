/* SPDX-License-Identifier: MIT */
/* Entries are read a buffer at a time, awaited: the kernel's place in the
 * directory moves, so what it gave must not get lost. */
#include <stddef.h>
#include <string.h>

#include "base/sys.h"
#include "hem/path.h"
#include "io/file.h"

#define AHEAD_BYTES ((size_t)32 << 10)

int hem_dir_open(hem_dir *d, const char *path)
{
    d->core = NULL;
    return hem__file_open(&d->core, path, O_RDONLY | O_DIRECTORY, 0,
                          "hem_dir_open");
}

int hem_dir_close(hem_dir *d)
{
    return d ? hem__file_close(&d->core) : 0;
}

void hem__dir_cleanup(hem_dir *d)
{
    (void)hem__file_close(&d->core);
}

/* The next entry of those that are there; false: there is none. */
static bool take(hem__file *f, hem_dir_entry *ret)
{
    while (f->begin < f->end) {
        const struct dirent64 *e =
            (const struct dirent64 *)(const void *)(f->ahead + f->begin);
        f->begin += e->d_reclen;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        *ret = (hem_dir_entry){
            .name = e->d_name, .inode = e->d_ino, .type = e->d_type};
        return true;
    }
    return false;
}

static void run_read(hem__file_job *job)
{
    job->result = hem__sys_getdents64(job->fd, job->data, job->size);
}

/* Read more; 0: there are no more. */
static int fill(const hem__file_call *c)
{
    hem__file *f = c->file;
    if (!f->ahead)
        f->ahead = hem__alloc(AHEAD_BYTES);
    if (!f->ahead)
        return HEM_ENOMEM;
    hem__file_job job = {
        .run = run_read, .fd = f->fd.fd, .data = f->ahead, .size = AHEAD_BYTES};
    int64_t n = hem__file_await(c->loop, &job);
    if (n >= 0) {
        f->begin = 0;
        f->end = (uint32_t)n;
    }
    return (int)n;
}

static int next(hem__file_call *c, hem_dir_entry *ret)
{
    int rc;
    while ((rc = fill(c)) > 0) {
        if (take(c->file, ret))
            return 1;
    }
    return rc;
}

int hem_dir_next(hem_dir *d, hem_dir_entry *ret)
{
    hem__file_call c;
    hem__file *f = d->core;
    if (!f || !hem__fd_is_open(&f->fd))
        return HEM_EBADF;
    if (f->busy)
        return HEM_EBUSY;
    if (take(f, ret))
        return 1;
    HEM_TRY(hem__file_enter(&c, &d->core, "hem_dir_next"));
    int rc = next(&c, ret);
    bool gone = c.file->holds == 1; /* closed meanwhile, and the name with it */
    hem__file_end(&c);
    return gone ? HEM_EBADF : rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * A whole file is written on a thread, in one call, which is waited for: told to
 * stop it ends behind a piece. What replaces a file is written beside it, in the
 * same directory, under the name .hem-PROCESS-NUMBER.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "io/file.h"

#define PIECE     ((size_t)1 << 20)
#define TRIES_MAX 100

struct writing {
    const char *path;
    const char *data;
    size_t size;
    const hem_file_write_all_options *options;
    mode_t mode;
    atomic_bool stop;
    bool ran; /* the function has returned */
    int result;
};

static int open_again(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = hem__sys_open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                           mode);
    } while (fd == HEM_EINTR);
    return fd;
}

static int write_data(struct writing *w, int fd)
{
    size_t done = 0;
    while (done < w->size) {
        if (atomic_load(&w->stop))
            return HEM_ECANCELED;
        size_t n = w->size - done < PIECE ? w->size - done : PIECE;
        ssize_t rc = hem__sys_write(fd, w->data + done, n);
        if (rc == HEM_EINTR)
            continue;
        if (rc <= 0)
            return rc < 0 ? (int)rc : HEM_EIO; /* it takes nothing */
        done += (size_t)rc;
    }
    return 0;
}

static int sync_again(int fd)
{
    int rc;
    do {
        rc = hem__sys_fsync(fd);
    } while (rc == HEM_EINTR);
    return rc;
}

/* The length of the directory's name in a path, with the slash. */
static size_t directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A name is on the disk when its directory is. */
static int sync_name(const char *path)
{
    char name[HEM__PATH_BYTES] = ".";
    size_t n = directory_of(path);
    if (n > 0) {
        memcpy(name, path, n);
        name[n] = '\0';
    }
    int fd = open_again(name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int rc = sync_again(fd);
    close(fd);
    return rc == HEM_EINVAL ? 0 : rc; /* no disk */
}

/* Write to `fd` and close it, which some file systems take as the moment to say
 * that there was no room. */
static int fill(struct writing *w, int fd)
{
    int rc = write_data(w, fd);
    if (rc == 0 && w->options->sync)
        rc = sync_again(fd);
    int closed = hem__sys_close_result(close(fd));
    return rc < 0 ? rc : closed;
}

static int write_in_place(struct writing *w)
{
    const hem_file_write_all_options *o = w->options;
    int flags = O_WRONLY | O_CREAT | (o->append ? O_APPEND : O_TRUNC) |
                (o->exclusive ? O_EXCL : 0);
    int fd = open_again(w->path, flags, w->mode);
    if (fd < 0)
        return fd;
    int rc = hem__sys_lseek(fd, 0, SEEK_CUR) < 0 ? HEM_ESPIPE : 0;
    if (rc == 0)
        return fill(w, fd);
    close(fd);
    return rc;
}

/* A new file beside `path`; its name is put into `name`. */
static int open_beside(const char *path, char *name, mode_t mode)
{
    static atomic_uint number;
    int rc = HEM_EEXIST;
    for (int tries = 0; rc == HEM_EEXIST && tries < TRIES_MAX; tries++) {
        int n = snprintf(name, HEM__PATH_BYTES, "%.*s.hem-%d-%u",
                         (int)directory_of(path), path, (int)getpid(),
                         atomic_fetch_add(&number, 1));
        if (n >= HEM__PATH_BYTES)
            return HEM_ENAMETOOLONG;
        rc = open_again(name, O_WRONLY | O_CREAT | O_EXCL, mode);
    }
    return rc;
}

/* Give the new file the mode of the old one, if there is one. */
static int keep_mode(const char *path, int fd)
{
    struct stat st;
    int rc = hem__sys_fstatat(AT_FDCWD, path, &st, 0);
    if (rc < 0)
        return rc == HEM_ENOENT ? 0 : rc;
    return hem__sys_fchmod(fd, st.st_mode & 07777);
}

static int write_beside(struct writing *w)
{
    char name[HEM__PATH_BYTES];
    int fd = open_beside(w->path, name, w->mode);
    if (fd < 0)
        return fd;
    int rc = keep_mode(w->path, fd);
    if (rc == 0)
        rc = fill(w, fd);
    else
        close(fd);
    if (rc == 0)
        rc = hem__sys_renameat2(AT_FDCWD, name, AT_FDCWD, w->path, 0);
    if (rc < 0)
        (void)unlink(name);
    return rc;
}

static int run_writing(void *arg)
{
    struct writing *w = arg;
    w->result = w->options->replace ? write_beside(w) : write_in_place(w);
    if (w->result == 0 && w->options->sync)
        w->result = sync_name(w->path);
    w->ran = true;
    return 0;
}

static void stop_writing(void *arg)
{
    struct writing *w = arg;
    atomic_store(&w->stop, true);
}

static int write_it(hem_loop *l, struct writing *w)
{
    hem__fiber *f = l->current;
    const char *reason = f->reason;
    hem_thread_options o = {.interrupt = stop_writing,
                            .lane = &hem__files_lane};
    int rc = hem_thread_call(run_writing, w, &o);
    if (!w->ran || (rc == HEM_ECANCELED && w->result == HEM_ECANCELED))
        return rc;
    if (rc == HEM_ECANCELED) { /* too late */
        f->pending = true;
        f->reason = reason;
    }
    return w->result;
}

static int write_all(const char *path, const void *buf, size_t size,
                     const hem_file_write_all_options *o)
{
    hem__file_call c;
    if (o->replace && (o->append || o->exclusive))
        return HEM_EINVAL;
    if (size > SSIZE_MAX)
        return HEM_EMSGSIZE;
    HEM_TRY(hem__path_check(path));
    HEM_TRY(hem__file_begin(&c, NULL, "hem_file_write_all"));
    struct writing w = {.path = path,
                        .data = buf,
                        .size = size,
                        .options = o,
                        .mode = o->mode ? o->mode : 0666};
    return write_it(c.loop, &w);
}

ssize_t hem_file_write_all(const char *path, const void *buf, size_t size,
                           const hem_file_write_all_options *opts)
{
    static const hem_file_write_all_options defaults;
    int rc = write_all(path, buf, size, opts ? opts : &defaults);
    return rc < 0 ? hem__path_fail(rc, "write", path) : (ssize_t)size;
}

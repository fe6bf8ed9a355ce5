/* SPDX-License-Identifier: MIT */
/*
 * A whole file is read at once as far as that goes, and the rest on a thread, in
 * one call. What was read belongs to it until the caller takes it.
 */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "base/sys.h"
#include "io/file.h"

#define LIMIT_DEFAULT ((size_t)64 << 20)
#define FIRST_BYTES   ((size_t)4096)
#define FLAGS         (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct reading {
    int fd; /* -1: not open yet */
    char *data;
    size_t size;     /* bytes in `data` */
    size_t capacity; /* of it, one less than was allocated */
    size_t limit;
    size_t told; /* the size that the file tells, or 0 */
    atomic_bool stop;
    char path[];
};

static void drop_reading(void *arg)
{
    struct reading *r = arg;
    if (r->fd >= 0)
        close(r->fd);
    hem__free(r->data);
    hem__free(r);
}

/* Look at what was opened. */
static int begin_reading(struct reading *r, int fd)
{
    struct stat st;
    r->fd = fd;
    HEM_TRY(hem__sys_fstat(fd, &st));
    if (S_ISDIR(st.st_mode))
        return HEM_EISDIR;
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
        return HEM_ESPIPE;
    r->told = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 0;
    return r->told > r->limit ? HEM_ELIMIT : 0;
}

/* Make room for one byte more. */
static int make_room(struct reading *r)
{
    if (r->size < r->capacity)
        return 0;
    if (r->capacity > r->limit)
        return HEM_ELIMIT;
    size_t wanted = r->data ? 2 * r->capacity : r->told + 1;
    if (wanted < FIRST_BYTES)
        wanted = FIRST_BYTES;
    if (wanted > r->limit)
        wanted = r->limit + 1; /* to see that it is more */
    char *data = hem__realloc(r->data, wanted + 1);
    if (!data)
        return HEM_ENOMEM;
    r->data = data;
    r->capacity = wanted;
    return 0;
}

/* Read a piece: 1, or 0 at the end. */
static int read_on(struct reading *r, bool at_once)
{
    HEM_TRY(make_room(r));
    size_t room = r->capacity - r->size;
    size_t n = room < HEM__FILE_PIECE ? room : HEM__FILE_PIECE;
    ssize_t got;
    do {
        got = at_once
                  ? hem__sys_pread_nowait(r->fd, r->data + r->size, n,
                                          (off_t)r->size)
                  : hem__sys_pread(r->fd, r->data + r->size, n, (off_t)r->size);
    } while (got == HEM_EINTR);
    if (got < 0)
        return (int)got;
    r->size += (size_t)got;
    if (r->size > r->limit)
        return HEM_ELIMIT;
    return got > 0 && !(r->told && r->size == r->told && (size_t)got < n);
}

static int open_on_thread(struct reading *r)
{
    int fd;
    do {
        fd = hem__sys_open(r->path, FLAGS, 0);
    } while (fd == HEM_EINTR);
    return fd < 0 ? fd : begin_reading(r, fd);
}

/* On a thread: all that is left to do. */
static int run_reading(void *arg)
{
    struct reading *r = arg;
    int rc = r->fd < 0 ? open_on_thread(r) : 0;
    if (rc < 0)
        return rc;
    do {
        rc = atomic_load(&r->stop) ? HEM_EINTR : read_on(r, false);
    } while (rc > 0);
    return rc;
}

/* In the task: HEM_EAGAIN: the rest is for a thread. */
static int read_at_once(const hem__file_call *c, struct reading *r)
{
    if (!c->files->at_once)
        return HEM_EAGAIN;
    int fd = hem__sys_open_cached(r->path, FLAGS);
    if (fd < 0)
        return fd;
    int rc = begin_reading(r, fd);
    if (rc < 0)
        return rc;
    for (;;) {
        size_t before = r->size;
        rc = read_on(r, true);
        if (rc <= 0)
            return rc == HEM_ENOTSUP ? HEM_EAGAIN : rc;
        hem__file_spend(c->loop, r->size - before);
        HEM_TRY(hem__io_checkpoint(c->loop, c->loop->current));
    }
}

static void stop_reading(void *arg)
{
    struct reading *r = arg;
    atomic_store(&r->stop, true);
}

static int read_it(const hem__file_call *c, struct reading *r)
{
    hem_thread_options o = {.abandon = drop_reading,
                            .interrupt = stop_reading,
                            .lane = &hem__files_lane};
    int rc = read_at_once(c, r);
    if (rc == HEM_EAGAIN) {
        rc = hem_thread_call(run_reading, r, &o);
        if (rc == HEM_ECANCELED)
            return rc; /* it is gone */
    }
    if (rc < 0)
        drop_reading(r);
    return rc;
}

static ssize_t read_all(const char *path, char **ret,
                        const hem_file_read_all_options *opts)
{
    hem__file_call c;
    HEM_TRY(hem__path_check(path));
    HEM_TRY(hem__file_begin(&c, NULL, "hem_file_read_all"));
    size_t bytes = strlen(path) + 1;
    struct reading *r = hem__calloc(sizeof(*r) + bytes);
    if (!r)
        return HEM_ENOMEM;
    memcpy(r->path, path, bytes);
    r->fd = -1;
    r->limit = opts && opts->limit ? opts->limit : LIMIT_DEFAULT;
    if (r->limit > SSIZE_MAX - 2)
        r->limit = SSIZE_MAX - 2;
    HEM_TRY(read_it(&c, r));
    ssize_t size = (ssize_t)r->size;
    r->data[size] = '\0';
    *ret = r->data;
    r->data = NULL;
    drop_reading(r);
    return size;
}

ssize_t hem_file_read_all(const char *path, char **ret,
                          const hem_file_read_all_options *opts)
{
    ssize_t n = read_all(path, ret, opts);
    return n < 0 ? hem__path_fail((int)n, "read", path) : n;
}

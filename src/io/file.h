/* SPDX-License-Identifier: MIT */
/*
 * Files, inside.
 *
 * What can be done at once is done by the calling task ("nowait"); the rest is a
 * job, for io_uring if it is one of the operations that it does and there is
 * one, else for a thread. A task makes a job in one of two ways:
 *
 *   awaited   the job is in the caller's frame, which stays until it is over:
 *             for what changes something, and may use the caller's memory;
 *   left      the job is a heap object; cancelled, the caller goes on, and the
 *             loop frees it when it comes back: for what only looks.
 *
 * An open file is a heap object that its handle and each call under way hold.
 * It is touched by the loop's thread only: threads get the descriptor.
 */
#ifndef HEM__IO_FILE_H
#define HEM__IO_FILE_H

#include <sys/stat.h>

#include "base/alloc.h"
#include "hem/file.h"
#include "hem/thread.h"
#include "io/uring.h"
#include "loop/fd.h"

/* At most so much in one go: what a job that is left copies, and what is read
 * between two looks at the other tasks. */
#define HEM__FILE_PIECE ((size_t)256 << 10)

/* A path with its end. */
#define HEM__PATH_BYTES 4096

/* For hem_thread_call(). */
extern const hem_thread_lane hem__files_lane
    __attribute__((visibility("hidden")));

struct hem__files {
    hem__uring *uring; /* NULL: threads do all, or none was asked for yet */
    bool asked;
    bool at_once; /* what can be done at once, is */
};

typedef struct hem__file {
    hem__fd fd;
    uint32_t holds;
    bool append;        /* O_APPEND: written by the kernel's position */
    bool nowait_reads;  /* try: this file system may know of them */
    bool nowait_writes; /* the same */
    bool busy;          /* a call uses the position, or `ahead` */
    int64_t position;
    uint64_t bytes_read;
    uint64_t bytes_written;
    char *ahead;    /* of a directory: entries that were read, or NULL */
    uint32_t begin; /* of those not yet given */
    uint32_t end;
} hem__file;

typedef struct hem__file_job hem__file_job;

struct hem__file_job {
    hem__uring_op op; /* while io_uring has it */
    /* On a thread: do it, and set `result`. */
    void (*run)(hem__file_job *job);
    /* Free what it brought, if it is left: on the loop; NULL: nothing. */
    void (*drop)(hem__file_job *job);
    hem__file *file; /* held while it is left or awaited; NULL: none */
    int fd;
    int flags;
    mode_t mode;
    const char *path;
    const char *to;
    void *data;
    size_t size;
    int64_t offset; /* -1: the kernel's position */
    int64_t result; /* 0 or more, or an error */
    bool ran;
    char memory[]; /* of one that is left */
};

/* What calls on files share in this loop, made if need be; NULL: no memory. */
struct hem__files *hem__files_get(hem_loop *l);

/* Do the job and return its result. HEM_ECANCELED: it was not begun, nothing
 * was done. A request to cancel that comes later stays pending. */
int64_t hem__file_await(hem_loop *l, hem__file_job *job);

/* The same, but the caller may leave a job that was begun; then and on all
 * errors it is freed. With a result of 0 or more the caller frees it by
 * hem__free(), having taken what it brought. */
int64_t hem__file_leave(hem_loop *l, hem__file_job *job);

/* A job to be left, with `bytes` of memory. NULL: none. */
hem__file_job *hem__file_job_create(size_t bytes);

/* The same with a copy of a path. HEM_ENAMETOOLONG, HEM_ENOMEM. */
int hem__file_job_of_path(hem__file_job **ret, const char *path);

/* HEM_ENAMETOOLONG: it is too long for a path. */
int hem__path_check(const char *path);

/* path_fail.c: `rc` is an error of a call that was to do `what` ("open") with
 * this path: record that, unless it is HEM_ECANCELED. Returns `rc`. */
int hem__path_fail(int rc, const char *what, const char *path);
int hem__path_fail_of_two(int rc, const char *what, const char *from,
                          const char *to);

/* Begin a call: the loop, the files and, unless `handle` is NULL, the open file.
 * HEM_EBADF, HEM_ENOMEM, HEM_ECANCELED. Gives way now and then. */
typedef struct hem__file_call {
    hem_loop *loop;
    struct hem__files *files;
    hem__file *file; /* not held yet */
} hem__file_call;

int hem__file_begin(hem__file_call *ret, hem__file *const *handle,
                    const char *function);

/* The same for a call that uses the position, and holds the file: HEM_EBUSY.
 * It ends with hem__file_end(). */
int hem__file_enter(hem__file_call *ret, hem__file *const *handle,
                    const char *function);
void hem__file_end(hem__file_call *c);

/* Open `path` for a file or a directory, or record why not. */
int hem__file_open(hem__file **ret, const char *path, int flags, mode_t mode,
                   const char *function);

/* Close a handle: HEM_EBADF: not open (any more). */
int hem__file_close(hem__file **file);

void hem__file_hold(hem__file *f);
void hem__file_release(hem__file *f);

/* After `n` bytes were moved at once: others have their turn sooner. */
static inline void hem__file_spend(hem_loop *l, size_t n)
{
    uint32_t cost = (uint32_t)(n >> 16);
    l->io_budget -= cost < l->io_budget ? cost : l->io_budget;
}

#endif

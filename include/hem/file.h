/* SPDX-License-Identifier: MIT */
/*
 * Files, as aiofiles has them for asyncio: no call holds the loop up while the
 * disk turns.
 *
 *     HEM_FILE(f);                             // closed with the block
 *     HEM_TRY(hem_file_open(&f, "notes.txt", O_RDWR | O_CREAT, NULL));
 *     HEM_TRY(hem_file_write(&f, "hello\n", 6));
 *     HEM_TRY(hem_file_seek(&f, 0, SEEK_SET));
 *     char buf[100];
 *     ssize_t n = hem_file_read(&f, buf, sizeof(buf));
 *
 * Lines: file_reader.h. Names and directories: path.h.
 *
 * How. What the kernel can do at once, as reading what it has in memory, is
 * done at once. The rest goes to io_uring, where the kernel and its policy
 * allow that, or to threads, which also do what io_uring cannot, in a lane of
 * their own (thread.h), 8 calls at a time. The results are the same. The
 * environment variable HEM_FILES=threads keeps a program from io_uring;
 * hem_file_backend() tells what is in use.
 *
 * Life: closed (zero-initialised) -> open -> closed. Calls on a closed file, or
 * one that was inherited by fork, return HEM_EBADF. A file is used by the tasks
 * of one loop. Any number may be in hem_file_pread() and hem_file_pwrite(); of
 * those calls that use the position one at a time, others get HEM_EBUSY. A file
 * may be closed while calls are under way: they end as they would have, and the
 * descriptor is closed behind the last.
 *
 * The position is the struct's, not the descriptor's, and begins at 0. It moves
 * by what was read or written, at the moment at which the call returns.
 *
 * Cancellation. A call that reads, looks or waits for the disk goes on at once
 * with HEM_ECANCELED; what the kernel still does for it happens out of the
 * caller's sight: nothing is written to its memory any more, and the position
 * is unchanged. A call that changes a file and has begun to is waited for,
 * since the change cannot be called back: if it has done all, it returns that,
 * and the request to cancel is delivered at the next point; else it returns
 * HEM_ECANCELED, and the position and hem_file_get_info() tell how much was
 * written. A call cancelled before it began has done nothing.
 *
 * Errors of the kernel are passed on: HEM_EIO, HEM_ENOSPC, HEM_EDQUOT,
 * HEM_EFBIG, HEM_EBADF (not open for that), HEM_EISDIR, ...; HEM_ENOMEM and
 * HEM_EAGAIN (no thread) may come from all that suspend, and change nothing.
 * hem_failure() tells the path where the call that failed was given one.
 */
#ifndef HEM_FILE_H
#define HEM_FILE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. It may be moved while no call is under way. */
typedef struct hem_file {
    struct hem__file *core; /* NULL: closed */
} hem_file;

/* Declare a file `var`, closed, that is closed with its block if it is open
 * then. */
#define HEM_FILE(var)                                                          \
    hem_file var __attribute__((cleanup(hem__file_cleanup))) = {NULL}

HEM_API void hem__file_cleanup(hem_file *f);

typedef struct hem_file_options {
    mode_t mode; /* of a file that is created, less the umask; 0: 0666 */
} hem_file_options;

typedef struct hem_file_info {
    int64_t position;
    uint64_t bytes_read;    /* by all calls that have returned */
    uint64_t bytes_written; /* in the file, also by calls that failed then */
    int fd;                 /* to look at, not to close */
} hem_file_info;

/*
 * Open the file `path` with the flags of open(2), O_CLOEXEC added. For what has
 * no position, pipes, sockets, terminals: HEM_ESPIPE, they are streams. Opening
 * never waits for the other end of a pipe. HEM_EINVAL: O_DIRECT, O_PATH or
 * unknown flags; HEM_ENAMETOOLONG: the path has 4096 bytes or more, or a name
 * in it over 255; HEM_ENOENT, HEM_EACCES, HEM_EEXIST, HEM_EMFILE, ... of
 * open(2). `f` is then closed. If it is cancelled while it is at work, a file
 * that it was to create may be there. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_file_open(hem_file *f, const char *path, int flags,
                                    const hem_file_options *opts);

/* Close it. What must be on the disk: hem_file_sync() before. NULL does
 * nothing; HEM_EBADF: not open. [loop thread] */
HEM_API int hem_file_close(hem_file *f);

/*
 * Read up to `size` bytes from the position on; returns how many, 0 at the end
 * of the file. It may be fewer than there are. HEM_EINVAL: size 0; HEM_EBUSY.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_file_read(hem_file *f, void *buf, size_t size);

/*
 * Read exactly `size` bytes and return `size`. HEM_EINCOMPLETE: the file ended
 * before; what came is in `buf` and counted by `*ret_got` (may be NULL; also
 * set on other errors), and the position is behind it. HEM_EMSGSIZE: size above
 * SSIZE_MAX; HEM_EBUSY. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_file_read_exactly(hem_file *f, void *buf,
                                                size_t size, size_t *ret_got);

/*
 * Write all `size` bytes at the position, or, to a file opened with O_APPEND,
 * at its end, and return `size`. On an error what was written before stays,
 * and counts. HEM_EMSGSIZE as above; HEM_EBUSY. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_file_write(hem_file *f, const void *buf,
                                         size_t size);

/*
 * The same at `offset`, without the position: hem_file_pread() reads until it
 * has `size` bytes or the file ends, and returns how many. With O_APPEND
 * hem_file_pwrite() writes at the end. HEM_EINVAL: a negative offset.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_file_pread(hem_file *f, void *buf, size_t size,
                                         int64_t offset);
HEM_API HEM_CHECK ssize_t hem_file_pwrite(hem_file *f, const void *buf,
                                          size_t size, int64_t offset);

/*
 * Move the position and return it; `whence` as of lseek(2). With SEEK_SET and
 * SEEK_CUR it returns at once. HEM_EINVAL: it would be negative; HEM_ENXIO: no
 * data there, with SEEK_DATA and SEEK_HOLE; HEM_EOVERFLOW; HEM_EBUSY.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int64_t hem_file_seek(hem_file *f, int64_t offset,
                                        int whence);

/* Return the position, or HEM_EBADF. [loop thread] */
HEM_API HEM_CHECK int64_t hem_file_tell(const hem_file *f);

/* Return the size of the file. [suspends] [cancel point] */
HEM_API HEM_CHECK int64_t hem_file_size(hem_file *f);

/* Fill in what stat(2) knows of it. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_file_stat(hem_file *f, struct stat *ret);

/* Cut or extend it to `size` bytes; the position stays. HEM_EINVAL: negative,
 * or not open for writing. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_file_truncate(hem_file *f, int64_t size);

/* Wait until what was written is on the disk: all of it, or (datasync) what is
 * needed to read it. HEM_EINVAL: such files have no disk. [suspends]
 * [cancel point] */
HEM_API HEM_CHECK int hem_file_sync(hem_file *f);
HEM_API HEM_CHECK int hem_file_datasync(hem_file *f);

/* Fill in what is known of an open file. HEM_EBADF. [loop thread] */
HEM_API HEM_CHECK int hem_file_get_info(const hem_file *f, hem_file_info *ret);

typedef struct hem_file_read_all_options {
    size_t limit; /* of bytes; 0: 64 MiB */
} hem_file_read_all_options;

typedef struct hem_file_write_all_options {
    mode_t mode;    /* of a file that is created, less the umask; 0: 0666 */
    bool exclusive; /* HEM_EEXIST: there is such a file */
    bool append;    /* to what there is */
    /* Write a new file and put it in place of the old one when all is well:
     * whoever reads sees the one or the other, also if the call fails or is
     * cancelled. It has the old one's mode, but is another file: links to the
     * old one keep the old one. Not with `append` and `exclusive`. */
    bool replace;
    bool sync; /* it is on the disk, and its name, when the call returns */
} hem_file_write_all_options;

/*
 * Read the whole file `path`; returns its size and in `*ret` the bytes and one
 * NUL behind them, for the caller to hem_free(). Works for files that do not
 * tell their size, as those of /proc. HEM_ELIMIT: it is larger than the limit.
 * Otherwise as opening and reading. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_file_read_all(
    const char *path, char **ret, const hem_file_read_all_options *opts);

/*
 * Make `size` bytes the whole of the file `path`; returns `size`. On an error,
 * or if it is cancelled at work, the file holds a part, unless `replace` is
 * set. HEM_EINVAL: options that exclude each other. Otherwise as opening and
 * writing, and the errors with which files are closed. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t
hem_file_write_all(const char *path, const void *buf, size_t size,
                   const hem_file_write_all_options *opts);

/* Return what does the work that cannot be done at once in this loop: "io_uring"
 * or "threads". Static. [loop thread] */
HEM_API const char *hem_file_backend(void);

HEM_END_DECLS

#endif

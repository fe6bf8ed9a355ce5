/* SPDX-License-Identifier: MIT */
/*
 * Names of files, and directories: what asyncio's programs do by aiofiles.os.
 *
 *     hem_dir d;
 *     hem_dir_entry e;
 *     HEM_TRY(hem_dir_open(&d, "/etc"));
 *     int rc;
 *     while ((rc = hem_dir_next(&d, &e)) > 0)
 *         puts(e.name);
 *     hem_dir_close(&d);
 *
 * The calls run on the threads of files (file.h) and are the system's, with its
 * errors: HEM_ENOENT, HEM_EACCES, HEM_EEXIST, HEM_ENOTEMPTY, HEM_EROFS, ...
 * HEM_ENAMETOOLONG: a path has 4096 bytes or more, or a name in it over 255.
 * HEM_ENOMEM and HEM_EAGAIN (no thread) may come from all that suspend.
 * hem_failure() tells the path of the call that failed.
 *
 * Cancellation. A call that changes something: before it has begun it is
 * dropped, HEM_ECANCELED, and nothing was changed; one that has begun is waited
 * for and returns how it ended; the request to cancel is delivered at the next
 * point. So its result is always the truth. A call that looks is left to
 * itself.
 */
#ifndef HEM_PATH_H
#define HEM_PATH_H

#include <dirent.h>
#include <sys/stat.h>

#include "base.h"

HEM_BEGIN_DECLS

typedef struct hem_stat_options {
    bool no_follow; /* tell of a symbolic link itself: lstat(2) */
} hem_stat_options;

/* Fill in what stat(2) knows of a file. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_stat(const char *path, struct stat *ret,
                               const hem_stat_options *opts);

typedef struct hem_rename_options {
    bool keep; /* HEM_EEXIST if there is a file called `to`; HEM_EINVAL: this
                  file system cannot see to that */
} hem_rename_options;

/* Rename a file, in place of the one called `to` if there is one: rename(2).
 * HEM_EXDEV: on another file system. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_rename(const char *from, const char *to,
                                 const hem_rename_options *opts);

/* Remove a name that is not a directory's. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_unlink(const char *path);

/* Make a directory, with `mode` less the umask; 0: 0777. [suspends]
 * [cancel point] */
HEM_API HEM_CHECK int hem_mkdir(const char *path, mode_t mode);

/* Remove an empty directory. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_rmdir(const char *path);

/* A directory that is being read: the caller's own, private. */
typedef struct hem_dir {
    struct hem__file *core; /* NULL: closed */
} hem_dir;

/* Declare a directory `var`, closed, that is closed with its block if it is
 * open then. */
#define HEM_DIR(var)                                                           \
    hem_dir var __attribute__((cleanup(hem__dir_cleanup))) = {NULL}

HEM_API void hem__dir_cleanup(hem_dir *d);

typedef struct hem_dir_entry {
    const char *name; /* in the hem_dir, valid until its next call */
    uint64_t inode;
    uint8_t type; /* DT_REG, DT_DIR, ...; DT_UNKNOWN: hem_stat() tells */
} hem_dir_entry;

/* Open the directory `path`. HEM_ENOTDIR; it is then closed. [suspends]
 * [cancel point] */
HEM_API HEM_CHECK int hem_dir_open(hem_dir *d, const char *path);

/*
 * Return 1 and the next entry, or 0 when there are no more; "." and ".." are
 * left out, the order is the file system's. Returns at once while entries are
 * left that were read ahead. No entry is lost if it is cancelled. HEM_EBADF:
 * not open; HEM_EBUSY: another task is in it. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_dir_next(hem_dir *d, hem_dir_entry *ret);

/* Close it. NULL does nothing; HEM_EBADF: not open. [loop thread] */
HEM_API int hem_dir_close(hem_dir *d);

HEM_END_DECLS

#endif

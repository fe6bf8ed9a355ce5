/* SPDX-License-Identifier: MIT */
/*
 * What a service does to its own process: pid files, other users, CPUs.
 * hem_prefork() does these by its options; they are for programs that are
 * services without it, too.
 *
 *     hem_pid_file pid_file;
 *     HEM_TRY(hem_pid_file_create(&pid_file, "/run/agent.pid"));
 *     hem_user user;
 *     HEM_TRY(hem_user_find(&user, "agent", NULL));
 *     HEM_TRY(hem_user_become(&user));
 *     ...
 *     hem_pid_file_remove(&pid_file);
 *
 * Nothing here needs a loop, or suspends. hem_user_find() may read files.
 */
#ifndef HEM_DAEMON_H
#define HEM_DAEMON_H

#include "base.h"

HEM_BEGIN_DECLS

/*
 * Return how many CPUs this process may use at once: its affinity, and the
 * quota of its cgroups (cpu.max of version 2, cpu.cfs_quota_us of version 1),
 * rounded up; at least 1. [any thread]
 */
HEM_API uint32_t hem_cpu_count(void);

/* Keep the calling thread on the `i`-th, modulo their number, of the CPUs that
 * it may use. HEM_EINVAL, HEM_EPERM: not allowed to. [any thread] */
HEM_API HEM_CHECK int hem_cpu_pin(uint32_t i);

/* A pid file that is ours. The caller's own; private. */
typedef struct hem_pid_file {
    char *path; /* NULL: none */
    int fd;     /* locked */
    uint64_t dev, ino;
} hem_pid_file;

/*
 * Write the pid of this process and a newline to a file at `path`, as a whole
 * or not at all (a new file, renamed), and hold a lock on it. The directory
 * must be writable. HEM_EEXIST: the file is locked by a process that lives:
 * hem_failure() names its pid. One that nobody holds is replaced.
 * HEM_ENAMETOOLONG, HEM_EINVAL: no path; HEM_ENOSPC, HEM_EDQUOT, HEM_EACCES,
 * HEM_EROFS, HEM_ENOENT, ...: nothing was written, what was there is untouched.
 * [any thread]
 */
HEM_API HEM_CHECK int hem_pid_file_create(hem_pid_file *p, const char *path);

/* Remove it, if what is at the path is still the file that was created, and
 * this process created it; unlock. NULL, and one that was removed, do nothing.
 * [any thread] */
HEM_API void hem_pid_file_remove(hem_pid_file *p);

#define HEM_USER_GROUPS 64

/* Whom to become. The caller may fill it in. */
typedef struct hem_user {
    uid_t uid;
    gid_t gid;
    gid_t groups[HEM_USER_GROUPS]; /* supplementary */
    size_t group_count;
} hem_user;

/*
 * Find `user` and `group`, each a name or a number; `group` NULL: the user's
 * own, with the supplementary groups that the user is in; with a group, only
 * that. HEM_ENOENT: no such user or group; hem_failure() says which. HEM_ELIMIT:
 * in more than 64 groups. Errors of reading the databases. [any thread]
 */
HEM_API HEM_CHECK int hem_user_find(hem_user *ret, const char *user,
                                    const char *group);

/*
 * Become that user, for good: supplementary groups, group, then user, real,
 * effective and saved; read back and verified. Who is that user already with
 * these groups is left alone. On any error the process should not go on.
 * HEM_EPERM. Not async-signal-safe; for the whole process. [any thread]
 */
HEM_API HEM_CHECK int hem_user_become(const hem_user *user);

HEM_END_DECLS

#endif

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
 * Nothing here needs a loop, or suspends. hem_user_find() may read files, or ask
 * servers of names. Why something failed is in the failure record of the current
 * task (hem_failure()), where there is none a line in the log.
 */
#ifndef HEM_DAEMON_H
#define HEM_DAEMON_H

#include "base.h"

HEM_BEGIN_DECLS

/*
 * Return how many CPUs this process may use at once: those of the calling
 * thread's affinity, or fewer where its cgroup, or one above it that can be
 * seen, has a quota (cpu.max of version 2, cpu.cfs_quota_us of version 1),
 * rounded up; at least 1. [any thread]
 */
HEM_API uint32_t hem_cpu_count(void);

/*
 * Keep the calling thread on the `i`-th, modulo their number, of the CPUs that
 * it may use, and what it forks as well; for good, for from then on there is
 * but one. HEM_EPERM, HEM_ENOSYS: not allowed to; HEM_EINVAL: they were taken
 * from it meanwhile; nothing has changed then. [any thread]
 */
HEM_API HEM_CHECK int hem_cpu_pin(uint32_t i);

/* A pid file that is ours. The caller's own; private. Zero: there is none. */
typedef struct hem_pid_file {
    struct hem__pid_file *held; /* NULL: none */
} hem_pid_file;

/*
 * Write the pid of this process and a newline to a file at `path`, as a whole
 * or not at all (a new file, renamed), readable by all, and hold a lock on it.
 * The lock is this process' alone: children of fork() do not have it. The
 * directory must be writable. One that nobody holds is replaced. HEM_EEXIST:
 * the file is held by a process that lives, whose pid hem_failure() tells, or
 * what is there is no regular file; HEM_EAGAIN: it changes all the time;
 * HEM_EINVAL, HEM_ENAMETOOLONG: no path; HEM_ENOSPC, HEM_EDQUOT, HEM_EACCES,
 * HEM_EROFS, HEM_ENOENT, HEM_ENOLCK, HEM_ENOMEM, HEM_EMFILE, ...: what was
 * there is untouched. [any thread]
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
 * Find `user` and `group`, each a name or, of digits only, a number; `group`
 * NULL: the user's own, with the supplementary groups that the user is in; with
 * a group, only that, and a number of a user need not be in the database.
 * HEM_ENOENT: no such user or group; hem_failure() says which. HEM_EINVAL:
 * empty, or a number that is none. HEM_ELIMIT: in more than 64 groups;
 * HEM_ENOMEM, HEM_EIO, HEM_EMFILE, ... of reading the databases. [any thread]
 */
HEM_API HEM_CHECK int hem_user_find(hem_user *ret, const char *user,
                                    const char *group);

/*
 * Become that user, for good: supplementary groups, group, then user, real,
 * effective and saved, of all threads; read back and verified, and whoever is
 * not root then cannot become root again. Who is that user with these groups
 * already is left alone. On any error the process should not go on: it may be
 * half of both. HEM_EPERM; HEM_EINVAL: not in this user namespace, or more
 * groups than there may be; HEM_ENOMEM, HEM_EAGAIN. The signal that this process
 * gets when its parent dies, if there is one, must be asked for again.
 * [any thread]
 */
HEM_API HEM_CHECK int hem_user_become(const hem_user *user);

HEM_END_DECLS

#endif

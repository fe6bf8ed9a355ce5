/* SPDX-License-Identifier: MIT */
/*
 * The calls behind the table of sys.h: each returns what its name does, and a
 * negative errno where that fails. Nothing else calls them.
 */
#ifndef HEM__BASE_SYSCALLS_H
#define HEM__BASE_SYSCALLS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <stdio.h>
#include <unistd.h>

#include "hem/error.h"

/* Newer than the headers of some systems that hem is built on. */
#define HEM__P_PIDFD                    3
#define HEM__PIDFD_SIGNAL_PROCESS_GROUP 4U
#define HEM__SYS_CLOSE_RANGE            436 /* on all CPUs */
#define HEM__CLOSE_RANGE_CLOEXEC        4U

#define HEM__RAW(type, name, params, call)                                     \
    static inline type hem__call_##name params                                 \
    {                                                                          \
        type rc = (type)(call);                                                \
        return rc < 0 ? (type)-errno : rc;                                     \
    }

/* clang-format off */
HEM__RAW(int, socket, (int domain, int type, int protocol), socket(domain, type, protocol))
HEM__RAW(int, bind, (int fd, const struct sockaddr *a, socklen_t n), bind(fd, a, n))
HEM__RAW(int, listen, (int fd, int backlog), listen(fd, backlog))
HEM__RAW(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
         accept4(fd, a, n, flags))
HEM__RAW(int, connect, (int fd, const struct sockaddr *a, socklen_t n), connect(fd, a, n))
HEM__RAW(int, getsockopt, (int fd, int level, int name, void *v, socklen_t *n),
         getsockopt(fd, level, name, v, n))
HEM__RAW(int, setsockopt, (int fd, int level, int name, const void *v, socklen_t n),
         setsockopt(fd, level, name, v, n))
HEM__RAW(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), getsockname(fd, a, n))
HEM__RAW(int, getpeername, (int fd, struct sockaddr *a, socklen_t *n), getpeername(fd, a, n))
HEM__RAW(int, shutdown, (int fd, int how), shutdown(fd, how))
HEM__RAW(int, chmod, (const char *path, mode_t mode), chmod(path, mode))
HEM__RAW(int, fchmod, (int fd, mode_t mode), fchmod(fd, mode))
HEM__RAW(ssize_t, recv, (int fd, void *p, size_t n, int flags), recv(fd, p, n, flags))
HEM__RAW(ssize_t, send, (int fd, const void *p, size_t n, int flags), send(fd, p, n, flags))
HEM__RAW(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), sendmsg(fd, m, flags))
HEM__RAW(int, socketpair, (int domain, int type, int protocol, int *fds),
         socketpair(domain, type, protocol, fds))
HEM__RAW(ssize_t, recvfrom,
         (int fd, void *p, size_t n, int flags, struct sockaddr *a, socklen_t *length),
         recvfrom(fd, p, n, flags, a, length))
HEM__RAW(ssize_t, sendto,
         (int fd, const void *p, size_t n, int flags, const struct sockaddr *a, socklen_t length),
         sendto(fd, p, n, flags, a, length))
HEM__RAW(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), recvmsg(fd, m, flags))
HEM__RAW(int, recvmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags),
         recvmmsg(fd, m, n, flags, (void *)0))
HEM__RAW(int, sendmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags),
         sendmmsg(fd, m, n, flags))
HEM__RAW(ssize_t, sendfile, (int out, int in, off_t *at, size_t n), sendfile(out, in, at, n))
HEM__RAW(ssize_t, read, (int fd, void *p, size_t n), read(fd, p, n))
HEM__RAW(ssize_t, write, (int fd, const void *p, size_t n), write(fd, p, n))
HEM__RAW(ssize_t, writev, (int fd, const struct iovec *v, int n), writev(fd, v, n))
HEM__RAW(ssize_t, pread, (int fd, void *p, size_t n, off_t at), pread(fd, p, n, at))
HEM__RAW(ssize_t, preadv2, (int fd, const struct iovec *v, int n, off_t at, int flags),
         preadv2(fd, v, n, at, flags))
HEM__RAW(off_t, lseek, (int fd, off_t by, int whence), lseek(fd, by, whence))
HEM__RAW(int, fstat, (int fd, struct stat *st), fstat(fd, st))
HEM__RAW(int, open, (const char *path, int flags, mode_t mode), open(path, flags, mode))
HEM__RAW(int, poll, (struct pollfd *p, nfds_t n, int ms), poll(p, n, ms))
HEM__RAW(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), pwrite(fd, p, n, at))
HEM__RAW(int, fstatat, (int dir, const char *path, struct stat *ret, int flags),
         fstatat(dir, path, ret, flags))
HEM__RAW(int, ftruncate, (int fd, off_t size), ftruncate(fd, size))
HEM__RAW(int, fsync, (int fd), fsync(fd))
HEM__RAW(int, fdatasync, (int fd), fdatasync(fd))
HEM__RAW(ssize_t, getdents64, (int fd, void *p, size_t n), getdents64(fd, p, n))
HEM__RAW(int, renameat2, (int dir, const char *from, int to_dir, const char *to, unsigned flags),
         renameat2(dir, from, to_dir, to, flags))
HEM__RAW(int, link, (const char *from, const char *to), link(from, to))
HEM__RAW(int, fcntl_lock, (int fd, int how, struct flock *lock), fcntl(fd, how, lock))
HEM__RAW(int, lstat, (const char *path, struct stat *ret), lstat(path, ret))
HEM__RAW(int, unlink, (const char *path), unlink(path))
HEM__RAW(int, unlinkat, (int dir, const char *path, int flags), unlinkat(dir, path, flags))
HEM__RAW(int, mkdir, (const char *path, mode_t mode), mkdir(path, mode))
/* What close() has returned, which is done in any case. */
HEM__RAW(int, close_result, (int result), result)
HEM__RAW(int, pipe2, (int *fds, int flags), pipe2(fds, flags))
HEM__RAW(int, fcntl_get, (int fd), fcntl(fd, F_GETFL))
HEM__RAW(int, fcntl_set, (int fd, int flags), fcntl(fd, F_SETFL, flags))
HEM__RAW(int, fcntl_pipe_size, (int fd, int size), fcntl(fd, F_SETPIPE_SZ, size))
HEM__RAW(int, epoll_create1, (int flags), epoll_create1(flags))
HEM__RAW(int, epoll_ctl, (int ep, int op, int fd, struct epoll_event *e), epoll_ctl(ep, op, fd, e))
HEM__RAW(int, eventfd, (unsigned int value, int flags), eventfd(value, flags))
HEM__RAW(int, signalfd, (int fd, const sigset_t *set, int flags), signalfd(fd, set, flags))
HEM__RAW(pid_t, fork, (void), fork())
HEM__RAW(int, pidfd_open, (pid_t pid), syscall(SYS_pidfd_open, pid, 0U))
HEM__RAW(int, pidfd_send_signal, (int fd, int signo),
         syscall(SYS_pidfd_send_signal, fd, signo, (void *)0, 0U))
HEM__RAW(int, pidfd_signal_group, (int fd, int signo),
         syscall(SYS_pidfd_send_signal, fd, signo, (void *)0, HEM__PIDFD_SIGNAL_PROCESS_GROUP))
HEM__RAW(int, kill, (pid_t pid, int signo), kill(pid, signo))
HEM__RAW(int, wait_pidfd, (int fd, siginfo_t *info, int flags),
         waitid((idtype_t)HEM__P_PIDFD, (id_t)fd, info, flags))
HEM__RAW(int, wait_pid, (pid_t pid, siginfo_t *info, int flags),
         waitid(P_PID, (id_t)pid, info, flags))
HEM__RAW(int, timerfd_create, (int clock, int flags), timerfd_create(clock, flags))
HEM__RAW(pid_t, clone_process, (int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd),
         clone(fn, stack, flags, arg, pidfd))
HEM__RAW(int, open_null, (void), open("/dev/null", O_RDWR | O_CLOEXEC))
HEM__RAW(int, fcntl_dup, (int fd, int least), fcntl(fd, F_DUPFD_CLOEXEC, least))
HEM__RAW(int, fcntl_set_fd, (int fd, int flags), fcntl(fd, F_SETFD, flags))
/* In the child of a vfork: not by a function that a sanitizer may have. */
HEM__RAW(int, dup2, (int from, int to), syscall(SYS_dup3, from, to, 0))
HEM__RAW(int, close_range_on_exec, (int first),
         syscall(HEM__SYS_CLOSE_RANGE, first, ~0U, HEM__CLOSE_RANGE_CLOEXEC))
HEM__RAW(int, chdir, (const char *path), chdir(path))
HEM__RAW(int, setsid, (void), setsid())
HEM__RAW(int, setpgid, (pid_t pid, pid_t group), setpgid(pid, group))
/* Of this thread alone: libc's would have all threads of the process do it. */
HEM__RAW(int, set_groups, (size_t n, const gid_t *ids), syscall(SYS_setgroups, n, ids))
HEM__RAW(int, set_gid, (gid_t id), syscall(SYS_setresgid, id, id, id))
HEM__RAW(int, set_uid, (uid_t id), syscall(SYS_setresuid, id, id, id))
/* Of the whole process. */
HEM__RAW(int, change_groups, (size_t n, const gid_t *ids), setgroups(n, ids))
HEM__RAW(int, change_gid, (gid_t id), setresgid(id, id, id))
HEM__RAW(int, change_uid, (uid_t id), setresuid(id, id, id))
/* Of this thread; the first returns how many bytes it has written. */
HEM__RAW(int, get_affinity, (void *mask, size_t bytes),
         syscall(SYS_sched_getaffinity, 0, bytes, mask))
HEM__RAW(int, set_affinity, (const void *mask, size_t bytes),
         syscall(SYS_sched_setaffinity, 0, bytes, mask))
HEM__RAW(int, set_rlimit, (int what, const uint64_t *soft_and_hard),
         syscall(SYS_prlimit64, 0, what, soft_and_hard, (void *)0))
HEM__RAW(int, nice, (int more),
         setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + more))
HEM__RAW(int, set_pdeathsig, (int signo), prctl(PR_SET_PDEATHSIG, signo, 0, 0, 0))
HEM__RAW(int, execve, (const char *path, char *const *argv, char *const *env),
         execve(path, argv, env))
HEM__RAW(int, guard_protect, (void *p, size_t bytes), mprotect(p, bytes, PROT_NONE))
HEM__RAW(int, sigaltstack, (const stack_t *ss, stack_t *old), sigaltstack(ss, old))
/* clang-format on */

#undef HEM__RAW

/* Those that are not plain calls. */

/* Wait up to `ns`, to the nanosecond where the kernel can (Linux 5.11), else
 * rounded up to a millisecond; negative: without limit. */
int hem__call_epoll_wait_ns(int ep, struct epoll_event *e, int max, int64_t ns);

/* A child that is a copy of this process, without what fork() has others do;
 * and a pidfd of it, -1 where there is none so. */
pid_t hem__call_fork_bare(int *ret_pidfd);

/* Address space for stacks: zero, private, not reserved, no huge pages. */
int hem__call_map_stacks(void **ret, size_t bytes);

/* Memory, zero, that is shared with children of fork(). */
int hem__call_map_shared(void **ret, size_t bytes);

/* Make pages that fault, in a mapping; HEM_EINVAL: not on this kernel. */
int hem__call_guard_region(void *p, size_t bytes);

/* io_uring: make one, map a part of it, have it take one submission. */
struct io_uring_params;
int hem__call_uring_setup(unsigned entries, struct io_uring_params *p);
int hem__call_uring_map(void **ret, int fd, size_t bytes, off_t at);
int hem__call_uring_submit(int fd);

/* Open what can be opened without waiting: names and inodes are in memory.
 * HEM_EAGAIN: it cannot, or this kernel (before 5.12) cannot tell. */
int hem__call_open_cached(const char *path, int flags);

/* Read and write what can be without waiting for a disk: HEM_EAGAIN else.
 * HEM_ENOTSUP: this file system cannot tell. `at` -1: at the kernel's
 * position. */
ssize_t hem__call_pread_nowait(int fd, void *p, size_t n, off_t at);
ssize_t hem__call_pwrite_nowait(int fd, const void *p, size_t n, off_t at);

/* How many signals were read from a signalfd, up to `max`. */
static inline int hem__call_read_signals(int fd, struct signalfd_siginfo *infos,
                                         int max)
{
    ssize_t n = read(fd, infos, (size_t)max * sizeof(*infos));
    return n < 0 ? -errno : (int)(n / (ssize_t)sizeof(*infos));
}

static inline int hem__call_thread_create(pthread_t *t, const pthread_attr_t *a,
                                          void *(*f)(void *), void *p)
{
    return -pthread_create(t, a, f, p);
}

static inline int hem__call_at_fork(void (*before)(void), void (*parent)(void),
                                    void (*child)(void))
{
    return -pthread_atfork(before, parent, child);
}

static inline int hem__call_get_cwd(char *buf, size_t size)
{
    return getcwd(buf, size) ? 0 : -errno;
}

/* Who has this name, or number: 1 found, 0 nobody. HEM_ERANGE: `size` bytes
 * for the strings are too few. */
int hem__call_find_user(const char *name, struct passwd *ret, char *buf,
                        size_t size);
int hem__call_find_uid(uid_t id, struct passwd *ret, char *buf, size_t size);
int hem__call_find_group(const char *name, struct group *ret, char *buf,
                         size_t size);

/* The groups that a user is in, `group` among them: how many. HEM_ELIMIT: more
 * than `max`. */
int hem__call_list_groups(const char *user, gid_t group, gid_t *ret, int max);

/* getaddrinfo with hem's errors. */
int hem__call_resolve(const char *host, const struct addrinfo *hints,
                      struct addrinfo **ret);

/* getnameinfo, of the host only, with hem's errors. HEM_ENAME: also if `size`
 * bytes are too few for the name and its NUL. */
int hem__call_resolve_name(const struct sockaddr *a, socklen_t n, char *name,
                           socklen_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Every call to libc or the kernel that can fail, in one table: hem__sys_NAME
 * is called instead of NAME. They return what the call returns, but errors as
 * negative errnos, so errno is read in one place. In a release build they are
 * the calls themselves; in the torture build (HEM_TORTURE) each asks the
 * fault injector first (fault.h), which may make it fail in one of the ways
 * that the call's manual page allows, listed here, and some of them may do
 * less than they could (evil.h).
 *
 *   X(type, name, parameters, arguments, errors)      calls NAME
 *
 * The errors are those that hem can meet: none that would be a mistake of hem's
 * (EFAULT), and none that would be a lie about what the kernel knows, such as
 * EAGAIN from a socket that is ready, whose edge would not come again, EINTR
 * from a connect that does not block, ESRCH and ECHILD of a child that is
 * there. Errors of hem's own are negated.
 *
 * Calls that cannot fail by contract (close, munmap, clock_gettime) are not in
 * the table; tools/check-seam knows them.
 */
#ifndef HEM__BASE_SYS_H
#define HEM__BASE_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/syscalls.h"

/* clang-format off */
#define HEM__SYSCALLS(X)                                                                        \
    X(int, socket, (int domain, int type, int protocol), (domain, type, protocol),              \
      (EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT))                                  \
    X(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),                   \
      (EADDRINUSE, EACCES, EADDRNOTAVAIL))                                                      \
    X(int, listen, (int fd, int backlog), (fd, backlog), (EADDRINUSE))                          \
    X(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags),   \
      (EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, EPERM, EPROTO, ENETDOWN,           \
       EHOSTUNREACH, ENETUNREACH, EOPNOTSUPP))                                                  \
    X(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),                \
      (ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, ETIMEDOUT, EACCES, EPERM, EAGAIN))             \
    X(int, getsockopt, (int fd, int level, int name, void *v, socklen_t *n),                    \
      (fd, level, name, v, n), (ENOBUFS))                                                       \
    X(int, setsockopt, (int fd, int level, int name, const void *v, socklen_t n),               \
      (fd, level, name, v, n), (ENOBUFS, ENOMEM))                                               \
    X(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), (ENOBUFS))      \
    X(int, getpeername, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n),                 \
      (ENOBUFS, ENOTCONN))                                                                      \
    X(int, shutdown, (int fd, int how), (fd, how), (ENOTCONN))                                  \
    X(int, chmod, (const char *path, mode_t mode), (path, mode), (EPERM, EROFS, ENOMEM))        \
    X(int, fchmod, (int fd, mode_t mode), (fd, mode), (EPERM))                                  \
    X(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags),                 \
      (EINTR, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOMEM))                                     \
    X(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags),           \
      (EINTR, EPIPE, ECONNRESET, ETIMEDOUT, ENOBUFS, ENOMEM))                                   \
    X(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags),            \
      (EINTR, EPIPE, ECONNRESET, ETIMEDOUT, ENOBUFS, ENOMEM))                                   \
    X(int, socketpair, (int domain, int type, int protocol, int *fds),                          \
      (domain, type, protocol, fds), (EMFILE, ENFILE, ENOMEM))                                  \
    X(ssize_t, recvfrom,                                                                        \
      (int fd, void *p, size_t n, int flags, struct sockaddr *a, socklen_t *length),            \
      (fd, p, n, flags, a, length), (EINTR, ECONNREFUSED, ENOMEM))                              \
    X(ssize_t, sendto,                                                                          \
      (int fd, const void *p, size_t n, int flags, const struct sockaddr *a, socklen_t length), \
      (fd, p, n, flags, a, length), (EINTR, ECONNREFUSED, EMSGSIZE, ENOBUFS, ENETUNREACH))      \
    X(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), (EINTR, ENOMEM)) \
    X(int, recvmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags), (fd, m, n, flags),     \
      (EINTR, ECONNREFUSED, ENOMEM))                                                            \
    X(int, sendmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags), (fd, m, n, flags),     \
      (EINTR, ECONNREFUSED, EMSGSIZE, ENOBUFS, ENETUNREACH))                                    \
    X(ssize_t, sendfile, (int out, int in, off_t *at, size_t n), (out, in, at, n),              \
      (EINTR, EIO, EINVAL, ENOMEM, EPIPE, ECONNRESET))                                          \
    X(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), (EINTR, EIO))                     \
    X(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n),                            \
      (EINTR, EIO, ENOSPC, EPIPE))                                                              \
    X(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n),                      \
      (EINTR, EIO, ENOSPC, EPIPE))                                                              \
    X(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), (EINTR, EIO))      \
    X(ssize_t, preadv2, (int fd, const struct iovec *v, int n, off_t at, int flags),            \
      (fd, v, n, at, flags), (EAGAIN, EOPNOTSUPP, ENOSYS, EIO))                                 \
    X(off_t, lseek, (int fd, off_t by, int whence), (fd, by, whence), (ESPIPE))                 \
    X(int, fstat, (int fd, struct stat *st), (fd, st), (ENOMEM, EOVERFLOW))                     \
    X(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode),               \
      (EMFILE, ENFILE, ENOMEM, ENOENT, EACCES))                                                 \
    X(int, poll, (struct pollfd *p, nfds_t n, int ms), (p, n, ms), (EINTR, ENOMEM))             \
    X(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at),             \
      (EINTR, EIO, ENOSPC, EDQUOT))                                                             \
    X(ssize_t, pread_nowait, (int fd, void *p, size_t n, off_t at), (fd, p, n, at),             \
      (EAGAIN, EINTR, EOPNOTSUPP, EIO))                                                         \
    X(ssize_t, pwrite_nowait, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at),      \
      (EAGAIN, EINTR, EOPNOTSUPP, ENOSPC))                                                      \
    X(int, open_cached, (const char *path, int flags), (path, flags),                           \
      (EAGAIN, EMFILE, ENFILE, ENOMEM))                                                         \
    X(int, fstatat, (int dir, const char *path, struct stat *ret, int flags),                   \
      (dir, path, ret, flags), (EIO, ENOMEM, EACCES))                                           \
    X(int, ftruncate, (int fd, off_t size), (fd, size), (EINTR, EIO, EFBIG))                    \
    X(int, fsync, (int fd), (fd), (EINTR, EIO, ENOSPC))                                         \
    X(int, fdatasync, (int fd), (fd), (EINTR, EIO, ENOSPC))                                     \
    X(ssize_t, getdents64, (int fd, void *p, size_t n), (fd, p, n), (EIO, ENOMEM))              \
    X(int, renameat2,                                                                           \
      (int dir, const char *from, int to_dir, const char *to, unsigned flags),                  \
      (dir, from, to_dir, to, flags), (EACCES, ENOSPC, EIO, EXDEV, EINVAL))                     \
    X(int, link, (const char *from, const char *to), (from, to), (EACCES, EIO, EMLINK, ENOSPC)) \
    X(int, get_cwd, (char *buf, size_t size), (buf, size), (EACCES, ENOENT, ENOMEM))            \
    X(int, fcntl_lock, (int fd, int how, struct flock *lock), (fd, how, lock),                  \
      (EINTR, ENOLCK))                                                                          \
    X(int, lstat, (const char *path, struct stat *ret), (path, ret),                            \
      (EACCES, ENOENT, ENOMEM))                                                                 \
    X(int, unlink, (const char *path), (path), (EACCES, EPERM, EBUSY, EROFS, ENOMEM))           \
    X(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags),                \
      (EACCES, EBUSY, EIO))                                                                     \
    X(int, mkdir, (const char *path, mode_t mode), (path, mode), (EACCES, ENOSPC, EDQUOT))      \
    X(int, uring_setup, (unsigned entries, struct io_uring_params *p), (entries, p),            \
      (ENOMEM, ENOSYS, EPERM, EMFILE))                                                          \
    X(int, uring_submit, (int fd), (fd), (EAGAIN, EBUSY, EINTR, ENOMEM))                        \
    X(int, uring_map, (void **ret, int fd, size_t bytes, off_t at), (ret, fd, bytes, at),       \
      (ENOMEM, EAGAIN))                                                                         \
    X(int, close_result, (int result), (result), (EIO, ENOSPC, EDQUOT))                         \
    X(int, pipe2, (int *fds, int flags), (fds, flags), (EMFILE, ENFILE))                        \
    X(int, fcntl_get, (int fd), (fd), (EBADF))                                                  \
    X(int, fcntl_set, (int fd, int flags), (fd, flags), (EBADF))                                \
    X(int, fcntl_pipe_size, (int fd, int size), (fd, size), (EPERM, EBUSY, ENOMEM))             \
    X(int, epoll_create1, (int flags), (flags), (EMFILE, ENFILE, ENOMEM))                       \
    X(int, epoll_ctl, (int ep, int op, int fd, struct epoll_event *e), (ep, op, fd, e),         \
      (ENOMEM, ENOSPC))                                                                         \
    X(int, epoll_wait_ns, (int ep, struct epoll_event *e, int max, int64_t ns),                 \
      (ep, e, max, ns), (EINTR))                                                                \
    X(int, eventfd, (unsigned int value, int flags), (value, flags),                            \
      (EMFILE, ENFILE, ENOMEM, ENODEV))                                                         \
    X(int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags),                \
      (EMFILE, ENFILE, ENOMEM, ENODEV))                                                         \
    X(int, read_signals, (int fd, struct signalfd_siginfo *infos, int max), (fd, infos, max),   \
      (EINTR))                                                                                  \
    X(int, thread_create, (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *p), \
      (t, a, f, p), (EAGAIN))                                                                   \
    X(int, resolve, (const char *host, const struct addrinfo *hints, struct addrinfo **ret),    \
      (host, hints, ret), (ENOMEM, -HEM_ENAME, -HEM_ENAMETEMP, EMFILE))                         \
    X(int, resolve_name, (const struct sockaddr *a, socklen_t n, char *name, socklen_t size),   \
      (a, n, name, size), (ENOMEM, -HEM_ENAME, -HEM_ENAMETEMP))                                 \
    X(pid_t, fork, (void), (), (EAGAIN, ENOMEM))                                                \
    X(int, pidfd_open, (pid_t pid), (pid), (EMFILE, ENFILE, ENOMEM, ENODEV, ENOSYS, EPERM))     \
    X(int, pidfd_send_signal, (int fd, int signo), (fd, signo), (EPERM))                        \
    X(int, pidfd_signal_group, (int fd, int signo), (fd, signo), (EPERM, EINVAL))               \
    X(int, kill, (pid_t pid, int signo), (pid, signo), (EPERM))                                 \
    X(int, wait_pidfd, (int fd, siginfo_t *info, int flags), (fd, info, flags), (EINTR))        \
    X(int, wait_pid, (pid_t pid, siginfo_t *info, int flags), (pid, info, flags), (EINTR))      \
    X(int, timerfd_create, (int clock, int flags), (clock, flags),                              \
      (EMFILE, ENFILE, ENOMEM, ENODEV))                                                         \
    X(pid_t, clone_process, (int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd),    \
      (fn, stack, flags, arg, pidfd), (EAGAIN, ENOMEM, EMFILE, ENFILE))                         \
    X(pid_t, fork_bare, (int *ret_pidfd), (ret_pidfd), (EAGAIN, ENOMEM, EMFILE, ENFILE))        \
    X(int, open_null, (void), (), (EMFILE, ENFILE, ENOENT, ENOMEM))                             \
    X(int, fcntl_dup, (int fd, int least), (fd, least), (EMFILE))                               \
    X(int, fcntl_set_fd, (int fd, int flags), (fd, flags), (EBADF))                             \
    X(int, dup2, (int from, int to), (from, to), (EBADF, EMFILE))                               \
    X(int, close_range_on_exec, (int first), (first), (ENOSYS, EINVAL))                         \
    X(int, chdir, (const char *path), (path), (ENOENT, EACCES, ENOTDIR, ENOMEM, EIO))           \
    X(int, setsid, (void), (), (EPERM))                                                         \
    X(int, setpgid, (pid_t pid, pid_t group), (pid, group), (EPERM))                            \
    X(int, set_groups, (size_t n, const gid_t *ids), (n, ids), (EPERM, ENOMEM))                 \
    X(int, set_gid, (gid_t id), (id), (EPERM, EINVAL))                                          \
    X(int, set_uid, (uid_t id), (id), (EPERM, EAGAIN))                                          \
    X(int, find_user, (const char *name, struct passwd *ret, char *buf, size_t size),           \
      (name, ret, buf, size), (EINTR, EIO, EMFILE, ENFILE, ENOMEM, ERANGE))                     \
    X(int, find_uid, (uid_t id, struct passwd *ret, char *buf, size_t size),                    \
      (id, ret, buf, size), (EINTR, EIO, EMFILE, ENFILE, ENOMEM, ERANGE))                       \
    X(int, find_group, (const char *name, struct group *ret, char *buf, size_t size),           \
      (name, ret, buf, size), (EINTR, EIO, EMFILE, ENFILE, ENOMEM, ERANGE))                     \
    X(int, list_groups, (const char *user, gid_t group, gid_t *ret, int max),                   \
      (user, group, ret, max), (ENOMEM))                                                        \
    X(int, change_groups, (size_t n, const gid_t *ids), (n, ids), (EPERM, ENOMEM))              \
    X(int, change_gid, (gid_t id), (id), (EPERM, EINVAL))                                       \
    X(int, change_uid, (uid_t id), (id), (EPERM, EINVAL, EAGAIN))                               \
    X(int, get_affinity, (void *mask, size_t bytes), (mask, bytes), (ENOSYS, EPERM))            \
    X(int, set_affinity, (const void *mask, size_t bytes), (mask, bytes), (EINVAL, EPERM))      \
    X(int, at_fork, (void (*before)(void), void (*parent)(void), void (*child)(void)),          \
      (before, parent, child), (ENOMEM))                                                        \
    X(int, set_rlimit, (int what, const uint64_t *limit), (what, limit), (EPERM, EINVAL))        \
    X(int, nice, (int more), (more), (EACCES, EPERM))                                           \
    X(int, set_pdeathsig, (int signo), (signo), (EINVAL))                                       \
    X(int, execve, (const char *path, char *const *argv, char *const *env),                     \
      (path, argv, env), (ENOENT, EACCES, ENOEXEC, E2BIG, ENOMEM, ETXTBSY, EAGAIN, EIO))        \
    X(int, map_stacks, (void **ret, size_t bytes), (ret, bytes), (ENOMEM, EAGAIN))              \
    X(int, map_shared, (void **ret, size_t bytes), (ret, bytes), (ENOMEM))                      \
    X(int, guard_region, (void *p, size_t bytes), (p, bytes), (EINVAL, ENOMEM, EAGAIN))         \
    X(int, guard_protect, (void *p, size_t bytes), (p, bytes), (ENOMEM))                        \
    X(int, sigaltstack, (const stack_t *ss, stack_t *old), (ss, old), (ENOMEM, EPERM))
/* clang-format on */

/* Numbers of the calls, for the injector; alloc is the allocator. */
enum hem__sys_id {
    HEM__SYS_alloc,
#define HEM__ID(type, name, params, args, errors) HEM__SYS_##name,
    HEM__SYSCALLS(HEM__ID)
#undef HEM__ID
        HEM__SYS_COUNT
};

#ifdef HEM_TORTURE
#include "base/evil.h"

/* 0: go on; else the negative errno with which the call is to fail. The second
 * is told where in the code it is made, the first finds out. */
int hem__fault(enum hem__sys_id id);
int hem__fault_at(enum hem__sys_id id, const void *site);
#else
static inline int hem__fault(enum hem__sys_id id)
{
    (void)id;
    return 0;
}

static inline int hem__fault_at(enum hem__sys_id id, const void *site)
{
    (void)id;
    (void)site;
    return 0;
}
#endif

#define HEM__DEFINE(type, name, params, args, errors)                          \
    static inline type hem__sys_##name params                                  \
    {                                                                          \
        int fault = hem__fault(HEM__SYS_##name);                               \
        return fault ? (type)fault : hem__call_##name args;                    \
    }
HEM__SYSCALLS(HEM__DEFINE)
#undef HEM__DEFINE

#endif

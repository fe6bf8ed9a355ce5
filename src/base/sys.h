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
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
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
    X(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags),                 \
      (EINTR, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOMEM))                                     \
    X(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags),           \
      (EINTR, EPIPE, ECONNRESET, ETIMEDOUT, ENOBUFS, ENOMEM))                                   \
    X(ssize_t, sendfile, (int out, int in, off_t *at, size_t n), (out, in, at, n),              \
      (EINTR, EIO, EINVAL, ENOMEM, EPIPE, ECONNRESET))                                          \
    X(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), (EINTR, EIO))                     \
    X(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n),                            \
      (EINTR, EIO, ENOSPC, EPIPE))                                                              \
    X(int, pipe2, (int *fds, int flags), (fds, flags), (EMFILE, ENFILE))                        \
    X(int, fcntl_get, (int fd), (fd), (EBADF))                                                  \
    X(int, fcntl_set, (int fd, int flags), (fd, flags), (EBADF))                                \
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
    X(pid_t, fork, (void), (), (EAGAIN, ENOMEM))                                                \
    X(int, pidfd_open, (pid_t pid), (pid), (EMFILE, ENFILE, ENOMEM, ENODEV))                    \
    X(int, pidfd_send_signal, (int fd, int signo), (fd, signo), (EPERM))                        \
    X(int, wait_pidfd, (int fd, siginfo_t *info, int flags), (fd, info, flags), (EINTR))        \
    X(int, map_stacks, (void **ret, size_t bytes), (ret, bytes), (ENOMEM, EAGAIN))              \
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

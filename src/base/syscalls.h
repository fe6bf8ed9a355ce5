/* SPDX-License-Identifier: MIT */
/*
 * The calls behind the table of sys.h: each returns what its name does, and a
 * negative errno where that fails. Nothing else calls them.
 */
#ifndef HEM__BASE_SYSCALLS_H
#define HEM__BASE_SYSCALLS_H

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hem/error.h"

/* Newer than the headers of some systems that hem is built on. */
#define HEM__P_PIDFD 3

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
HEM__RAW(int, lstat, (const char *path, struct stat *ret), lstat(path, ret))
HEM__RAW(int, unlink, (const char *path), unlink(path))
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
HEM__RAW(int, wait_pidfd, (int fd, siginfo_t *info, int flags),
         waitid((idtype_t)HEM__P_PIDFD, (id_t)fd, info, flags))
HEM__RAW(int, guard_protect, (void *p, size_t bytes), mprotect(p, bytes, PROT_NONE))
HEM__RAW(int, sigaltstack, (const stack_t *ss, stack_t *old), sigaltstack(ss, old))
/* clang-format on */

#undef HEM__RAW

/* Those that are not plain calls. */

/* Wait up to `ns`, to the nanosecond where the kernel can (Linux 5.11), else
 * rounded up to a millisecond; negative: without limit. */
int hem__call_epoll_wait_ns(int ep, struct epoll_event *e, int max, int64_t ns);

/* Address space for stacks: zero, private, not reserved, no huge pages. */
int hem__call_map_stacks(void **ret, size_t bytes);

/* Make pages that fault, in a mapping; HEM_EINVAL: not on this kernel. */
int hem__call_guard_region(void *p, size_t bytes);

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

/* getaddrinfo with hem's errors. */
int hem__call_resolve(const char *host, const struct addrinfo *hints,
                      struct addrinfo **ret);

/* getnameinfo, of the host only, with hem's errors. HEM_ENAME: also if `size`
 * bytes are too few for the name and its NUL. */
int hem__call_resolve_name(const struct sockaddr *a, socklen_t n, char *name,
                           socklen_t size);

#endif

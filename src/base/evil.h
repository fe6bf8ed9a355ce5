/* SPDX-License-Identifier: MIT */
/*
 * Evil I/O, in the torture build only (HEM_TORTURE): the calls of the table in
 * sys.h that move bytes, accept, connect and wait for events do what the kernel
 * may do, and seldom does. To be had by
 *
 *     HEM_EVIL=17 program             drawn from 17, one call in five
 *     HEM_EVIL=17:0.5 program         every second call
 *
 *   reads, writes      a few bytes instead of all; EINTR; EAGAIN although
 *                      there is something, or room
 *   accept4            EINTR, EAGAIN, ECONNABORTED
 *   connect            asked again: EALREADY although it is connected
 *   epoll_wait         EINTR; events in any order, some twice, some split,
 *                      some at the next call
 *
 * What a program sees must be the same. hem relies on edges, and takes less
 * than it asked for as a sign that there is no more; so whenever a call did
 * less than the kernel would have, the edge comes (again), by EPOLL_CTL_MOD with
 * what the descriptor is watched for; and where epoll sees no room, all is
 * written that goes. Left alone are: files, whose calls do all
 * they are asked to; datagrams, but for how many of a batch; peeks.
 *
 * The same seed gives the same answers to the same calls in the same order, so
 * where one thread makes them.
 */
#ifndef HEM__BASE_EVIL_H
#define HEM__BASE_EVIL_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct mmsghdr;

/* Be evil from now on, in `percent` of the calls; 0: no more. While no other
 * thread uses hem. */
void hem__evil_set(uint64_t seed, unsigned percent);

/* How often it was, in this process. [any thread] */
uint64_t hem__evil_count(void);

/* The calls, as those of syscalls.h; some have no entry there yet. */
ssize_t hem__evil_recv(int fd, void *p, size_t n, int flags);
ssize_t hem__evil_send(int fd, const void *p, size_t n, int flags);
ssize_t hem__evil_read(int fd, void *p, size_t n);
ssize_t hem__evil_write(int fd, const void *p, size_t n);
ssize_t hem__evil_readv(int fd, const struct iovec *v, int n);
ssize_t hem__evil_writev(int fd, const struct iovec *v, int n);
ssize_t hem__evil_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t hem__evil_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t hem__evil_recvfrom(int fd, void *p, size_t n, int flags,
                           struct sockaddr *a, socklen_t *length);
ssize_t hem__evil_sendto(int fd, const void *p, size_t n, int flags,
                         const struct sockaddr *a, socklen_t length);
int hem__evil_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int hem__evil_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
ssize_t hem__evil_sendfile(int out, int in, off_t *at, size_t n);
int hem__evil_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int hem__evil_connect(int fd, const struct sockaddr *a, socklen_t n);
int hem__evil_epoll_create1(int flags);
int hem__evil_epoll_ctl(int ep, int op, int fd, struct epoll_event *e);
int hem__evil_epoll_wait_ns(int ep, struct epoll_event *e, int max, int64_t ns);

/* In the functions of sys.h these stand for those of syscalls.h. */
#define hem__call_recv          hem__evil_recv
#define hem__call_send          hem__evil_send
#define hem__call_read          hem__evil_read
#define hem__call_write         hem__evil_write
#define hem__call_readv         hem__evil_readv
#define hem__call_writev        hem__evil_writev
#define hem__call_recvmsg       hem__evil_recvmsg
#define hem__call_sendmsg       hem__evil_sendmsg
#define hem__call_recvfrom      hem__evil_recvfrom
#define hem__call_sendto        hem__evil_sendto
#define hem__call_recvmmsg      hem__evil_recvmmsg
#define hem__call_sendmmsg      hem__evil_sendmmsg
#define hem__call_sendfile      hem__evil_sendfile
#define hem__call_accept4       hem__evil_accept4
#define hem__call_connect       hem__evil_connect
#define hem__call_epoll_create1 hem__evil_epoll_create1
#define hem__call_epoll_ctl     hem__evil_epoll_ctl
#define hem__call_epoll_wait_ns hem__evil_epoll_wait_ns

#endif

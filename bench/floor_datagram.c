/* SPDX-License-Identifier: MIT */
/*
 * The floor under a UDP echo server: epoll and nothing else, one thread.
 *
 * The socket is registered once, edge-triggered, and read until it is empty: a
 * request takes a recvfrom and a sendto, beside its share of an epoll_wait and
 * of the recvfrom that finds nothing. With the argument "many", recvmmsg and
 * sendmmsg. What the kernel does not take is dropped.
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "floor_server.h"

#define DATAGRAM_MAX 65536
#define BATCH        32

static char data[BATCH][DATAGRAM_MAX];

/* Echo until there is nothing. */
static void echo(int fd)
{
    for (;;) {
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        ssize_t n = recvfrom(fd, data[0], DATAGRAM_MAX, 0,
                             (struct sockaddr *)&from, &length);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            die("recvfrom");
        (void)!sendto(fd, data[0], (size_t)n, MSG_NOSIGNAL,
                      (struct sockaddr *)&from, length);
    }
}

static void echo_many(int fd)
{
    static struct mmsghdr m[BATCH];
    static struct iovec parts[BATCH];
    static struct sockaddr_storage from[BATCH];
    int n;
    do {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){data[i], DATAGRAM_MAX};
            m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                           .msg_namelen = sizeof(from[i]),
                                           .msg_iov = &parts[i],
                                           .msg_iovlen = 1};
        }
        n = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            die("recvmmsg");
        for (int i = 0; i < n; i++)
            parts[i].iov_len = m[i].msg_len;
        (void)!sendmmsg(fd, m, (unsigned)n, MSG_NOSIGNAL);
    } while (n == BATCH);
}

static int open_socket(void)
{
    int size = 4 << 20;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
        die("socket");
    tell_port(bind_somewhere(fd));
    return fd;
}

static void watch(int poller, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void serve(int poller, int socket, bool many)
{
    struct epoll_event events[2];
    for (;;) {
        int n = epoll_wait(poller, events, 2, -1);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd != socket)
                return;
            if (many)
                echo_many(socket);
            else
                echo(socket);
        }
    }
}

int main(int argc, char **argv)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1");
    watch(poller, open_terminator());
    int fd = open_socket();
    watch(poller, fd);
    serve(poller, fd, argc > 1 && strcmp(argv[1], "many") == 0);
    bench_print_usage();
    return 0;
}

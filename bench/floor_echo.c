/* SPDX-License-Identifier: MIT */
/*
 * The floor under an echo server: epoll and nothing else, one thread.
 *
 * Descriptors are registered once, edge-triggered for both directions. A read
 * that brings less than was asked for means that the socket is empty, so a
 * request takes two system calls, recv and send, beside its share of an
 * epoll_wait. One buffer serves all connections; what the kernel does not take
 * at once is copied and sent when the socket becomes writable.
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "floor_server.h"

#define BUFFER_BYTES (64 * 1024)
#define EVENTS_MAX   256

struct connection {
    int fd;
    char *unsent; /* what the kernel did not take, or NULL */
    size_t begin; /* of the bytes still to be sent */
    size_t end;   /* behind them */
};

static char buffer[BUFFER_BYTES];

/* What the events of the two other descriptors point at. */
static struct connection listener, terminator;

static void watch(int poller, struct connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
}

static void hang_up(struct connection *c)
{
    close(c->fd);
    free(c->unsent);
    free(c);
}

/* Accept all that wait. */
static void welcome(int poller)
{
    for (;;) {
        int fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EAGAIN)
            return;
        if (fd < 0)
            die("accept4");
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct connection *c = calloc(1, sizeof(*c));
        if (!c)
            die("calloc");
        c->fd = fd;
        watch(poller, c, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
}

/* Keep what was not sent. */
static bool keep(struct connection *c, const char *bytes, size_t size)
{
    c->unsent = malloc(size);
    if (!c->unsent)
        return false;
    memcpy(c->unsent, bytes, size);
    c->begin = 0;
    c->end = size;
    return true;
}

/* Send what was kept. False: the connection is broken. */
static bool flush(struct connection *c)
{
    ssize_t n =
        send(c->fd, c->unsent + c->begin, c->end - c->begin, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN;
    c->begin += (size_t)n;
    if (c->begin == c->end) {
        free(c->unsent);
        c->unsent = NULL;
    }
    return true;
}

/* Send what was read. False: the connection is broken. */
static bool answer(struct connection *c, size_t size)
{
    ssize_t n = send(c->fd, buffer, size, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        return false;
    size_t sent = n < 0 ? 0 : (size_t)n;
    return sent == size || keep(c, buffer + sent, size - sent);
}

/* Echo until there is nothing to read, or the peer reads too slowly. False:
 * it has gone. */
static bool echo(struct connection *c, uint32_t events)
{
    if (c->unsent && !flush(c))
        return false;
    while (!c->unsent) {
        ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0);
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0 || !answer(c, (size_t)n))
            return false;
        if (n < BUFFER_BYTES && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
            return true;
    }
    return true;
}

/* Serve until SIGTERM. */
static void serve(int poller)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS_MAX, -1);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == &listener)
                welcome(poller);
            else if (c == &terminator)
                return;
            else if (!echo(c, events[i].events))
                hang_up(c);
        }
    }
}

static int open_listener(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    int port = bind_somewhere(fd);
    if (listen(fd, 4096) < 0)
        die("listen");
    tell_port(port);
    return fd;
}

int main(void)
{
    (void)bench_raise_descriptors();
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1");
    terminator.fd = open_terminator();
    watch(poller, &terminator, EPOLLIN);
    listener.fd = open_listener();
    watch(poller, &listener, EPOLLIN | EPOLLET);
    serve(poller);
    bench_print_usage();
    return 0;
}

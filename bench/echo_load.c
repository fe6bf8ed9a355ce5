/* SPDX-License-Identifier: MIT */
/*
 * The load for an echo server on this machine, one thread.
 *
 *     echo_load PORT CONNECTIONS BYTES SECONDS [SERVER_PID]
 *
 * Each connection has one request of BYTES under way at a time. After a
 * warm-up of a fifth of SECONDS and at least one answer to each connection,
 * requests are counted, and the server's CPU clock is read before and after.
 * Each answer must have the length of its request and, in its first bytes,
 * the connection and the number of the request; else the program fails. Prints
 *
 *     requests 231021 count
 *     requests_per_second 115510 1/s
 *     latency_p50 412.0 us
 *     latency_p99 633.0 us
 *     cpu_per_request 7.123 us        (with SERVER_PID)
 */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define EVENTS_MAX  256
#define REQUEST_MAX (1 << 20)

/* What tells a request from all others; at its beginning. */
struct stamp {
    uint32_t connection;
    uint32_t number;
};

struct connection {
    int fd;
    struct stamp stamp; /* of the request under way */
    size_t sent;        /* of it */
    size_t received;    /* of its answer */
    int64_t started;    /* when it was sent first */
};

struct load {
    struct load_core core;
    struct connection *connections; /* as many as counted there */
    int poller;
};

static char request[REQUEST_MAX], answer[REQUEST_MAX];

/* Send the rest of the request, as far as the kernel takes it. */
static void send_rest(struct load *l, struct connection *c)
{
    memcpy(request, &c->stamp, sizeof(c->stamp));
    ssize_t n =
        send(c->fd, request + c->sent, l->core.bytes - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        load_die("send");
    if (n > 0)
        c->sent += (size_t)n;
}

static void send_next(struct load *l, struct connection *c, int64_t time)
{
    c->stamp.number++;
    c->sent = c->received = 0;
    c->started = time;
    send_rest(l, c);
}

static void complete(struct load *l, struct connection *c)
{
    send_next(l, c, load_answered(&l->core, c->stamp.number, c->started));
}

/* Check that the answer begins as the request. */
static void check_stamp(const struct load *l, const struct connection *c,
                        size_t n)
{
    if (c->received == 0 && n >= sizeof(c->stamp) &&
        memcmp(answer, &c->stamp, sizeof(c->stamp)) != 0)
        load_fail(&l->core, "an answer to another request");
}

/* Take what has come; a short read means that there is no more. */
static void receive(struct load *l, struct connection *c)
{
    for (;;) {
        ssize_t n = recv(c->fd, answer, sizeof(answer), 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            load_die("recv");
        if (n == 0)
            load_fail(&l->core, "the server hung up");
        check_stamp(l, c, (size_t)n);
        c->received += (size_t)n;
        if (c->received > c->sent)
            load_fail(&l->core, "an answer longer than the request");
        if (c->received == l->core.bytes)
            complete(l, c);
        if (n < REQUEST_MAX)
            return;
    }
}

/* Serve events until `deadline`. */
static void work(void *load, int64_t deadline)
{
    struct load *l = load;
    struct epoll_event events[EVENTS_MAX];
    int64_t left;
    while ((left = deadline - load_now()) > 0) {
        int n = epoll_wait(l->poller, events, EVENTS_MAX,
                           (int)(left / 1000000) + 1);
        if (n < 0 && errno != EINTR)
            load_die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT && c->sent < l->core.bytes)
                send_rest(l, c);
            receive(l, c);
        }
    }
}

static void open_connection(struct load *l, struct connection *c, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        load_die("connect");
    int on = 1;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* End by a reset, so that nothing stays in TIME_WAIT. */
    struct linger linger = {.l_onoff = 1};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (ioctl(c->fd, FIONBIO, &on) < 0)
        load_die("ioctl");
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.ptr = c};
    if (epoll_ctl(l->poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
        load_die("epoll_ctl");
}

static void open_all(struct load *l, int port)
{
    l->poller = epoll_create1(EPOLL_CLOEXEC);
    l->connections = calloc(l->core.count, sizeof(*l->connections));
    if (l->poller < 0 || !l->connections)
        load_die("open_all");
    for (size_t i = 0; i < l->core.count; i++) {
        l->connections[i].stamp.connection = (uint32_t)i;
        open_connection(l, &l->connections[i], port);
    }
    for (size_t i = 0; i < l->core.count; i++)
        send_next(l, &l->connections[i], load_now());
}

int main(int argc, char **argv)
{
    static struct load l;
    if (argc < 5) {
        fprintf(stderr, "usage: echo_load PORT CONNECTIONS BYTES SECONDS "
                        "[SERVER_PID]\n");
        return 2;
    }
    l.core.program = "echo_load";
    l.core.work = work;
    l.core.load = &l;
    load_parse(&l.core, argc, argv, sizeof(struct stamp), REQUEST_MAX - 1);
    open_all(&l, atoi(argv[1]));
    load_warm_up(&l.core);
    load_measure(&l.core);
    return 0;
}

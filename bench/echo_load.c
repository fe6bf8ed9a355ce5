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
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "latency.h"

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
    struct connection *connections;
    size_t count;    /* of connections */
    size_t bytes;    /* of a request */
    size_t answered; /* connections that had an answer */
    int poller;
    clockid_t server; /* its CPU clock */
    bool has_server;  /* it is known */
    bool measuring;   /* warmed up */
    struct latency latency;
};

static char request[REQUEST_MAX], answer[REQUEST_MAX];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void fail(const char *what)
{
    fprintf(stderr, "echo_load: %s\n", what);
    exit(1);
}

static int64_t now(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/* Send the rest of the request, as far as the kernel takes it. */
static void send_rest(struct load *l, struct connection *c)
{
    memcpy(request, &c->stamp, sizeof(c->stamp));
    ssize_t n =
        send(c->fd, request + c->sent, l->bytes - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        die("send");
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
    int64_t time = now();
    if (l->measuring) {
        latency_add(&l->latency, (uint64_t)(time - c->started));
    }
    if (c->stamp.number == 1)
        l->answered++;
    send_next(l, c, time);
}

/* Check that the answer begins as the request. */
static void check_stamp(const struct connection *c, size_t n)
{
    if (c->received == 0 && n >= sizeof(c->stamp) &&
        memcmp(answer, &c->stamp, sizeof(c->stamp)) != 0)
        fail("an answer to another request");
}

/* Take what has come; a short read means that there is no more. */
static void receive(struct load *l, struct connection *c)
{
    for (;;) {
        ssize_t n = recv(c->fd, answer, sizeof(answer), 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            die("recv");
        if (n == 0)
            fail("the server hung up");
        check_stamp(c, (size_t)n);
        c->received += (size_t)n;
        if (c->received > c->sent)
            fail("an answer longer than the request");
        if (c->received == l->bytes)
            complete(l, c);
        if (n < REQUEST_MAX)
            return;
    }
}

/* Serve events until `deadline`. */
static void work(struct load *l, int64_t deadline)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t left;
    while ((left = deadline - now()) > 0) {
        int n = epoll_wait(l->poller, events, EVENTS_MAX,
                           (int)(left / 1000000) + 1);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT && c->sent < l->bytes)
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
        die("connect");
    int on = 1;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* End by a reset, so that nothing stays in TIME_WAIT. */
    struct linger linger = {.l_onoff = 1};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (ioctl(c->fd, FIONBIO, &on) < 0)
        die("ioctl");
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.ptr = c};
    if (epoll_ctl(l->poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
}

static void open_all(struct load *l, int port)
{
    if (l->count + 16 > bench_raise_descriptors())
        fail("too few descriptors: ulimit -n");
    l->poller = epoll_create1(EPOLL_CLOEXEC);
    l->connections = calloc(l->count, sizeof(*l->connections));
    if (l->poller < 0 || !l->connections)
        die("open_all");
    for (size_t i = 0; i < l->count; i++) {
        l->connections[i].stamp.connection = (uint32_t)i;
        open_connection(l, &l->connections[i], port);
    }
    for (size_t i = 0; i < l->count; i++)
        send_next(l, &l->connections[i], now());
}

static void warm_up(struct load *l, int64_t duration)
{
    int64_t start = now();
    work(l, start + duration);
    while (l->answered < l->count) {
        if (now() - start > 20 * (int64_t)1000000000)
            fail("connections without any answer");
        work(l, now() + 10000000);
    }
}

static void measure(struct load *l, int64_t duration)
{
    int64_t cpu = l->has_server ? bench_clock_ns(l->server) : 0;
    int64_t start = now();
    l->measuring = true;
    work(l, start + duration);
    double seconds = (double)(now() - start) / 1e9;
    if (l->has_server)
        cpu = bench_clock_ns(l->server) - cpu;
    if (l->latency.count == 0)
        fail("no request was answered");

    double requests = (double)l->latency.count;
    printf("requests %.0f count\n", requests);
    printf("requests_per_second %.0f 1/s\n", requests / seconds);
    printf("latency_p50 %.1f us\n", latency_percentile_us(&l->latency, 0.50));
    printf("latency_p99 %.1f us\n", latency_percentile_us(&l->latency, 0.99));
    if (l->has_server)
        printf("cpu_per_request %.3f us\n", (double)cpu / 1000 / requests);
}

int main(int argc, char **argv)
{
    static struct load l;
    if (argc < 5) {
        fprintf(stderr, "usage: echo_load PORT CONNECTIONS BYTES SECONDS "
                        "[SERVER_PID]\n");
        return 2;
    }
    l.count = strtoul(argv[2], NULL, 10);
    l.bytes = strtoul(argv[3], NULL, 10);
    int64_t duration = (int64_t)(strtod(argv[4], NULL) * 1e9);
    if (l.bytes < sizeof(struct stamp) || l.bytes >= REQUEST_MAX || !l.count)
        fail("no such size or number of connections");
    l.has_server = argc > 5;
    if (l.has_server && clock_getcpuclockid(atoi(argv[5]), &l.server) != 0)
        fail("no such server");
    open_all(&l, atoi(argv[1]));
    warm_up(&l, duration / 5);
    measure(&l, duration);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The load for a UDP echo server on this machine, one thread.
 *
 *     datagram_load PORT SOCKETS BYTES SECONDS [SERVER_PID]
 *
 * Each socket has one request of BYTES under way at a time; one that is not
 * answered within 200 ms is lost, and sent again. After a warm-up of a fifth of
 * SECONDS and at least one answer to each socket, requests are counted, and the
 * server's CPU clock is read before and after. Each answer must have the length
 * of its request and, in its first bytes, the socket and the number of the
 * request; else the program fails. Prints
 *
 *     requests 231021 count
 *     requests_per_second 115510 1/s
 *     lost 0 count
 *     latency_p50 412.0 us
 *     latency_p99 633.0 us
 *     cpu_per_request 7.123 us        (with SERVER_PID)
 */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "latency.h"

#define EVENTS_MAX  256
#define REQUEST_MAX 65507
#define PATIENCE_NS 200000000

/* What tells a request from all others; at its beginning. */
struct stamp {
    uint32_t socket;
    uint32_t number;
};

struct client {
    int fd;
    struct stamp stamp; /* of the request under way */
    int64_t started;    /* when it was sent first */
    int64_t sent;       /* and last */
};

struct load {
    struct client *clients;
    size_t count;    /* of clients */
    size_t bytes;    /* of a request */
    size_t answered; /* clients that had an answer */
    int poller;
    clockid_t server; /* its CPU clock */
    bool has_server;  /* it is known */
    bool measuring;   /* warmed up */
    int64_t looked;   /* when lost ones were looked for */
    uint64_t lost;    /* and lost */
    struct latency latency;
};

static char request[REQUEST_MAX], answer[REQUEST_MAX + 1];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void fail(const char *what)
{
    fprintf(stderr, "datagram_load: %s\n", what);
    exit(1);
}

static int64_t now(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/* What the kernel does not take is lost. */
static void send_it(struct load *l, struct client *c, int64_t time)
{
    memcpy(request, &c->stamp, sizeof(c->stamp));
    c->sent = time;
    ssize_t n = send(c->fd, request, l->bytes, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != ENOBUFS)
        die("send");
}

static void send_next(struct load *l, struct client *c, int64_t time)
{
    c->stamp.number++;
    c->started = time;
    send_it(l, c, time);
}

static void complete(struct load *l, struct client *c)
{
    int64_t time = now();
    if (l->measuring) {
        latency_add(&l->latency, (uint64_t)(time - c->started));
    }
    if (c->stamp.number == 1)
        l->answered++;
    send_next(l, c, time);
}

/* Take an answer; to a request that was sent twice there may be two. */
static void receive(struct load *l, struct client *c)
{
    struct stamp stamp;
    ssize_t n = recv(c->fd, answer, sizeof(answer), 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        die("recv");
    if ((size_t)n != l->bytes)
        fail("an answer of another length");
    memcpy(&stamp, answer, sizeof(stamp));
    if (stamp.socket != c->stamp.socket || stamp.number > c->stamp.number)
        fail("an answer to another request");
    if (stamp.number == c->stamp.number)
        complete(l, c);
}

static void send_lost_again(struct load *l)
{
    int64_t time = now();
    if (time - l->looked < PATIENCE_NS / 4)
        return;
    l->looked = time;
    for (size_t i = 0; i < l->count; i++) {
        struct client *c = &l->clients[i];
        if (time - c->sent < PATIENCE_NS)
            continue;
        l->lost += l->measuring;
        send_it(l, c, time);
    }
}

/* Serve events until `deadline`. */
static void work(struct load *l, int64_t deadline)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t left;
    while ((left = deadline - now()) > 0) {
        int ms = (int)(left / 1000000) + 1;
        int n = epoll_wait(l->poller, events, EVENTS_MAX, ms < 50 ? ms : 50);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++)
            receive(l, events[i].data.ptr);
        send_lost_again(l);
    }
}

static void open_client(struct load *l, struct client *c, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(l->poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
}

static void open_all(struct load *l, int port)
{
    if (l->count + 16 > bench_raise_descriptors())
        fail("too few descriptors: ulimit -n");
    l->poller = epoll_create1(EPOLL_CLOEXEC);
    l->clients = calloc(l->count, sizeof(*l->clients));
    if (l->poller < 0 || !l->clients)
        die("open_all");
    for (size_t i = 0; i < l->count; i++) {
        l->clients[i].stamp.socket = (uint32_t)i;
        open_client(l, &l->clients[i], port);
    }
    for (size_t i = 0; i < l->count; i++)
        send_next(l, &l->clients[i], now());
}

static void warm_up(struct load *l, int64_t duration)
{
    int64_t start = now();
    work(l, start + duration);
    while (l->answered < l->count) {
        if (now() - start > 20 * (int64_t)1000000000)
            fail("sockets without any answer");
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
    printf("lost %llu count\n", (unsigned long long)l->lost);
    printf("latency_p50 %.1f us\n", latency_percentile_us(&l->latency, 0.50));
    printf("latency_p99 %.1f us\n", latency_percentile_us(&l->latency, 0.99));
    if (l->has_server)
        printf("cpu_per_request %.3f us\n", (double)cpu / 1000 / requests);
}

int main(int argc, char **argv)
{
    static struct load l;
    if (argc < 5) {
        fprintf(stderr, "usage: datagram_load PORT SOCKETS BYTES SECONDS "
                        "[SERVER_PID]\n");
        return 2;
    }
    l.count = strtoul(argv[2], NULL, 10);
    l.bytes = strtoul(argv[3], NULL, 10);
    int64_t duration = (int64_t)(strtod(argv[4], NULL) * 1e9);
    if (l.bytes < sizeof(struct stamp) || l.bytes > REQUEST_MAX || !l.count)
        fail("no such size or number of sockets");
    l.has_server = argc > 5;
    if (l.has_server && clock_getcpuclockid(atoi(argv[5]), &l.server) != 0)
        fail("no such server");
    open_all(&l, atoi(argv[1]));
    warm_up(&l, duration / 5);
    measure(&l, duration);
    return 0;
}

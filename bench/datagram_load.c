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
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

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
    struct load_core core;
    struct client *clients; /* as many as counted there */
    int poller;
    int64_t looked; /* when lost ones were looked for */
};

static char request[REQUEST_MAX], answer[REQUEST_MAX + 1];

/* What the kernel does not take is lost. */
static void send_it(struct load *l, struct client *c, int64_t time)
{
    memcpy(request, &c->stamp, sizeof(c->stamp));
    c->sent = time;
    ssize_t n = send(c->fd, request, l->core.bytes, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != ENOBUFS)
        load_die("send");
}

static void send_next(struct load *l, struct client *c, int64_t time)
{
    c->stamp.number++;
    c->started = time;
    send_it(l, c, time);
}

static void complete(struct load *l, struct client *c)
{
    send_next(l, c, load_answered(&l->core, c->stamp.number, c->started));
}

/* Take an answer; to a request that was sent twice there may be two. */
static void receive(struct load *l, struct client *c)
{
    struct stamp stamp;
    ssize_t n = recv(c->fd, answer, sizeof(answer), 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        load_die("recv");
    if ((size_t)n != l->core.bytes)
        load_fail(&l->core, "an answer of another length");
    memcpy(&stamp, answer, sizeof(stamp));
    if (stamp.socket != c->stamp.socket || stamp.number > c->stamp.number)
        load_fail(&l->core, "an answer to another request");
    if (stamp.number == c->stamp.number)
        complete(l, c);
}

static void send_lost_again(struct load *l)
{
    int64_t time = load_now();
    if (time - l->looked < PATIENCE_NS / 4)
        return;
    l->looked = time;
    for (size_t i = 0; i < l->core.count; i++) {
        struct client *c = &l->clients[i];
        if (time - c->sent < PATIENCE_NS)
            continue;
        l->core.lost += l->core.measuring;
        send_it(l, c, time);
    }
}

/* Serve events until `deadline`. */
static void work(void *load, int64_t deadline)
{
    struct load *l = load;
    struct epoll_event events[EVENTS_MAX];
    int64_t left;
    while ((left = deadline - load_now()) > 0) {
        int ms = (int)(left / 1000000) + 1;
        int n = epoll_wait(l->poller, events, EVENTS_MAX, ms < 50 ? ms : 50);
        if (n < 0 && errno != EINTR)
            load_die("epoll_wait");
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
        load_die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(l->poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
        load_die("epoll_ctl");
}

static void open_all(struct load *l, int port)
{
    l->poller = epoll_create1(EPOLL_CLOEXEC);
    l->clients = calloc(l->core.count, sizeof(*l->clients));
    if (l->poller < 0 || !l->clients)
        load_die("open_all");
    for (size_t i = 0; i < l->core.count; i++) {
        l->clients[i].stamp.socket = (uint32_t)i;
        open_client(l, &l->clients[i], port);
    }
    for (size_t i = 0; i < l->core.count; i++)
        send_next(l, &l->clients[i], load_now());
}

int main(int argc, char **argv)
{
    static struct load l;
    if (argc < 5) {
        fprintf(stderr, "usage: datagram_load PORT SOCKETS BYTES SECONDS "
                        "[SERVER_PID]\n");
        return 2;
    }
    l.core.program = "datagram_load";
    l.core.work = work;
    l.core.load = &l;
    l.core.may_lose = true;
    load_parse(&l.core, argc, argv, sizeof(struct stamp), REQUEST_MAX);
    open_all(&l, atoi(argv[1]));
    load_warm_up(&l.core);
    load_measure(&l.core);
    return 0;
}

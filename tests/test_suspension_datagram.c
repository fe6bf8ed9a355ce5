/* SPDX-License-Identifier: MIT */
/* Each function of datagrams, descriptors and sockets either suspends and is a
 * point of cancellation, or never. */
#include "support.h"

#include <sys/socket.h>

#include "suspension.h"
#include "udp.h"

/* A pair of sockets of which the first becomes readable, or writable, only once
 * others have run. */
struct pair {
    int fds[2];
    hem_callback act;
    bool one_way; /* the second has a name, and no peer */
};

static void make_ready(void *arg)
{
    struct pair *p = arg;
    static char waste[1 << 18];
    check(send(p->fds[1], "x", 1, MSG_NOSIGNAL) == 1 || p->one_way);
    while (recv(p->fds[1], waste, sizeof(waste), MSG_DONTWAIT) > 0)
        continue;
}

static void pair_open(struct pair *p, int type, bool full)
{
    static char bytes[1024];
    check_int(
        socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p->fds), 0);
    while (full && send(p->fds[0], bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
        continue;
    hem_callback_init(&p->act, make_ready, p);
    check_int(hem_call_soon(&p->act), 0);
}

static int pair_close(struct pair *p, ssize_t rc)
{
    hem_callback_cancel(&p->act);
    check_int(hem_fd_close(p->fds[0]) | hem_fd_close(p->fds[1]), 0);
    return (int)rc;
}

/* The same with an endpoint over the first of the two. */
static void ends_open(struct pair *p, hem_datagram *d, bool full)
{
    pair_open(p, SOCK_DGRAM, full);
    check_int(hem_datagram_open(d, &(hem_datagram_options){.fd = p->fds[0]}),
              0);
}

static int ends_close(struct pair *p, hem_datagram *d, ssize_t rc)
{
    hem_callback_cancel(&p->act);
    check_int(hem_datagram_close(d) | hem_fd_close(p->fds[1]), 0);
    return (int)rc;
}

static struct pair p; /* callbacks refer to it */

CASE(hem_fd_wait)
{
    (void)f;
    pair_open(&p, SOCK_STREAM, false);
    return pair_close(&p, hem_fd_wait(p.fds[0], HEM_READABLE));
}

CASE(hem_sock_recv)
{
    char byte;
    (void)f;
    pair_open(&p, SOCK_STREAM, false);
    return pair_close(&p, hem_sock_recv(p.fds[0], &byte, 1));
}

CASE(hem_sock_recv_from)
{
    char byte;
    hem_address a;
    (void)f;
    pair_open(&p, SOCK_DGRAM, false);
    return pair_close(&p, hem_sock_recv_from(p.fds[0], &byte, 1, &a));
}

CASE(hem_sock_send)
{
    (void)f;
    pair_open(&p, SOCK_STREAM, true);
    return pair_close(&p, hem_sock_send(p.fds[0], "x", 1));
}

CASE(hem_sock_send_all)
{
    (void)f;
    pair_open(&p, SOCK_STREAM, true);
    return pair_close(&p, hem_sock_send_all(p.fds[0], "x", 1, NULL));
}

/* A receiver with a name, full; the first is connected to it, or not. */
static void named_open(struct pair *named, hem_address *ret, bool connected)
{
    sa_family_t family = AF_UNIX; /* the kernel makes up a name */
    const struct sockaddr *to = (const struct sockaddr *)&ret->storage;
    for (int i = 0; i < 2; i++)
        named->fds[i] =
            socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check_int(bind(named->fds[1],
                   (const struct sockaddr *)(const void *)&family,
                   sizeof(family)),
              0);
    check_int(hem_address_of_socket(ret, named->fds[1]), 0);
    if (connected)
        check_int(connect(named->fds[0], to, ret->length), 0);
    while (sendto(named->fds[0], "x", 1, MSG_NOSIGNAL, to, ret->length) > 0)
        continue;
    hem_callback_init(&named->act, make_ready, named);
    check_int(hem_call_soon(&named->act), 0);
}

static struct pair named = {.one_way = true};

CASE(hem_sock_send_to)
{
    hem_address a;
    (void)f;
    named_open(&named, &a, true);
    return pair_close(&named, hem_sock_send_to(named.fds[0], "x", 1, &a));
}

CASE(hem_datagram_send_to)
{
    hem_address a;
    hem_datagram d;
    (void)f;
    named_open(&named, &a, false);
    check_int(
        hem_datagram_open(&d, &(hem_datagram_options){.fd = named.fds[0]}), 0);
    return ends_close(&named, &d, hem_datagram_send_to(&d, "x", 1, &a));
}

/* Connections that are waited for. */

struct connection {
    hem_address a;
    int fds[2]; /* a listener; what connects */
    hem_callback act;
};

static struct connection c;

static void connect_it(void *arg)
{
    struct connection *x = arg;
    (void)connect(x->fds[1], (struct sockaddr *)&x->a.storage, x->a.length);
}

static void connection_open(void)
{
    for (int i = 0; i < 2; i++)
        c.fds[i] =
            socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check_int(hem_address_parse(&c.a, "127.0.0.1", 0), 0);
    check_int(bind(c.fds[0], (struct sockaddr *)&c.a.storage, c.a.length), 0);
    check_int(listen(c.fds[0], 1), 0);
    check_int(hem_address_of_socket(&c.a, c.fds[0]), 0);
}

static int connection_close(int rc)
{
    check_int(hem_fd_close(c.fds[0]) | hem_fd_close(c.fds[1]), 0);
    return rc;
}

CASE(hem_sock_accept)
{
    (void)f;
    connection_open();
    hem_callback_init(&c.act, connect_it, &c);
    check_int(hem_call_soon(&c.act), 0);
    int rc;
    do {
        rc = hem_sock_accept(c.fds[0], NULL);
    } while (rc == HEM_ECONNABORTED); /* evil accepts say so */
    hem_callback_cancel(&c.act);
    if (rc >= 0)
        check_int(close(rc), 0);
    return connection_close(rc);
}

CASE(hem_sock_connect)
{
    (void)f;
    connection_open();
    return connection_close(hem_sock_connect(c.fds[1], &c.a));
}

CASE(hem_datagram_send)
{
    hem_datagram d;
    (void)f;
    ends_open(&p, &d, true);
    return ends_close(&p, &d, hem_datagram_send(&d, "x", 1));
}

CASE(hem_datagram_send_many)
{
    hem_datagram d;
    hem_datagram_message m = {.data = "x", .size = 1};
    (void)f;
    ends_open(&p, &d, true);
    return ends_close(&p, &d, hem_datagram_send_many(&d, &m, 1));
}

CASE(hem_datagram_receive)
{
    char byte;
    hem_datagram d;
    (void)f;
    ends_open(&p, &d, false);
    return ends_close(&p, &d, hem_datagram_receive(&d, &byte, 1));
}

CASE(hem_datagram_receive_from)
{
    char byte;
    hem_datagram d;
    (void)f;
    ends_open(&p, &d, false);
    return ends_close(&p, &d,
                      hem_datagram_receive_from(&d, &byte, 1, NULL, NULL));
}

CASE(hem_datagram_receive_many)
{
    char byte;
    hem_datagram d;
    hem_datagram_message m = {.data = &byte, .size = 1};
    (void)f;
    ends_open(&p, &d, false);
    return ends_close(&p, &d, hem_datagram_receive_many(&d, &m, 1));
}

static void ignore(void *arg, int events)
{
    (void)arg;
    (void)events;
}

CASE(watch)
{
    hem_fd_watch w;
    (void)f;
    pair_open(&p, SOCK_STREAM, false);
    hem_fd_watch_init(&w, ignore, NULL);
    check_int(hem_fd_watch_start(&w, p.fds[0], HEM_READABLE), 0);
    check_int(hem_fd_watch_change(&w, HEM_URGENT), 0);
    check(hem_fd_watch_stop(&w));
    return pair_close(&p, 0);
}

CASE(endpoint)
{
    hem_address group;
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_datagram_error e;
    hem_datagram_group_options lo = {.interface = "lo"};
    (void)f;
    udp_open_pair(&a, &b); /* and closes */
    check_int(hem_datagram_peer(&a, &group), 0);
    check(hem_datagram_fd(&a) >= 0);
    check_int(hem_datagram_get_error(&a, &e), HEM_ESTATE);
    check_int(hem_address_parse(&group, "239.255.71.9", 0), 0);
    check_int(hem_datagram_join(&a, &group, &lo), 0);
    check_int(hem_datagram_leave(&a, &group, &lo), 0);
    return 0;
}

/* clang-format off */
static const struct suspension table[] = {
    NEVER(hem_fd_close, watch),
    NEVER(hem_fd_watch_init, watch),
    NEVER(hem_fd_watch_start, watch),
    NEVER(hem_fd_watch_change, watch),
    NEVER(hem_fd_watch_stop, watch),
    SUSPENDS(hem_fd_wait),

    SUSPENDS(hem_sock_recv),
    SUSPENDS(hem_sock_recv_from),
    SUSPENDS(hem_sock_send),
    SUSPENDS(hem_sock_send_all),
    SUSPENDS(hem_sock_send_to),
    SUSPENDS(hem_sock_accept),
    SUSPENDS(hem_sock_connect),

    NEVER(hem_datagram_open, endpoint),
    NEVER(hem_datagram_close, endpoint),
    NEVER(hem_datagram_address, endpoint),
    NEVER(hem_datagram_peer, endpoint),
    NEVER(hem_datagram_fd, endpoint),
    NEVER(hem_datagram_join, endpoint),
    NEVER(hem_datagram_leave, endpoint),
    NEVER(hem_datagram_get_error, endpoint),
    SUSPENDS(hem_datagram_send),
    SUSPENDS(hem_datagram_send_to),
    SUSPENDS(hem_datagram_receive_from),
    SUSPENDS(hem_datagram_receive),
    SUSPENDS(hem_datagram_receive_many),
    SUSPENDS(hem_datagram_send_many),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {"fd", "sock", "datagram"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

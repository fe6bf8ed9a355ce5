/* SPDX-License-Identifier: MIT */
/* Listeners at several addresses, one task waiting for all. */
#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "net.h"
#include "unix_net.h"

/* socket and bind, replaced here: they fail with these for IPv6, 0: not. */
static int ipv6_socket_error;
static int ipv6_bind_error;
static int ipv6_bind_errors; /* so often */

int fake_socket(int domain, int type, int protocol) __asm__("socket");
int fake_bind(int fd, const struct sockaddr *a, socklen_t n) __asm__("bind");

int fake_socket(int domain, int type, int protocol)
{
    if (domain == AF_INET6 && ipv6_socket_error) {
        errno = ipv6_socket_error;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

int fake_bind(int fd, const struct sockaddr *a, socklen_t n)
{
    if (a->sa_family == AF_INET6 && ipv6_bind_errors > 0) {
        ipv6_bind_errors--;
        errno = ipv6_bind_error;
        return -1;
    }
    return (int)syscall(SYS_bind, fd, a, n);
}

/* Connect to the n-th address of the listener. */
static int connect_to(const hem_listener *l, size_t n)
{
    hem_address a[HEM_LISTENER_SOCKETS];
    check(hem_listener_addresses(l, a, HEM_LISTENER_SOCKETS) > (ssize_t)n);
    int fd = socket(a[n].storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(connect(fd, (struct sockaddr *)&a[n].storage, a[n].length), 0);
    return fd;
}

/* Which address of the listener the stream came in at. */
static int came_to(const hem_listener *l, const hem_stream *s)
{
    hem_address a[HEM_LISTENER_SOCKETS];
    hem_stream_info info = {.fd = -1};
    ssize_t count = hem_listener_addresses(l, a, HEM_LISTENER_SOCKETS);
    check_int(hem_stream_get_info(s, &info), 0);
    for (int i = 0; i < count; i++) {
        if (info.local.length == a[i].length &&
            memcmp(&info.local.storage, &a[i].storage, a[i].length) == 0)
            return i;
    }
    return -1;
}

/* The next connection has come to this address. */
static void check_next(hem_listener *l, int want)
{
    hem_stream s;
    check_int(hem_accept(l, &s), 0);
    check_int(came_to(l, &s), want);
    check_int(hem_stream_close(&s), 0);
}

/* Open `l` at 127.0.0.1, 127.0.0.2 and so on. */
static void listen_at(hem_listener *l, int count)
{
    char host[32];
    check_int(hem_listen(l, "127.0.0.1", 0, NULL), 0);
    for (int i = 2; i <= count; i++) {
        snprintf(host, sizeof(host), "127.0.0.%d", i);
        check_int(hem_listener_add(l, host, 0, NULL), 0);
    }
}

struct acceptor {
    hem_listener listener;
    int accepted;
};

static int accept_all(void *arg)
{
    struct acceptor *a = arg;
    for (;;) {
        HEM_STREAM(s);
        HEM_TRY(hem_accept(&a->listener, &s));
        a->accepted++;
    }
}

VIRTUAL_TEST(one_task_accepts_from_all_addresses)
{
    struct acceptor a = {.accepted = 0};
    hem_task *t;
    int peers[8];
    listen_at(&a.listener, 8);
    check_int(hem_spawn(&t, accept_all, &a), 0);
    net_settle();
    for (int i = 0; i < 8; i++) { /* each wakes it by itself */
        peers[i] = connect_to(&a.listener, (size_t)i);
        net_settle();
        check_int(a.accepted, i + 1);
        check(net_hears_the_end(peers[i]));
        net_close(peers[i]);
    }
    for (int i = 0; i < 8; i++)
        peers[i] = connect_to(&a.listener, (size_t)(7 - i));
    net_settle();
    check_int(a.accepted, 16);
    check_int(hem_listener_close(&a.listener), 0);
    check_int(hem_await(t), HEM_EBADF);
    for (int i = 0; i < 8; i++)
        net_close(peers[i]);
    return 0;
}

VIRTUAL_TEST(addresses_have_their_turns)
{
    hem_listener l;
    int peers[40];
    listen_at(&l, 2);
    for (size_t i = 0; i < 39; i++)
        peers[i] = connect_to(&l, 0);
    peers[39] = connect_to(&l, 1); /* behind a crowd at the other */
    check_next(&l, 0);
    check_next(&l, 1);
    for (size_t i = 1; i < 39; i++)
        check_next(&l, 0);
    check_int(hem_listener_close(&l), 0);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        net_close(peers[i]);
    return 0;
}

VIRTUAL_TEST(an_address_may_come_while_a_task_accepts)
{
    struct acceptor a = {.accepted = 0};
    hem_task *t;
    listen_at(&a.listener, 1);
    check_int(hem_spawn(&t, accept_all, &a), 0);
    net_settle();
    check_int(hem_listener_add(&a.listener, "127.0.0.2", 0, NULL), 0);
    net_settle();
    int peer = connect_to(&a.listener, 1);
    net_settle();
    check_int(a.accepted, 1);
    net_close(peer);
    check_int(hem_listener_close(&a.listener), 0);
    check_int(hem_await(t), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_cancelled_accept_loses_no_connection_at_any_address)
{
    struct acceptor a = {.accepted = 0};
    hem_task *t;
    listen_at(&a.listener, 3);
    for (int i = 0; i < 3; i++) {
        check_int(hem_spawn(&t, accept_all, &a), 0);
        net_settle();
        int peer = connect_to(&a.listener, (size_t)i);
        hem_task_cancel(t, "test"); /* in the turn of the connection */
        check_int(hem_await(t), HEM_ECANCELED);
        check_int(a.accepted, 0);
        check_next(&a.listener, i);
        net_close(peer);
    }
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(all_addresses_have_the_port_of_the_first)
{
    hem_listener l;
    hem_address a[3];
    listen_at(&l, 3);
    check_int(hem_listener_addresses(&l, a, 3), 3);
    check(hem_address_port(&a[0]) != 0);
    for (int i = 1; i < 3; i++)
        check_int(hem_address_port(&a[i]), hem_address_port(&a[0]));
    memset(a, 0, sizeof(a));
    check_int(hem_listener_addresses(&l, a, 1), 3);
    check(a[0].length != 0 && a[1].length == 0);
    check_int(hem_listener_addresses(&l, NULL, 0), 3);
    check_int(hem_listener_close(&l), 0);
    check_int(hem_listener_addresses(&l, a, 3), HEM_EBADF);
    check_int(hem_listener_add(&l, "127.0.0.1", 0, NULL), HEM_EBADF);
    check_int(hem_listener_add_address(&l, &a[0], NULL), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(more_than_eight_are_refused)
{
    hem_listener l;
    hem_address a;
    listen_at(&l, 8);
    size_t before = ledger_descriptors();
    check_int(hem_address_parse(&a, "127.0.0.9", 0), 0);
    check_int(hem_listener_add(&l, "127.0.0.9", 0, NULL), HEM_ELIMIT);
    check_int(hem_listener_add(&l, "localhost", 0, NULL), HEM_ELIMIT);
    check_int(hem_listener_add_address(&l, &a, NULL), HEM_ELIMIT);
    check_int(ledger_descriptors(), before);
    int peer = connect_to(&l, 7);
    check_next(&l, 7);
    net_close(peer);
    check_int(hem_listener_close(&l), 0);
    listen_at(&l, 7);
    check_int(hem_listener_add(&l, "localhost", 1, NULL), HEM_ELIMIT);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(an_address_that_fails_changes_nothing)
{
    hem_listener l;
    listen_at(&l, 2);
    size_t before = ledger_descriptors();
    check_int(hem_listener_add(&l, "127.0.0.2", 0, NULL), HEM_EADDRINUSE);
    check_int(hem_listener_add(&l, "nowhere", 0, NULL), HEM_EINVAL);
    check_int(hem_listener_add(&l, "198.51.100.1", 0, NULL), HEM_EADDRNOTAVAIL);
    check_int(ledger_descriptors(), before);
    check_int(hem_listener_addresses(&l, NULL, 0), 2);
    int peer = connect_to(&l, 1);
    check_next(&l, 1);
    net_close(peer);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(localhost_is_both_loopbacks)
{
    hem_listener l;
    hem_address a[2];
    char text[HEM_ADDRESS_TEXT];
    ssize_t want = net_has_ipv6() ? 2 : 1;
    check_int(hem_listen(&l, "localhost", 0, NULL), 0);
    check_int(hem_listener_addresses(&l, a, 2), want);
    check_contains(hem_address_format(&a[0], text), "127.0.0.1:");
    for (int i = 0; i < want; i++) {
        int peer = connect_to(&l, (size_t)i);
        check_next(&l, i);
        net_close(peer);
    }
    if (want == 2) {
        check_contains(hem_address_format(&a[1], text), "[::1]:");
        check_int(hem_address_port(&a[1]), hem_address_port(&a[0]));
    }
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(localhost_is_what_the_machine_has)
{
    static const int errors[] = {EAFNOSUPPORT, EADDRNOTAVAIL};
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        hem_listener l;
        ipv6_socket_error = errors[i];
        check_int(hem_listen(&l, "localhost", 0, NULL), 0);
        ipv6_socket_error = 0;
        check_int(hem_listener_addresses(&l, NULL, 0), 1);
        check_int(hem_listener_close(&l), 0);
    }
    return 0;
}

VIRTUAL_TEST(localhost_takes_a_port_that_is_free_for_both)
{
    if (!net_has_ipv6())
        return 0;
    hem_listener l;
    size_t before = ledger_descriptors();
    ipv6_bind_error = EADDRINUSE;
    ipv6_bind_errors = 5;
    check_int(hem_listen(&l, "localhost", 0, NULL), 0);
    check_int(ipv6_bind_errors, 0);
    check_int(hem_listener_addresses(&l, NULL, 0), 2);
    hem_address a;
    check_int(hem_listener_address(&l, &a), 0);
    uint16_t port = hem_address_port(&a);
    check_int(hem_listener_close(&l), 0);
    ipv6_bind_errors = 1000; /* and does not try for ever, nor another port */
    check_int(hem_listen(&l, "localhost", 0, NULL), HEM_EADDRINUSE);
    ipv6_bind_errors = 1;
    check_int(hem_listen(&l, "localhost", port, NULL), HEM_EADDRINUSE);
    check_int(ipv6_bind_errors, 0);
    check_int(ledger_descriptors(), before);
    return 0;
}

VIRTUAL_TEST(tcp_and_unix_sockets_go_together)
{
    char path[64];
    hem_listener l;
    hem_address a;
    unix_begin(path);
    check_int(hem_address_unix(&a, path, strlen(path)), 0);
    listen_at(&l, 1);
    check_int(hem_listener_add_address(&l, &a, NULL), 0);
    check_int(hem_listener_add_address(&l, &a, NULL), HEM_EADDRINUSE);
    for (int i = 1; i >= 0; i--) {
        int peer = connect_to(&l, (size_t)i);
        check_next(&l, i);
        if (i == 1)
            check_next(&l, 1); /* who looked whether somebody answers */
        net_close(peer);
    }
    check_int(hem_listener_close(&l), 0);
    unix_end();
    check_int(hem_address_parse(&a, "127.0.0.1", 0), 0);
    check_int(hem_listen_address(&l, &a, NULL), 0);
    int peer = connect_to(&l, 0);
    check_next(&l, 0);
    net_close(peer);
    return hem_listener_close(&l);
}

VIRTUAL_TEST(several_sockets_are_adopted_all_or_none)
{
    hem_listener l = {.limit = 77};
    int fds[9];
    for (int i = 0; i < 3; i++)
        check_int(hem_listen_socket(&fds[i], "127.0.0.1", 0, NULL), 0);
    hem_listen_options o = {.fds = fds};
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EINVAL);
    o.fd_count = 9;
    check_int(hem_listen(&l, NULL, 0, &o), HEM_ELIMIT);
    o.fd_count = 4;
    fds[3] = socket(AF_INET, SOCK_STREAM, 0); /* does not listen */
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EINVAL);
    close(fds[3]);
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EBADF);
    fds[3] = socket(AF_UNIX, SOCK_SEQPACKET, 0); /* no bytes in a row */
    check_int(bind(fds[3], &(struct sockaddr){.sa_family = AF_UNIX},
                   sizeof(sa_family_t)),
              0);
    check_int(listen(fds[3], 1), 0);
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EINVAL);
    close(fds[3]);
    check_int(l.limit, 77);
    o.fd_count = 3;
    check_int(hem_listen(&l, NULL, 0, &o), 0);
    for (int i = 2; i >= 0; i--) {
        int peer = connect_to(&l, (size_t)i);
        check_next(&l, i);
        net_close(peer);
    }
    check_int(hem_listener_close(&l), 0);
    for (int i = 0; i < 3; i++)
        check(fcntl(fds[i], F_GETFD) < 0);
    return 0;
}

static int get_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof(value);
    check_int(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

/* Whether connections that are accepted have what the header says. */
static void check_tuned(hem_listener *l)
{
    hem_stream s;
    int peer = connect_to(l, 0);
    check_int(hem_accept(l, &s), 0);
    int fd = s.fd.fd;
    check_int(get_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    check_int(get_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    check_int(get_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    check_int(get_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
}

VIRTUAL_TEST(connections_notice_that_their_peer_has_vanished)
{
    hem_listener l;
    hem_listen_options o = {0};
    check_int(hem_listen(&l, "127.0.0.1", 0, &o), 0);
    check_tuned(&l);
    check_int(hem_listener_close(&l), 0);
    o.fd = socket(AF_INET, SOCK_STREAM, 0); /* also those of others */
    check_int(listen(o.fd, 10), 0);
    check_int(hem_listen(&l, NULL, 0, &o), 0);
    check_tuned(&l);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(one_task_accepts_from_all_addresses),
        LEDGER_TEST(addresses_have_their_turns),
        LEDGER_TEST(an_address_may_come_while_a_task_accepts),
        LEDGER_TEST(a_cancelled_accept_loses_no_connection_at_any_address),
        LEDGER_TEST(all_addresses_have_the_port_of_the_first),
        LEDGER_TEST(more_than_eight_are_refused),
        LEDGER_TEST(an_address_that_fails_changes_nothing),
        LEDGER_TEST(localhost_is_both_loopbacks),
        LEDGER_TEST(localhost_is_what_the_machine_has),
        LEDGER_TEST(localhost_takes_a_port_that_is_free_for_both),
        LEDGER_TEST(tcp_and_unix_sockets_go_together),
        LEDGER_TEST(several_sockets_are_adopted_all_or_none),
        LEDGER_TEST(connections_notice_that_their_peer_has_vanished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

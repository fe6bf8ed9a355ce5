/* SPDX-License-Identifier: MIT */
/* Calls on sockets of one's own. */
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net.h"
#include "settle.h"
#include "udp.h"

#define BULK ((size_t)1 << 20)

static char bulk[BULK], got[BULK];

static void make_pair(int *fds, int flags)
{
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds),
              0);
}

static void close_both(const int *fds)
{
    check_int(hem_fd_close(fds[0]) | hem_fd_close(fds[1]), 0);
}

static int receive_byte(void *arg)
{
    char byte;
    return (int)hem_sock_recv(*(int *)arg, &byte, 1);
}

VIRTUAL_TEST(receiving_waits_and_tells_the_end)
{
    int fds[2];
    make_pair(fds, SOCK_NONBLOCK);
    hem_task *t = spawn_settled(receive_byte, &fds[0]);
    check(!hem_task_done(t));
    check_int(receive_byte(&fds[0]), HEM_EBUSY);
    check_int(hem_sock_send(fds[1], "x", 1), 1);
    check_int(hem_await(t), 1);
    check_int(shutdown(fds[1], SHUT_WR), 0);
    check_int(receive_byte(&fds[0]), 0);
    close_both(fds);
    return 0;
}

static int receive_bulk(void *arg)
{
    size_t all = 0;
    while (all < BULK) {
        ssize_t n = hem_sock_recv(*(int *)arg, got + all, BULK - all);
        HEM_TRY(n);
        all += (size_t)n;
    }
    return memcmp(got, bulk, BULK) == 0;
}

static void check_bulk(int flags)
{
    int fds[2];
    size_t sent = 0;
    make_pair(fds, flags);
    for (size_t i = 0; i < BULK; i++)
        bulk[i] = (char)(i % 251);
    memset(got, 0, sizeof(got));
    hem_task *t = spawn_settled(receive_bulk, &fds[1]);
    check_int(hem_sock_send_all(fds[0], bulk, BULK, &sent), 0);
    check_int(sent, BULK);
    check_int(hem_await(t), 1);
    close_both(fds);
}

VIRTUAL_TEST(sending_all_waits_for_the_receiver)
{
    check_bulk(SOCK_NONBLOCK);
    check_bulk(0); /* a blocking socket blocks nobody */
    return 0;
}

VIRTUAL_TEST(a_cancelled_send_all_tells_how_much_went)
{
    int fds[2];
    size_t sent = 0;
    hem_timeout limit;
    make_pair(fds, SOCK_NONBLOCK);
    check_int(hem_timeout_open(&limit, HEM_SEC), 0);
    int rc = hem_sock_send_all(fds[0], bulk, BULK, &sent);
    check_int(hem_timeout_close(&limit, rc), HEM_ETIMEDOUT);
    check(sent > 0 && sent < BULK);
    check_int(net_drain(fds[1], SIZE_MAX), sent);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(a_peer_that_is_gone_raises_no_signal)
{
    int fds[2];
    make_pair(fds, SOCK_NONBLOCK);
    check_int(hem_fd_close(fds[1]), 0);
    check_int(hem_sock_send(fds[0], "x", 1), HEM_EPIPE);
    check_int(hem_sock_send_all(fds[0], "x", 1, NULL), HEM_EPIPE);
    check_int(hem_fd_close(fds[0]), 0);
    return 0;
}

/* A TCP socket of ours; connected to nothing. */
static int make_tcp(int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    check(fd >= 0);
    return fd;
}

static int make_listener(int flags, hem_address *ret)
{
    int fd = make_tcp(flags);
    check_int(hem_address_parse(ret, "127.0.0.1", 0), 0);
    check_int(bind(fd, (struct sockaddr *)&ret->storage, ret->length), 0);
    check_int(listen(fd, 8), 0);
    check_int(hem_address_of_socket(ret, fd), 0);
    return fd;
}

/* Accept the next connection that has not died in the queue. */
static int accept_next(int fd, hem_address *ret_peer)
{
    int rc;
    do {
        rc = hem_sock_accept(fd, ret_peer);
    } while (rc == HEM_ECONNABORTED);
    return rc;
}

static int accept_one(void *arg)
{
    return accept_next(*(int *)arg, NULL);
}

VIRTUAL_TEST(connecting_and_accepting_meet)
{
    hem_address a, here, from = {.length = 0};
    int listener = make_listener(SOCK_NONBLOCK, &a);
    hem_task *t = spawn_settled(accept_one, &listener);
    check(!hem_task_done(t));
    int fd = make_tcp(SOCK_NONBLOCK);
    check_int(hem_sock_connect(fd, &a), 0);
    int accepted = hem_await(t);
    check(accepted >= 0);
    check_int(fcntl(accepted, F_GETFD), FD_CLOEXEC);
    check(fcntl(accepted, F_GETFL) & O_NONBLOCK);
    check_int(hem_sock_send(fd, "x", 1), 1);
    check_int(receive_byte(&accepted), 1);
    int second = make_tcp(SOCK_NONBLOCK);
    check_int(hem_sock_connect(second, &a), 0);
    int other = accept_next(listener, &from);
    check_int(hem_address_of_socket(&here, second), 0);
    check(udp_same(&here, &from));
    check_int(close(accepted) | close(fd) | close(second) | close(other), 0);
    check_int(hem_fd_close(listener), 0);
    return 0;
}

VIRTUAL_TEST(what_would_block_is_refused)
{
    hem_address a;
    int listener = make_listener(0, &a), fd = make_tcp(0);
    check_int(accept_next(listener, NULL), HEM_EINVAL);
    check_int(hem_sock_connect(fd, &a), HEM_EINVAL);
    check_int(close(listener) | close(fd), 0);
    fd = make_tcp(SOCK_NONBLOCK);
    check_int(accept_next(fd, NULL), HEM_EINVAL); /* does not listen */
    check_int(close(fd), 0);
    return 0;
}

VIRTUAL_TEST(a_refused_connection_says_so)
{
    int holder;
    hem_address a;
    check_int(hem_address_parse(&a, "127.0.0.1", net_refusing(&holder)), 0);
    int fd = make_tcp(SOCK_NONBLOCK);
    check_int(hem_sock_connect(fd, &a), HEM_ECONNREFUSED);
    check_int(close(fd) | close(holder), 0);
    return 0;
}

VIRTUAL_TEST(a_unix_listener_without_room_is_not_waited_for)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int n = snprintf(sa.sun_path + 1, 60, "hem-full-%d", (int)getpid());
    hem_address a = {.length =
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                     1 + (size_t)n)};
    memcpy(&a.storage, &sa, sizeof(sa));
    int listener = socket(AF_UNIX, kind, 0), fds[3];
    check_int(bind(listener, (struct sockaddr *)&a.storage, a.length), 0);
    check_int(listen(listener, 0), 0);
    int full = 0;
    for (int i = 0; i < 3; i++) {
        fds[i] = socket(AF_UNIX, kind, 0);
        int rc = hem_sock_connect(fds[i], &a);
        check(rc == 0 || rc == HEM_EAGAIN);
        full += rc == HEM_EAGAIN;
    }
    check(full > 0);
    check_int(close(fds[0]) | close(fds[1]) | close(fds[2]), 0);
    check_int(close(listener), 0);
    return 0;
}

VIRTUAL_TEST(datagrams_go_to_and_come_from_addresses)
{
    HEM_DATAGRAM(d);
    hem_address here = udp_open(&d), self, from = {.length = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check_int(hem_sock_send_to(fd, "hello", 5, &here), 5);
    udp_expect(&d, "hello");
    check_int(hem_address_of_socket(&self, fd), 0);
    check_int(hem_address_parse(&self, "127.0.0.1", hem_address_port(&self)),
              0);
    udp_say(&d, &self, "answer");
    char buf[4];
    check_int(hem_sock_recv_from(fd, buf, 4, &from), 4); /* cut off */
    check(udp_same(&from, &here));
    check_int(hem_fd_close(fd), 0);
    return 0;
}

VIRTUAL_TEST(what_is_no_socket_is_refused)
{
    int fds[2];
    check_int(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    check_int(write(fds[1], "x", 1), 1); /* nothing is waited for */
    check_int(receive_byte(&fds[0]), HEM_ENOTSOCK);
    check_int(hem_sock_send(fds[1], "x", 1), HEM_ENOTSOCK);
    check_int(accept_next(fds[0], NULL), HEM_ENOTSOCK);
    close_both(fds);
    check_int(receive_byte(&fds[0]), HEM_EBADF);
    check_int(hem_sock_recv(-1, fds, 1), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(closing_ends_calls)
{
    int fds[2];
    make_pair(fds, SOCK_NONBLOCK);
    hem_task *t = spawn_settled(receive_byte, &fds[0]);
    close_both(fds);
    check_int(hem_await(t), HEM_EBADF);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(receiving_waits_and_tells_the_end),
        LEDGER_TEST(sending_all_waits_for_the_receiver),
        LEDGER_TEST(a_cancelled_send_all_tells_how_much_went),
        LEDGER_TEST(a_peer_that_is_gone_raises_no_signal),
        LEDGER_TEST(connecting_and_accepting_meet),
        LEDGER_TEST(what_would_block_is_refused),
        LEDGER_TEST(a_refused_connection_says_so),
        LEDGER_TEST(a_unix_listener_without_room_is_not_waited_for),
        LEDGER_TEST(datagrams_go_to_and_come_from_addresses),
        LEDGER_TEST(what_is_no_socket_is_refused),
        LEDGER_TEST(closing_ends_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Datagrams, one at a time, over UDP on loopback. */
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net.h"
#include "settle.h"
#include "udp.h"

VIRTUAL_TEST(what_is_sent_is_received_with_its_sender)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address here = udp_open(&a), there = udp_open(&b), from;
    udp_say(&a, &there, "hello");
    char buf[16];
    hem_datagram_info info;
    check_int(hem_datagram_receive_from(&b, buf, sizeof(buf), &from, &info), 5);
    check(memcmp(buf, "hello", 5) == 0);
    check(udp_same(&from, &here));
    check_int(info.size, 5);
    check(!info.truncated);
    udp_say(&b, &from, "answer");
    udp_expect(&a, "answer");
    return 0;
}

static int receive_hello(void *arg)
{
    udp_expect(arg, "hello");
    return 0;
}

VIRTUAL_TEST(receiving_waits_for_a_datagram)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address there = udp_open(&b);
    udp_open_to(&a, &there);
    hem_task *t = spawn_settled(receive_hello, &b);
    check(!hem_task_done(t));
    udp_say(&a, NULL, "hello");
    return hem_await(t);
}

VIRTUAL_TEST(a_datagram_of_no_bytes_is_one)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    check_int(hem_datagram_send(&a, NULL, 0), 0);
    udp_say(&a, NULL, "x");
    char buf[4];
    hem_datagram_info info = {.size = 9};
    check_int(hem_datagram_receive_from(&b, buf, 4, NULL, &info), 0);
    check_int(info.size, 0);
    check(!info.truncated);
    udp_expect(&b, "x");
    return 0;
}

VIRTUAL_TEST(what_has_no_room_is_cut_off_and_told)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    udp_say(&a, NULL, "0123456789");
    char buf[5] = "....";
    hem_datagram_info info;
    check_int(hem_datagram_receive_from(&b, buf, 4, NULL, &info), 4);
    check_str(buf, "0123");
    check_int(info.size, 10);
    check(info.truncated);
    udp_say(&a, NULL, "fits");
    check_int(hem_datagram_receive_from(&b, buf, 4, NULL, &info), 4);
    check(!info.truncated);
    return 0;
}

VIRTUAL_TEST(what_is_cut_off_without_a_way_to_tell_is_an_error)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    udp_say(&a, NULL, "0123456789");
    udp_say(&a, NULL, "next");
    char buf[4];
    check_int(hem_datagram_receive(&b, buf, sizeof(buf)), HEM_EMSGSIZE);
    udp_expect(&b, "next");
    return 0;
}

VIRTUAL_TEST(no_room_at_all_tells_the_size)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    udp_say(&a, NULL, "0123456789");
    hem_datagram_info info;
    check_int(hem_datagram_receive_from(&b, NULL, 0, NULL, &info), 0);
    check_int(info.size, 10);
    check(info.truncated);
    return 0;
}

VIRTUAL_TEST(more_than_a_datagram_can_hold_is_not_sent)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    static char large[70000];
    udp_open_pair(&a, &b);
    check_int(hem_datagram_send(&a, large, sizeof(large)), HEM_EMSGSIZE);
    check_int(hem_datagram_send(&a, large, 65507), 65507);
    static char got[70000];
    check_int(hem_datagram_receive(&b, got, sizeof(got)), 65507);
    return 0;
}

VIRTUAL_TEST(a_peer_or_an_address_but_not_both)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    HEM_DATAGRAM(c);
    hem_address there = udp_open(&b), peer;
    udp_open_to(&a, &there);
    udp_open(&c);
    check_int(hem_datagram_send(&c, "x", 1), HEM_EDESTADDRREQ);
    check_int(hem_datagram_send_to(&a, "x", 1, &there), HEM_EISCONN);
    check_int(hem_datagram_peer(&a, &peer), 0);
    check(udp_same(&peer, &there));
    check_int(hem_datagram_peer(&c, &peer), HEM_ENOTCONN);
    return 0;
}

VIRTUAL_TEST(a_connected_endpoint_does_not_hear_others)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    HEM_DATAGRAM(stranger);
    udp_open_pair(&a, &b);
    hem_address to_b;
    check_int(hem_datagram_address(&b, &to_b), 0);
    udp_open(&stranger);
    udp_say(&stranger, &to_b, "intruder");
    udp_say(&a, NULL, "friend");
    udp_expect(&b, "friend");
    return 0;
}

VIRTUAL_TEST(all_addresses_are_both_families)
{
    HEM_DATAGRAM(all);
    HEM_DATAGRAM(a);
    hem_address to, here = udp_open(&a), from;
    check_int(hem_datagram_open(&all, NULL), 0);
    check_int(hem_datagram_address(&all, &to), 0);
    uint16_t port = hem_address_port(&to);
    check_int(hem_address_parse(&to, "127.0.0.1", port), 0);
    udp_say(&a, &to, "four");
    char buf[8];
    check_int(hem_datagram_receive_from(&all, buf, 8, &from, NULL), 4);
    check_int(from.storage.ss_family, AF_INET);
    check(udp_same(&from, &here));
    udp_say(&all, &from, "back");
    udp_expect(&a, "back");
    if (!net_has_ipv6())
        return 0;
    HEM_DATAGRAM(six);
    hem_address six_here =
        udp_open_with(&six, (hem_datagram_options){.host = "::1"});
    check_int(hem_address_parse(&to, "::1", port), 0);
    udp_say(&six, &to, "six");
    check_int(hem_datagram_receive_from(&all, buf, 8, &from, NULL), 3);
    check(udp_same(&from, &six_here));
    return 0;
}

VIRTUAL_TEST(a_family_alone_says_which_addresses)
{
    HEM_DATAGRAM(four);
    hem_address a =
        udp_open_with(&four, (hem_datagram_options){.family = AF_INET});
    check_int(a.storage.ss_family, AF_INET);
    if (!net_has_ipv6())
        return 0;
    HEM_DATAGRAM(six);
    HEM_DATAGRAM(also);
    a = udp_open_with(&six, (hem_datagram_options){.family = AF_INET6});
    check_int(a.storage.ss_family, AF_INET6);
    /* of IPv6 only: the port is free for IPv4 */
    (void)udp_open_with(&also,
                        (hem_datagram_options){.host = "0.0.0.0",
                                               .port = hem_address_port(&a)});
    return 0;
}

static int open_error(hem_datagram_options options)
{
    hem_datagram d = {.connected = true};
    int rc = hem_datagram_open(&d, &options);
    if (rc == 0)
        check_int(hem_datagram_close(&d), 0);
    check_int(hem_datagram_close(&d), HEM_EBADF);
    return rc;
}

VIRTUAL_TEST(a_place_is_given_in_one_way)
{
    hem_address a;
    check_int(hem_address_parse(&a, "127.0.0.1", 0), 0);
#define OPEN_ERROR(...) open_error((hem_datagram_options){__VA_ARGS__})
    check_int(OPEN_ERROR(.host = "localhost"), HEM_EINVAL);
    check_int(OPEN_ERROR(.host = "127.0.0.1", .local = &a), HEM_EINVAL);
    check_int(OPEN_ERROR(.path = "@x", .local = &a), HEM_EINVAL);
    check_int(OPEN_ERROR(.port = 1, .local = &a), HEM_EINVAL);
    check_int(OPEN_ERROR(.peer_port = 1), HEM_EINVAL);
    check_int(OPEN_ERROR(.peer_host = "127.0.0.1", .peer = &a), HEM_EINVAL);
    check_int(OPEN_ERROR(.peer_path = "@x", .peer = &a), HEM_EINVAL);
    check_int(OPEN_ERROR(.host = "127.0.0.1", .peer_host = "::1"),
              HEM_EAFNOSUPPORT);
    check_int(OPEN_ERROR(.host = "192.0.2.1"), HEM_EADDRNOTAVAIL);
    check_int(OPEN_ERROR(.multicast_interface = "none0"), HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(a_port_is_ones_own_unless_it_is_shared)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address here = udp_open(&a);
    check_int(OPEN_ERROR(.local = &here), HEM_EADDRINUSE);
    check_int(OPEN_ERROR(.local = &here, .reuse_port = true), HEM_EADDRINUSE);
    check_int(hem_datagram_close(&a), 0);
    here = udp_open_with(
        &a, (hem_datagram_options){.host = "127.0.0.1", .reuse_port = true});
    (void)udp_open_with(
        &b, (hem_datagram_options){.local = &here, .reuse_port = true});
    return 0;
}

VIRTUAL_TEST(broadcasting_needs_leave)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address all;
    check_int(hem_address_parse(&all, "127.255.255.255", 9), 0);
    udp_open(&a);
    check_int(hem_datagram_send_to(&a, "x", 1, &all), HEM_EACCES);
    check_int(OPEN_ERROR(.peer = &all), HEM_EACCES);
    (void)udp_open_with(
        &b, (hem_datagram_options){.host = "127.0.0.1", .broadcast = true});
    check_int(hem_datagram_send_to(&b, "x", 1, &all), 1);
    return 0;
}

VIRTUAL_TEST(buffers_of_the_kernel_are_as_large_as_asked_for)
{
    HEM_DATAGRAM(a);
    (void)udp_open_with(&a, (hem_datagram_options){.host = "127.0.0.1",
                                                   .receive_buffer = 5000,
                                                   .send_buffer = 6000});
    int value = 0;
    socklen_t n = sizeof(value);
    int fd = hem_datagram_fd(&a);
    check_int(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &n), 0);
    check_int(value, 10000); /* the kernel doubles it */
    check_int(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &n), 0);
    check_int(value, 12000);
    return 0;
}

VIRTUAL_TEST(a_socket_can_be_adopted)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address there = udp_open(&b);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    check_int(connect(fd, (struct sockaddr *)&there.storage, there.length), 0);
    (void)udp_open_with(&a, (hem_datagram_options){.fd = fd});
    check_int(hem_datagram_fd(&a), fd);
    check_int(fcntl(fd, F_GETFD), FD_CLOEXEC);
    udp_say(&a, NULL, "hello");
    udp_expect(&b, "hello");
    return 0;
}

VIRTUAL_TEST(a_socket_is_adopted_once)
{
    HEM_DATAGRAM(a);
    (void)udp_open(&a);
    check_int(OPEN_ERROR(.fd = hem_datagram_fd(&a)), HEM_EEXIST);
    check(hem_datagram_fd(&a) >= 0);
    return 0;
}

VIRTUAL_TEST(what_is_no_datagram_socket_is_not_adopted)
{
    int fds[2];
    check_int(OPEN_ERROR(.fd = -1), HEM_EBADF);
    check_int(OPEN_ERROR(.fd = 9999), HEM_EBADF);
    check_int(pipe2(fds, O_CLOEXEC), 0);
    check_int(OPEN_ERROR(.fd = fds[0]), HEM_ENOTSOCK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(OPEN_ERROR(.fd = fd), HEM_EINVAL);
    check_int(close(fd) | close(fds[0]) | close(fds[1]), 0);
    return 0;
}

static int receive_one(void *arg)
{
    char buf[16];
    return (int)hem_datagram_receive(arg, buf, sizeof(buf));
}

VIRTUAL_TEST(a_second_task_in_one_direction_is_refused)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    hem_task *t = spawn_settled(receive_one, &b);
    check_int(receive_one(&b), HEM_EBUSY);
    udp_say(&b, NULL, "the other direction is free");
    udp_say(&a, NULL, "x");
    check_int(hem_await(t), 1);
    return 0;
}

VIRTUAL_TEST(closing_wakes_who_waits)
{
    HEM_DATAGRAM(a);
    udp_open(&a);
    hem_task *t = spawn_settled(receive_one, &a);
    check_int(hem_datagram_close(&a), 0);
    check_int(hem_await(t), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_closed_endpoint_does_nothing)
{
    hem_datagram d = {.connected = false};
    hem_address a;
    hem_datagram_message m = {.data = &d, .size = 1};
    check_int(hem_address_parse(&a, "127.0.0.1", 9), 0);
    check_int(hem_datagram_close(NULL), 0);
    check_int(hem_datagram_close(&d), HEM_EBADF);
    check_int(hem_datagram_send(&d, "x", 1), HEM_EBADF);
    check_int(hem_datagram_send_to(&d, "x", 1, &a), HEM_EBADF);
    check_int(receive_one(&d), HEM_EBADF);
    check_int(hem_datagram_send_many(&d, &m, 1), HEM_EBADF);
    check_int(m.status, HEM_EBADF);
    check_int(hem_datagram_receive_many(&d, &m, 1), HEM_EBADF);
    check_int(hem_datagram_address(&d, &a), HEM_EBADF);
    check_int(hem_datagram_peer(&d, &a), HEM_EBADF);
    check_int(hem_datagram_fd(&d), HEM_EBADF);
    check_int(hem_datagram_join(&d, &a, NULL), HEM_EBADF);
    check_int(hem_datagram_leave(&d, &a, NULL), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_cancelled_receive_leaves_the_datagram)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    hem_task *t = spawn_settled(receive_one, &b);
    udp_say(&a, NULL, "stays");
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    udp_expect(&b, "stays");
    return 0;
}

VIRTUAL_TEST(an_endpoint_that_memory_lacks_for_is_closed)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 200); /* the table must grow */
    ledger_fail_at(1);
    check_int(OPEN_ERROR(.fd = high), HEM_ENOMEM);
    check_int(OPEN_ERROR(.fd = high), 0);
    check_int(close(fd), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_is_sent_is_received_with_its_sender),
        LEDGER_TEST(receiving_waits_for_a_datagram),
        LEDGER_TEST(a_datagram_of_no_bytes_is_one),
        LEDGER_TEST(what_has_no_room_is_cut_off_and_told),
        LEDGER_TEST(what_is_cut_off_without_a_way_to_tell_is_an_error),
        LEDGER_TEST(no_room_at_all_tells_the_size),
        LEDGER_TEST(more_than_a_datagram_can_hold_is_not_sent),
        LEDGER_TEST(a_peer_or_an_address_but_not_both),
        LEDGER_TEST(a_connected_endpoint_does_not_hear_others),
        LEDGER_TEST(all_addresses_are_both_families),
        LEDGER_TEST(a_family_alone_says_which_addresses),
        LEDGER_TEST(a_place_is_given_in_one_way),
        LEDGER_TEST(a_port_is_ones_own_unless_it_is_shared),
        LEDGER_TEST(broadcasting_needs_leave),
        LEDGER_TEST(buffers_of_the_kernel_are_as_large_as_asked_for),
        LEDGER_TEST(a_socket_can_be_adopted),
        LEDGER_TEST(a_socket_is_adopted_once),
        LEDGER_TEST(what_is_no_datagram_socket_is_not_adopted),
        LEDGER_TEST(a_second_task_in_one_direction_is_refused),
        LEDGER_TEST(closing_wakes_who_waits),
        LEDGER_TEST(a_closed_endpoint_does_nothing),
        LEDGER_TEST(a_cancelled_receive_leaves_the_datagram),
        LEDGER_TEST(an_endpoint_that_memory_lacks_for_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

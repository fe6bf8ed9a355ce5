/* SPDX-License-Identifier: MIT */
/* What comes back for datagrams to where nobody listens. */
#include "support.h"

#include "net.h"
#include "settle.h"
#include "udp.h"

VIRTUAL_TEST(a_connected_endpoint_is_refused_at_its_next_call)
{
    HEM_DATAGRAM(a);
    int fd;
    char buf[4];
    hem_address nobody = udp_nobody(&fd);
    udp_open_to(&a, &nobody);
    check_int(hem_datagram_send(&a, "x", 1), 1);
    check_int(hem_datagram_send(&a, "x", 1), HEM_ECONNREFUSED);
    check_int(hem_datagram_send(&a, "x", 1), 1);
    check_int(hem_datagram_receive(&a, buf, sizeof(buf)), HEM_ECONNREFUSED);
    check_int(close(fd), 0);
    return 0;
}

static int receive(void *arg)
{
    char buf[4];
    return (int)hem_datagram_receive(arg, buf, sizeof(buf));
}

VIRTUAL_TEST(a_refusal_wakes_who_receives)
{
    HEM_DATAGRAM(a);
    int fd;
    hem_address nobody = udp_nobody(&fd);
    udp_open_to(&a, &nobody);
    for (int i = 0; i < 3; i++) {
        hem_task *t = spawn_settled(receive, &a);
        check_int(hem_datagram_send(&a, "x", 1), 1);
        check_int(hem_await(t), HEM_ECONNREFUSED);
    }
    check_int(close(fd), 0);
    return 0;
}

VIRTUAL_TEST(after_a_refusal_the_endpoint_is_as_before)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    int fd;
    hem_address there = udp_nobody(&fd), here;
    udp_open_to(&a, &there);
    check_int(hem_datagram_address(&a, &here), 0);
    check_int(hem_datagram_send(&a, "x", 1), 1);
    check_int(receive(&a), HEM_ECONNREFUSED);
    check_int(close(fd), 0);
    (void)udp_open_with(&b, (hem_datagram_options){.local = &there});
    udp_say(&a, NULL, "hello");
    udp_expect(&b, "hello");
    hem_task *t = spawn_settled(receive, &a);
    udp_say(&b, &here, "abc");
    check_int(hem_await(t), 3);
    return 0;
}

VIRTUAL_TEST(without_a_peer_nothing_is_heard_of_it)
{
    HEM_DATAGRAM(a);
    int fd;
    hem_address nobody = udp_nobody(&fd);
    hem_address here = udp_open(&a);
    hem_datagram_error e;
    check_int(hem_datagram_send_to(&a, "x", 1, &nobody), 1);
    check_int(hem_datagram_send_to(&a, "y", 1, &here), 1);
    check_int(receive(&a), 1);
    check_int(hem_datagram_get_error(&a, &e), HEM_ESTATE);
    check_int(close(fd), 0);
    return 0;
}

/* Talk to two where nobody is and to one where somebody is, from `a`. */
static void check_told(hem_datagram *a, const hem_address *somebody,
                       hem_datagram *b)
{
    int fds[2];
    hem_datagram_error e;
    hem_address nobody[2] = {udp_nobody(&fds[0]), udp_nobody(&fds[1])};
    check_int(hem_datagram_send_to(a, "1", 1, &nobody[0]), 1);
    check_int(hem_datagram_send_to(a, "2", 1, &nobody[1]), 1);
    udp_say(a, somebody, "hello");
    udp_expect(b, "hello");
    for (int i = 0; i < 2; i++) {
        check_int(receive(a), HEM_ECONNREFUSED);
        check_int(hem_datagram_get_error(a, &e), 0);
        check_int(e.code, HEM_ECONNREFUSED);
        check(udp_same(&e.peer, &nobody[i]));
        check_int(e.reporter.storage.ss_family, AF_INET);
        check_int(e.mtu, 0);
    }
    check_int(close(fds[0]) | close(fds[1]), 0);
}

VIRTUAL_TEST(with_errors_receiving_tells_and_sending_goes_on)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address there = udp_open(&b);
    hem_address here = udp_open_with(
        &a, (hem_datagram_options){.host = "127.0.0.1", .errors = true});
    check_told(&a, &there, &b);
    udp_say(&b, &here, "and on");
    udp_expect(&a, "and on");
    return 0;
}

VIRTUAL_TEST(with_errors_both_families_tell)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address there = udp_open(&b);
    (void)udp_open_with(&a, (hem_datagram_options){.errors = true});
    check_told(&a, &there, &b);
    if (!net_has_ipv6())
        return 0;
    hem_address six = {.length = 0};
    hem_datagram_error e;
    HEM_DATAGRAM(gone);
    six = udp_open_with(&gone, (hem_datagram_options){.host = "::1"});
    check_int(hem_datagram_close(&gone), 0);
    check_int(hem_datagram_send_to(&a, "6", 1, &six), 1);
    check_int(receive(&a), HEM_ECONNREFUSED);
    check_int(hem_datagram_get_error(&a, &e), 0);
    check(udp_same(&e.peer, &six));
    check_int(e.reporter.storage.ss_family, AF_INET6);
    return 0;
}

VIRTUAL_TEST(with_errors_who_waits_is_told)
{
    HEM_DATAGRAM(a);
    int fd;
    hem_address nobody = udp_nobody(&fd);
    hem_address here = udp_open_with(
        &a, (hem_datagram_options){.host = "127.0.0.1", .errors = true});
    for (int i = 0; i < 3; i++) {
        hem_task *t = spawn_settled(receive, &a);
        check_int(hem_datagram_send_to(&a, "x", 1, &nobody), 1);
        check_int(hem_datagram_send_to(&a, "x", 1, &nobody), 1);
        check_int(hem_await(t), HEM_ECONNREFUSED);
        check_int(receive(&a), HEM_ECONNREFUSED);
    }
    hem_task *t = spawn_settled(receive, &a);
    check(!hem_task_done(t)); /* all has been told */
    check_int(hem_datagram_send_to(&a, "x", 1, &here), 1);
    check_int(hem_await(t), 1);
    check_int(close(fd), 0);
    return 0;
}

VIRTUAL_TEST(with_errors_a_connected_endpoint_is_told_by_receiving_only)
{
    HEM_DATAGRAM(a);
    int fd;
    hem_address nobody = udp_nobody(&fd);
    (void)udp_open_with(
        &a, (hem_datagram_options){.peer = &nobody, .errors = true});
    for (int i = 0; i < 3; i++)
        check_int(hem_datagram_send(&a, "x", 1), 1);
    for (int i = 0; i < 3; i++)
        check_int(receive(&a), HEM_ECONNREFUSED);
    check_int(close(fd), 0);
    return 0;
}

VIRTUAL_TEST(a_refusal_in_a_batch_is_about_an_earlier_one)
{
    HEM_DATAGRAM(a);
    int fd;
    hem_address nobody = udp_nobody(&fd);
    udp_open_to(&a, &nobody);
    hem_datagram_message m[2] = {{.data = "a", .size = 1},
                                 {.data = "b", .size = 1}};
    check_int(hem_datagram_send(&a, "x", 1), 1);
    check_int(hem_datagram_send_many(&a, m, 2), 1);
    check_int(m[0].status, HEM_ECONNREFUSED);
    check_int(m[1].status, 1);
    hem_datagram_message in = {.data = &fd, .size = 0};
    check_int(hem_datagram_receive_many(&a, &in, 1), HEM_ECONNREFUSED);
    check_int(close(fd), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_connected_endpoint_is_refused_at_its_next_call),
        LEDGER_TEST(a_refusal_wakes_who_receives),
        LEDGER_TEST(after_a_refusal_the_endpoint_is_as_before),
        LEDGER_TEST(without_a_peer_nothing_is_heard_of_it),
        LEDGER_TEST(with_errors_receiving_tells_and_sending_goes_on),
        LEDGER_TEST(with_errors_both_families_tell),
        LEDGER_TEST(with_errors_who_waits_is_told),
        LEDGER_TEST(with_errors_a_connected_endpoint_is_told_by_receiving_only),
        LEDGER_TEST(a_refusal_in_a_batch_is_about_an_earlier_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

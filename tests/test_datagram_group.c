/* SPDX-License-Identifier: MIT */
/* Multicast, by the loopback interface. */
#include "support.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "net.h"
#include "settle.h"
#include "udp.h"

static const hem_datagram_group_options on_loopback = {.interface = "lo"};

static hem_address address(const char *host, uint16_t port)
{
    hem_address a = {.length = 0};
    check_int(hem_address_parse(&a, host, port), 0);
    return a;
}

/* Open a member of the group `host`, bound to all addresses of its family;
 * where to send to. */
static hem_address open_member(hem_datagram *d, const char *host, uint16_t port)
{
    bool is_six = strchr(host, ':') != NULL;
    hem_address here = udp_open_with(
        d, (hem_datagram_options){.host = is_six ? "::" : "0.0.0.0",
                                  .port = port,
                                  .reuse_address = true});
    hem_address group = address(host, hem_address_port(&here));
    check_int(hem_datagram_join(d, &group, &on_loopback), 0);
    return group;
}

static void open_sender(hem_datagram *d, const char *host)
{
    (void)udp_open_with(d, (hem_datagram_options){.host = host,
                                                  .multicast_ttl = 1,
                                                  .multicast_interface = "lo"});
}

/* Two members of one group both get what is sent; one that has left does
 * not. */
static void check_group(const char *host, const char *sender)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    HEM_DATAGRAM(from);
    hem_address to = open_member(&a, host, 0);
    (void)open_member(&b, host, hem_address_port(&to));
    open_sender(&from, sender);
    udp_say(&from, &to, "one");
    udp_expect(&a, "one");
    udp_expect(&b, "one");
    check_int(hem_datagram_leave(&a, &to, &on_loopback), 0);
    udp_say(&from, &to, "two");
    udp_expect(&b, "two");
    hem_address self;
    check_int(hem_datagram_address(&a, &self), 0);
    char buf[8];
    hem_timeout limit;
    check_int(hem_timeout_open(&limit, HEM_SEC), 0);
    ssize_t n = hem_datagram_receive(&a, buf, sizeof(buf));
    check_int(hem_timeout_close(&limit, (int)n), HEM_ETIMEDOUT);
}

VIRTUAL_TEST(members_get_what_is_sent_to_the_group)
{
    check_group("239.255.71.1", "127.0.0.1");
    return 0;
}

/* Whether a group of IPv6 can be sent to by loopback: a matter of routes. */
static bool has_route(const char *host)
{
    HEM_DATAGRAM(from);
    hem_address to = address(host, 9);
    open_sender(&from, "::1");
    return hem_datagram_send_to(&from, "x", 1, &to) == 1;
}

VIRTUAL_TEST(groups_are_also_of_ipv6)
{
    HEM_DATAGRAM(a);
    if (!net_has_ipv6())
        return 0;
    hem_address group = open_member(&a, "ff01::7101", 0);
    check_int(hem_datagram_join(&a, &group, &on_loopback), HEM_EADDRINUSE);
    check_int(hem_datagram_leave(&a, &group, &on_loopback), 0);
    check_int(hem_datagram_leave(&a, &group, &on_loopback), HEM_EADDRNOTAVAIL);
    if (has_route("ff01::7101"))
        check_group("ff01::7101", "::1");
    return 0;
}

VIRTUAL_TEST(a_member_gets_nothing_of_groups_that_others_joined)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    HEM_DATAGRAM(from);
    hem_address one = open_member(&a, "239.255.71.2", 0);
    hem_address other = open_member(&b, "239.255.71.3", hem_address_port(&one));
    open_sender(&from, "127.0.0.1");
    udp_say(&from, &other, "for the other");
    udp_say(&from, &one, "for the one");
    udp_expect(&b, "for the other");
    udp_expect(&a, "for the one");
    return 0;
}

VIRTUAL_TEST(a_silent_sender_is_not_heard_on_its_machine)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(silent);
    HEM_DATAGRAM(from);
    hem_address to = open_member(&a, "239.255.71.4", 0);
    (void)udp_open_with(&silent,
                        (hem_datagram_options){.host = "127.0.0.1",
                                               .multicast_silent = true,
                                               .multicast_interface = "lo"});
    open_sender(&from, "127.0.0.1");
    int loop = 1;
    socklen_t n = sizeof(loop);
    check_int(getsockopt(hem_datagram_fd(&silent), IPPROTO_IP,
                         IP_MULTICAST_LOOP, &loop, &n),
              0);
    check_int(loop, 0); /* the loopback interface is heard all the same */
    udp_say(&from, &to, "hello");
    udp_expect(&a, "hello");
    return 0;
}

VIRTUAL_TEST(of_one_source_is_of_no_other)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(right);
    HEM_DATAGRAM(wrong);
    hem_address here = udp_open_with(
        &a, (hem_datagram_options){.family = AF_INET, .host = "0.0.0.0"});
    hem_address group = address("232.1.2.3", hem_address_port(&here));
    hem_address source = address("127.0.0.1", 0);
    hem_datagram_group_options of_source = {.interface = "lo",
                                            .source = &source};
    check_int(hem_datagram_join(&a, &group, &of_source), 0);
    open_sender(&right, "127.0.0.1");
    open_sender(&wrong, "127.0.0.2");
    udp_say(&wrong, &group, "wrong");
    udp_say(&right, &group, "right");
    udp_expect(&a, "right");
    check_int(hem_datagram_leave(&a, &group, &of_source), 0);
    check_int(hem_datagram_leave(&a, &group, &of_source), HEM_EADDRNOTAVAIL);
    return 0;
}

VIRTUAL_TEST(joining_what_is_no_group_fails)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(local);
    HEM_DATAGRAM(other);
    hem_address group = open_member(&a, "239.255.71.5", 0);
    hem_address host = address("127.0.0.1", 0);
    hem_address six = address("ff01::1", 0);
    check_int(hem_datagram_join(&a, &group, &on_loopback), HEM_EADDRINUSE);
    check_int(hem_datagram_join(&a, &host, &on_loopback), HEM_EINVAL);
    check_int(hem_datagram_leave(&a, &host, &on_loopback), HEM_EINVAL);
    check(hem_datagram_join(&a, &six, &on_loopback) < 0);
    check_int(
        hem_datagram_join(&a, &group,
                          &(hem_datagram_group_options){.interface = "none0"}),
        HEM_EINVAL);
    udp_open_local_pair(&local, &other);
    check_int(hem_datagram_join(&local, &group, NULL), HEM_EINVAL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(members_get_what_is_sent_to_the_group),
        LEDGER_TEST(groups_are_also_of_ipv6),
        LEDGER_TEST(a_member_gets_nothing_of_groups_that_others_joined),
        LEDGER_TEST(a_silent_sender_is_not_heard_on_its_machine),
        LEDGER_TEST(of_one_source_is_of_no_other),
        LEDGER_TEST(joining_what_is_no_group_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

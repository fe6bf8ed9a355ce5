/* SPDX-License-Identifier: MIT */
/* Addresses as text, and back. */
#include "support.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

struct sample {
    const char *host;
    uint16_t port;
    const char *text; /* what it is formatted to */
};

static void an_address_is_formatted_as_it_was_parsed(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"0.0.0.0", 0, "0.0.0.0:0"},
        {"127.0.0.1", 80, "127.0.0.1:80"},
        {"255.255.255.255", 65535, "255.255.255.255:65535"},
        {"::", 0, "[::]:0"},
        {"::1", 443, "[::1]:443"},
        {"2001:DB8:0:0:0:0:0:1", 8080, "[2001:db8::1]:8080"},
        {"::ffff:192.0.2.1", 7, "[::ffff:192.0.2.1]:7"},
        {"fe80::1%lo", 65535, "[fe80::1%lo]:65535"},
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        const struct sample *s = &samples[i];
        hem_address a;
        char text[HEM_ADDRESS_TEXT];
        check_int(hem_address_parse(&a, s->host, s->port), 0);
        check(hem_address_format(&a, text) == text);
        check_str(text, s->text);
        check_int(hem_address_port(&a), s->port);
    }
}

static void an_address_is_what_the_system_calls_take(void **state)
{
    (void)state;
    hem_address a;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    check_int(hem_address_parse(&a, "127.0.0.1", 258), 0);
    check_int(a.length, sizeof(in4));
    memcpy(&in4, &a.storage, sizeof(in4));
    check_int(in4.sin_family, AF_INET);
    check_int(ntohl(in4.sin_addr.s_addr), INADDR_LOOPBACK);
    check_int(ntohs(in4.sin_port), 258);
    check_int(hem_address_parse(&a, "fe80::1%lo", 258), 0);
    check_int(a.length, sizeof(in6));
    memcpy(&in6, &a.storage, sizeof(in6));
    check_int(in6.sin6_family, AF_INET6);
    check_int(in6.sin6_addr.s6_addr[15], 1);
    check_int(in6.sin6_scope_id, if_nametoindex("lo"));
    check_int(ntohs(in6.sin6_port), 258);
}

static void what_is_no_numeric_address_is_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "",
        " ",
        ".",
        "localhost",
        "127.1",
        "1.2.3",
        "1.2.3.",
        "1.2.3.4.",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.-4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4\n",
        "1.2.3.4:80",
        "1.2.3.4%lo",
        "01.2.3.4",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "1..2.3",
        ":",
        ":::",
        "::1 ",
        "[::1]",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "::12345",
        "::g",
        "::1.2.3",
        "1::2::3",
        "::1%",
        "fe80::1%no-such-if",
        "fe80::1%a-name-of-more-than-16",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        hem_address a = {.length = 77};
        if (!check_int(hem_address_parse(&a, hosts[i], 80), HEM_EINVAL))
            print_error("host \"%s\"\n", hosts[i]);
        check_int(a.length, 77);
    }
}

static void a_host_of_any_length_is_refused_without_being_cut(void **state)
{
    (void)state;
    static char host[70000];
    static const size_t lengths[] = {61, 62, 63, 64, 128, 255, 256, 65536};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        hem_address a = {.length = 77};
        memset(host, 'a', sizeof(host));
        memcpy(host, "127.0.0.1", 9);
        host[lengths[i]] = '\0';
        check_int(hem_address_parse(&a, host, 80),
                  lengths[i] < 62 ? HEM_EINVAL : HEM_ENAMETOOLONG);
        check_int(a.length, 77);
    }
}

static void other_families_have_no_port(void **state)
{
    (void)state;
    char text[HEM_ADDRESS_TEXT];
    hem_address a = {.storage.ss_family = AF_UNIX,
                     .length = sizeof(sa_family_t)};
    check_str(hem_address_format(&a, text), "unix:");
    check_int(hem_address_port(&a), 0);
    a = (hem_address){.storage.ss_family = AF_UNSPEC};
    check_str(hem_address_format(&a, text), "?");
    check_int(hem_address_port(&a), 0);
    a = (hem_address){.storage.ss_family = AF_NETLINK};
    check_str(hem_address_format(&a, text), "?");
    check_int(hem_address_port(&a), 0);
}

static void a_zone_without_a_name_is_left_out(void **state)
{
    (void)state;
    char text[HEM_ADDRESS_TEXT];
    hem_address a;
    check_int(hem_address_parse(&a, "fe80::1%lo", 80), 0);
    struct sockaddr_in6 sa;
    memcpy(&sa, &a.storage, sizeof(sa));
    sa.sin6_scope_id = UINT32_MAX;
    memcpy(&a.storage, &sa, sizeof(sa));
    check_str(hem_address_format(&a, text), "[fe80::1]:80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_address_is_formatted_as_it_was_parsed),
        LEDGER_TEST(an_address_is_what_the_system_calls_take),
        LEDGER_TEST(what_is_no_numeric_address_is_refused),
        LEDGER_TEST(a_host_of_any_length_is_refused_without_being_cut),
        LEDGER_TEST(other_families_have_no_port),
        LEDGER_TEST(a_zone_without_a_name_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

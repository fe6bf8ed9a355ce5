/* SPDX-License-Identifier: MIT */
/* Names of hosts: what is asked for and what is not, and for how long. */
#include "support.h"

#include <netinet/in.h>

#include "ms.h"
#include "names.h"

/* The addresses of `host`, as text. */
static ssize_t resolve(const char *host, const hem_resolve_options *o,
                       char *text, size_t size)
{
    hem_address found[8];
    ssize_t count = hem_resolve(found, COUNT_OF(found), host, 80, o);
    text[0] = '\0';
    for (ssize_t i = 0; i < count; i++) {
        char one[HEM_ADDRESS_TEXT];
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? " " : "",
                 hem_address_format(&found[i], one));
    }
    return count;
}

/* `host` is these addresses, and nobody was asked. */
static void check_known(const char *host, const hem_resolve_options *o,
                        const char *want)
{
    char text[512];
    names_begin();
    check(resolve(host, o, text, sizeof(text)) > 0);
    check_str(text, want);
    check_int(names_asked(), 0);
}

static void check_refused(const char *host, const hem_resolve_options *o,
                          int want)
{
    hem_address a = {.length = 77};
    names_begin();
    if (!check_int(hem_resolve(&a, 1, host, 80, o), want))
        print_error("host \"%s\"\n", host ? host : "NULL");
    check_int(a.length, 77);
    check_int(names_asked(), 0);
}

static const hem_resolve_options only4 = {.family = AF_INET};
static const hem_resolve_options only6 = {.family = AF_INET6};
static const hem_resolve_options forms = {.numeric_forms = true};
static const hem_resolve_options numeric = {.numeric_only = true};

VIRTUAL_TEST(a_numeric_host_is_not_looked_up)
{
    check_known("192.0.2.1", NULL, "192.0.2.1:80");
    check_known("::1", NULL, "[::1]:80");
    check_known("192.0.2.1", &only4, "192.0.2.1:80");
    check_known("::1", &only6, "[::1]:80");
    check_known("::1", &numeric, "[::1]:80");
    check_int(hem_resolve(NULL, 0, "::1", 65535, NULL), 1);
    return 0;
}

VIRTUAL_TEST(a_numeric_host_is_of_one_family)
{
    check_refused("192.0.2.1", &only6, HEM_EAFNOSUPPORT);
    check_refused("::1", &only4, HEM_EAFNOSUPPORT);
    return 0;
}

VIRTUAL_TEST(a_numeric_host_is_a_cancel_point_as_well)
{
    hem_address a = {.length = 77};
    hem_task_cancel(hem_self(), "test");
    check_int(hem_resolve(&a, 1, "192.0.2.1", 80, NULL), HEM_ECANCELED);
    check_int(a.length, 77);
    hem_task_uncancel(hem_self());
    return 0;
}

VIRTUAL_TEST(localhost_is_this_machine_and_nobody_is_asked)
{
    static const char *const hosts[] = {"localhost", "localhost.", "LocalHost",
                                        "a.localhost", "a.b.LOCALHOST."};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        check_known(hosts[i], NULL, "[::1]:80 127.0.0.1:80");
        check_known(hosts[i], &only4, "127.0.0.1:80");
        check_known(hosts[i], &only6, "[::1]:80");
    }
    return 0;
}

VIRTUAL_TEST(what_only_looks_like_localhost_is_asked_for)
{
    static const char *const hosts[] = {"xlocalhost", "localhost.example",
                                        "localhosts", "local"};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        char text[512];
        names_begin();
        check_int(resolve(hosts[i], NULL, text, sizeof(text)), HEM_ENAME);
        check_str(names_last(), hosts[i]);
    }
    return 0;
}

VIRTUAL_TEST(no_host_is_this_machine)
{
    const hem_resolve_options all = {.passive = true},
                              all4 = {.passive = true, .family = AF_INET};
    check_known(NULL, NULL, "[::1]:80 127.0.0.1:80");
    check_known(NULL, &only4, "127.0.0.1:80");
    check_known(NULL, &all, "[::]:80 0.0.0.0:80");
    check_known(NULL, &all4, "0.0.0.0:80");
    check_known("192.0.2.1", &all, "192.0.2.1:80");
    return 0;
}

VIRTUAL_TEST(at_most_max_are_written_and_all_are_counted)
{
    for (size_t max = 0; max <= 4; max++) {
        hem_address found[4];
        memset(found, 0, sizeof(found));
        names_begin();
        names_add(
            (struct name){"host.example", "192.0.2.1 ::1 192.0.2.3", 0, 0});
        check_int(hem_resolve(found, max, "host.example", 8080, NULL), 3);
        for (size_t i = 0; i < COUNT_OF(found); i++) {
            check_int(hem_address_port(&found[i]), i < max && i < 3 ? 8080 : 0);
        }
    }
    return 0;
}

static const char *const disguised[] = {
    "0",
    "127",
    "127.1",
    "127.0.1",
    "1.2.3",
    "1.2.3.",
    "1.2.3.4.",
    "1.2.3.4.5",
    "1.2.3.400",
    "01.2.3.4",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0X7F000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0x",
    "example.1",
    "example.0x1f",
    "example.0x1f.",
    "4294967296",
    "99999999999999999999999999",
};

VIRTUAL_TEST(disguised_addresses_are_refused)
{
    for (size_t i = 0; i < COUNT_OF(disguised); i++) {
        check_refused(disguised[i], NULL, HEM_EINVAL);
        check_refused(disguised[i], &numeric, HEM_EINVAL);
    }
    return 0;
}

VIRTUAL_TEST(other_numeric_forms_are_taken_where_they_are_wanted)
{
    check_known("127.1", &forms, "127.0.0.1:80");
    check_known("127", &forms, "0.0.0.127:80");
    check_known("127.0.1", &forms, "127.0.0.1:80");
    check_known("0x7f000001", &forms, "127.0.0.1:80");
    check_known("0X7F.0.0.1", &forms, "127.0.0.1:80");
    check_known("2130706433", &forms, "127.0.0.1:80");
    check_known("017700000001", &forms, "127.0.0.1:80");
    check_known("010.2.3.4", &forms, "8.2.3.4:80");
    static const char *const wrong[] = {
        "4294967296", "1.2.3.400", "1.2.3.4.5",     "08.1.1.1",
        "example.1",  "0xg.1",     "127.1 example", "127.1."};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_refused(wrong[i], &forms, HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(what_is_no_name_is_refused)
{
    static const char *const hosts[] = {
        "",          ".",         "..",       "a..b",      ".a",
        "a.b..",     " ",         "a b",      "a\n",       "a/b",
        "a:80",      "[::1]",     "::1::",    "1:2",       "fe80::1%no-such-if",
        "a%b",       "a@b",       "\xc3\xa4", "b\xc3\xbc", "a\x7f",
        "$(reboot)", "host;true", "a,b",      "*",         "*.example",
    };
    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        check_refused(hosts[i], NULL, HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(names_are_asked_for_as_they_are)
{
    static const char *const hosts[] = {
        "3com",    "1a",         "a1",      "1.2.3.4a",
        "0xg",     "x0x7f",      "1.2.com", "0x7f.de",
        "1-2.3-4", "example.",   "_tcp.a",  "A.B.c",
        "-",       "127.0.0.1x", "x1.2x",   "xn--bcher-kva.example"};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        hem_address a;
        names_begin();
        names_add((struct name){hosts[i], "192.0.2.1", 0, 0});
        check_int(hem_resolve(&a, 1, hosts[i], 80, NULL), 1);
        check_int(names_asked(), 1);
        check_str(names_last(), hosts[i]);
        check_refused(hosts[i], &numeric, HEM_EINVAL);
    }
    check_refused("localhost", &numeric, HEM_EINVAL);
    return 0;
}

/* A name of `length` bytes, in labels of at most `label`. */
static void make_name(char *name, size_t length, size_t label)
{
    for (size_t i = 0; i < length; i++)
        name[i] = i % (label + 1) == label ? '.' : 'a';
    if (length > 0 && name[length - 1] == '.')
        name[length - 1] = 'a';
    name[length] = '\0';
}

VIRTUAL_TEST(a_name_is_asked_for_as_a_whole_or_not_at_all)
{
    static const size_t lengths[] = {252, 253, 254, 255, 256, 1000, 65536};
    static char host[70000];
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        make_name(host, lengths[i], 50);
        if (lengths[i] > 253) {
            check_refused(host, NULL, HEM_ENAMETOOLONG);
            continue;
        }
        hem_address a;
        names_begin();
        check_int(hem_resolve(&a, 1, host, 80, NULL), HEM_ENAME);
        check_str(names_last(), host);
    }
    make_name(host, 253, 50);
    host[253] = '.';
    host[254] = '\0';
    hem_address a;
    check_int(hem_resolve(&a, 1, host, 80, NULL), HEM_ENAME);
    check_str(names_last(), host);
    host[254] = '.';
    host[255] = '\0';
    check_refused(host, NULL, HEM_ENAMETOOLONG);
    return 0;
}

VIRTUAL_TEST(a_label_has_at_most_63_bytes)
{
    char host[80];
    hem_address a;
    names_begin();
    make_name(host, 63, 63);
    check_int(hem_resolve(&a, 1, host, 80, NULL), HEM_ENAME);
    check_int(names_asked(), 1);
    make_name(host, 64, 64);
    check_refused(host, NULL, HEM_ENAMETOOLONG);
    return 0;
}

VIRTUAL_TEST(a_host_of_known_length_needs_no_nul_and_may_have_none)
{
    hem_address a;
    names_begin();
    names_add((struct name){"host.example", "192.0.2.1", 0, 0});
    check_int(hem_resolve(&a, 1, "host.example.org", 80,
                          &(hem_resolve_options){.host_length = 12}),
              1);
    check_str(names_last(), "host.example");
    check_int(hem_resolve(&a, 1, "127.0.0.15", 80,
                          &(hem_resolve_options){.host_length = 9}),
              1);
    char text[HEM_ADDRESS_TEXT];
    check_str(hem_address_format(&a, text), "127.0.0.1:80");
    static const char with_nul[] = "evil.example\0.good.example";
    check_refused(with_nul,
                  &(hem_resolve_options){.host_length = sizeof(with_nul) - 1},
                  HEM_EINVAL);
    check_refused("127.0.0.1", &(hem_resolve_options){.host_length = 10},
                  HEM_EINVAL);
    check_refused("", &(hem_resolve_options){.host_length = 1}, HEM_EINVAL);
    check_refused("", &(hem_resolve_options){.host_length = SIZE_MAX},
                  HEM_ENAMETOOLONG);
    return 0;
}

VIRTUAL_TEST(an_unknown_family_is_refused)
{
    check_refused("::1", &(hem_resolve_options){.family = AF_UNIX}, HEM_EINVAL);
    check_refused(NULL, &(hem_resolve_options){.family = 12345}, HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(only_addresses_of_the_family_are_found)
{
    char text[512];
    names_begin();
    names_add((struct name){"host.example", "::1 192.0.2.1 ::2", 0, 0});
    check_int(resolve("host.example", &only6, text, sizeof(text)), 2);
    check_str(text, "[::1]:80 [::2]:80");
    check_int(resolve("host.example", &only4, text, sizeof(text)), 1);
    check_str(text, "192.0.2.1:80");
    return 0;
}

VIRTUAL_TEST(a_failure_is_told_with_the_name)
{
    hem_address a = {.length = 77};
    names_begin();
    names_add((struct name){"host.example", NULL, HEM_ENAMETEMP, 0});
    check_int(hem_resolve(&a, 1, "host.example", 80, NULL), HEM_ENAMETEMP);
    check_str(hem_failure()->message,
              "resolve \"host.example\": host name lookup failed for now");
    check_int(hem_resolve(&a, 1, "other.example", 80, NULL), HEM_ENAME);
    check_contains(hem_failure()->message, "other.example");
    check_int(a.length, 77);
    return 0;
}

VIRTUAL_TEST(an_answer_has_30_s_unless_told_otherwise)
{
    static const struct {
        hem_ns timeout, delay;
        int rc, at; /* ms */
    } samples[] = {
        {0, 29 * HEM_SEC, 1, 29000},
        {0, 31 * HEM_SEC, HEM_ETIMEDOUT, 30000},
        {HEM_SEC, HEM_NEVER, HEM_ETIMEDOUT, 1000},
        {HEM_NEVER, 3600 * HEM_SEC, 1, 3600000},
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        hem_address a = {.length = 77};
        int start = now_ms();
        names_begin();
        names_add((struct name){"host.example", "::1", 0, samples[i].delay});
        check_int(
            hem_resolve(&a, 1, "host.example", 80,
                        &(hem_resolve_options){.timeout = samples[i].timeout}),
            samples[i].rc);
        check_int(now_ms() - start, samples[i].at);
        if (samples[i].rc < 0) {
            check_int(a.length, 77);
            check_contains(hem_failure()->message, "no answer in time");
        }
        check_int(hem_task_cancelling(hem_self()), 0);
    }
    return 0;
}

static int name_of(const char *host, char *ret, size_t size,
                   const hem_resolve_options *o)
{
    hem_address a;
    check_int(hem_address_parse(&a, host, 80), 0);
    return hem_resolve_name(&a, ret, size, o);
}

VIRTUAL_TEST(an_address_has_a_name)
{
    char name[HEM_HOST_TEXT] = "untouched";
    names_begin();
    names_add((struct name){"host.example", "192.0.2.1", 0, 0});
    names_add((struct name){"six.example", "2001:db8::1", 0, 0});
    check_int(name_of("192.0.2.2", name, sizeof(name), NULL), HEM_ENAME);
    check_str(name, "untouched");
    check_str(hem_failure()->message,
              "resolve \"192.0.2.2\": host name not found");
    check_int(name_of("192.0.2.1", name, sizeof(name), NULL), 12);
    check_str(name, "host.example");
    check_int(name_of("2001:db8::1", name, sizeof(name), NULL), 11);
    check_str(name, "six.example");
    return 0;
}

VIRTUAL_TEST(a_name_is_never_cut)
{
    char name[HEM_HOST_TEXT] = "untouched";
    names_begin();
    names_add((struct name){"host.example", "192.0.2.1", 0, 0});
    for (size_t size = 0; size <= 12; size++) {
        check_int(name_of("192.0.2.1", name, size, NULL), HEM_ENAMETOOLONG);
        check_str(name, "untouched");
    }
    check_int(name_of("192.0.2.1", name, 13, NULL), 12);
    check_str(name, "host.example");
    return 0;
}

VIRTUAL_TEST(an_address_as_text_needs_no_asking)
{
    char name[HEM_HOST_TEXT];
    names_begin();
    check_int(name_of("192.0.2.1", name, sizeof(name), &numeric), 9);
    check_str(name, "192.0.2.1");
    check_int(name_of("2001:db8::1", name, sizeof(name), &numeric), 11);
    check_str(name, "2001:db8::1");
    check_int(name_of("192.0.2.1", name, 9, &numeric), HEM_ENAMETOOLONG);
    check_int(names_asked(), 0);
    return 0;
}

VIRTUAL_TEST(what_is_no_name_is_not_believed)
{
    static const char *const lies[] = {"127.0.0.1", "::1", "a b", "$(reboot)",
                                       "a/../b",    "",    "x.1"};
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        char name[HEM_HOST_TEXT] = "untouched";
        names_begin();
        names_add((struct name){lies[i], "192.0.2.1", 0, 0});
        check_int(name_of("192.0.2.1", name, sizeof(name), NULL), HEM_ENAME);
        check_str(name, "untouched");
    }
    return 0;
}

VIRTUAL_TEST(a_name_of_an_address_has_a_time_limit)
{
    char name[HEM_HOST_TEXT];
    names_begin();
    names_add((struct name){"host.example", "192.0.2.1", 0, HEM_NEVER});
    check_int(name_of("192.0.2.1", name, sizeof(name), NULL), HEM_ETIMEDOUT);
    check_int(now_ms(), 30000);
    check_int(name_of("192.0.2.1", name, sizeof(name),
                      &(hem_resolve_options){.timeout = HEM_SEC}),
              HEM_ETIMEDOUT);
    check_int(now_ms(), 31000);
    return 0;
}

VIRTUAL_TEST(other_families_have_no_names)
{
    char name[HEM_HOST_TEXT];
    hem_address a = {.length = sizeof(sa_family_t)};
    a.storage.ss_family = AF_UNIX;
    check_int(hem_resolve_name(&a, name, sizeof(name), NULL), HEM_EAFNOSUPPORT);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_numeric_host_is_not_looked_up),
        LEDGER_TEST(a_numeric_host_is_of_one_family),
        LEDGER_TEST(a_numeric_host_is_a_cancel_point_as_well),
        LEDGER_TEST(localhost_is_this_machine_and_nobody_is_asked),
        LEDGER_TEST(what_only_looks_like_localhost_is_asked_for),
        LEDGER_TEST(no_host_is_this_machine),
        LEDGER_TEST(at_most_max_are_written_and_all_are_counted),
        LEDGER_TEST(disguised_addresses_are_refused),
        LEDGER_TEST(other_numeric_forms_are_taken_where_they_are_wanted),
        LEDGER_TEST(what_is_no_name_is_refused),
        LEDGER_TEST(names_are_asked_for_as_they_are),
        LEDGER_TEST(a_name_is_asked_for_as_a_whole_or_not_at_all),
        LEDGER_TEST(a_label_has_at_most_63_bytes),
        LEDGER_TEST(a_host_of_known_length_needs_no_nul_and_may_have_none),
        LEDGER_TEST(an_unknown_family_is_refused),
        LEDGER_TEST(only_addresses_of_the_family_are_found),
        LEDGER_TEST(a_failure_is_told_with_the_name),
        LEDGER_TEST(an_answer_has_30_s_unless_told_otherwise),
        LEDGER_TEST(an_address_has_a_name),
        LEDGER_TEST(a_name_is_never_cut),
        LEDGER_TEST(an_address_as_text_needs_no_asking),
        LEDGER_TEST(what_is_no_name_is_not_believed),
        LEDGER_TEST(a_name_of_an_address_has_a_time_limit),
        LEDGER_TEST(other_families_have_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

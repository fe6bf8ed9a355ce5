/* SPDX-License-Identifier: MIT */
/* Names by c-ares, of a server that is good, slow, silent or evil. */
#include "support.h"

#include <netinet/in.h>
#include <sys/wait.h>

#include "dns.h"
#include "io/resolver.h"
#include "ms.h"

#define HOST "host.example"

/* The addresses of `host`, sorted as text. */
static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static ssize_t resolve(const char *host, int family, char *text, size_t size)
{
    hem_address found[8];
    char lines[8][HEM_ADDRESS_TEXT];
    ssize_t count = hem_resolve(found, COUNT_OF(found), host, 80,
                                &(hem_resolve_options){.family = family});
    text[0] = '\0';
    for (ssize_t i = 0; i < count; i++)
        hem_address_format(&found[i], lines[i]);
    if (count > 0)
        qsort(lines, (size_t)count, sizeof(lines[0]), compare);
    for (ssize_t i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? " " : "", lines[i]);
    }
    return count;
}

static int resolve_host(void *arg)
{
    hem_address a;
    return (int)hem_resolve(&a, 1, arg ? arg : HOST, 80, NULL);
}

VIRTUAL_TEST(c_ares_is_built_in)
{
    check_str(hem_resolve_backend(), "c-ares");
    return 0;
}

VIRTUAL_TEST(addresses_of_both_families_are_found)
{
    char text[256];
    dns_start();
    dns_add((struct dns_host){HOST, "192.0.2.1 192.0.2.2 2001:db8::1",
                              DNS_ANSWERS, 0});
    check_int(resolve(HOST, AF_UNSPEC, text, sizeof(text)), 3);
    check_str(text, "192.0.2.1:80 192.0.2.2:80 [2001:db8::1]:80");
    check_int(resolve(HOST, AF_INET, text, sizeof(text)), 2);
    check_str(text, "192.0.2.1:80 192.0.2.2:80");
    check_int(resolve(HOST, AF_INET6, text, sizeof(text)), 1);
    check_str(text, "[2001:db8::1]:80");
    check_int(resolve("other.example", AF_UNSPEC, text, sizeof(text)),
              HEM_ENAME);
    dns_stop();
    return 0;
}

VIRTUAL_TEST(an_address_has_a_name)
{
    static const char *const addresses[] = {"192.0.2.7", "2001:db8::7"};
    dns_start();
    dns_add((struct dns_host){"7.2.0.192.in-addr.arpa", HOST, DNS_ANSWERS, 0});
    dns_add((struct dns_host){"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
                              "8.b.d.0.1.0.0.2.ip6.arpa",
                              HOST, DNS_ANSWERS, 0});
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        hem_address a;
        char name[HEM_HOST_TEXT];
        check_int(hem_address_parse(&a, addresses[i], 80), 0);
        check_int(hem_resolve_name(&a, name, sizeof(name), NULL), 12);
        check_str(name, HOST);
    }
    hem_address a;
    char name[HEM_HOST_TEXT];
    check_int(hem_address_parse(&a, "192.0.2.8", 80), 0);
    check_int(hem_resolve_name(&a, name, sizeof(name), NULL), HEM_ENAME);
    dns_stop();
    return 0;
}

VIRTUAL_TEST(a_slow_answer_is_waited_for)
{
    hem_task *t;
    dns_start();
    dns_add((struct dns_host){HOST, "192.0.2.1", DNS_ANSWERS, 3 * HEM_SEC});
    check_int(hem_spawn(&t, resolve_host, NULL), 0);
    check_int(hem_sleep(HEM_SEC), 0);
    check_str(hem_task_waits_for(t), "resolve");
    check_int(hem_await(t), 1);
    check_int(now_ms(), 3000);
    dns_stop();
    return 0;
}

VIRTUAL_TEST(a_silent_server_costs_the_time_limit)
{
    dns_start();
    dns_add((struct dns_host){HOST, NULL, DNS_IS_SILENT, 0});
    check_int(resolve_host(NULL), HEM_ETIMEDOUT);
    check_int(now_ms(), 30000);
    dns_stop();
    return 0;
}

VIRTUAL_TEST(an_answer_by_tcp_is_asked_for)
{
    char text[256];
    dns_start();
    dns_add((struct dns_host){HOST, "192.0.2.1 2001:db8::1", DNS_TRUNCATES, 0});
    for (size_t i = 1; i <= 3; i++) {
        check_int(resolve(HOST, AF_UNSPEC, text, sizeof(text)), 2);
        check_str(text, "192.0.2.1:80 [2001:db8::1]:80");
        check_int(dns_asked_by_tcp(), 2 * i);
    }
    dns_stop();
    return 0;
}

/* Whatever comes: the right answer, or an error within the limit. */
VIRTUAL_TEST(evil_answers_are_errors)
{
    static const struct {
        enum dns_manner manner;
        int want;
    } samples[] = {{DNS_FAILS, HEM_ENAMETEMP},     {DNS_REFUSES, HEM_ENAMETEMP},
                   {DNS_BABBLES, HEM_ETIMEDOUT},   {DNS_LIES, HEM_ETIMEDOUT},
                   {DNS_CUTS, HEM_ETIMEDOUT},      {DNS_FLOODS, 1},
                   {DNS_GOES_ROUND, HEM_ENAMETEMP}};
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        dns_start();
        dns_add((struct dns_host){HOST, "192.0.2.1", samples[i].manner, 0});
        if (!check_int(resolve_host(NULL), samples[i].want))
            print_error("manner %d\n", samples[i].manner);
        dns_stop();
    }
    return 0;
}

VIRTUAL_TEST(where_no_server_is_the_answer_is_for_now)
{
    dns_start();
    dns_stop();
    char servers[] = "127.0.0.1:1"; /* nobody is there */
    hem__resolver_servers = servers;
    int rc = resolve_host(NULL);
    check(rc == HEM_ENAMETEMP || rc == HEM_ETIMEDOUT);
    hem__resolver_servers = NULL;
    return 0;
}

VIRTUAL_TEST(cancelled_at_any_moment_nothing_is_left)
{
    for (int ms = 0; ms <= 60; ms += 5) {
        hem_task *t;
        dns_start();
        dns_add((struct dns_host){HOST, "192.0.2.1", DNS_ANSWERS, 50 * MS});
        check_int(hem_spawn(&t, resolve_host, NULL), 0);
        check_int(hem_sleep(ms * MS), 0);
        hem_task_cancel(t, "test");
        int rc = hem_await(t);
        check(rc == HEM_ECANCELED || (ms >= 50 && rc == 1));
        check_int(resolve_host(NULL), 1);
        dns_stop();
    }
    return 0;
}

VIRTUAL_TEST(one_that_is_cancelled_leaves_the_others_alone)
{
    enum { COUNT = 20 };
    hem_task *t[COUNT];
    dns_start();
    dns_add((struct dns_host){HOST, "192.0.2.1", DNS_ANSWERS, 50 * MS});
    dns_add((struct dns_host){"silent.example", NULL, DNS_IS_SILENT, 0});
    for (int i = 0; i < COUNT; i++) {
        check_int(
            hem_spawn(&t[i], resolve_host, i % 2 ? "silent.example" : HOST), 0);
    }
    check_int(hem_sleep(10 * MS), 0);
    for (int i = 0; i < COUNT; i += 4) {
        hem_task_cancel(t[i], "test");
        hem_task_cancel(t[i + 1], "test");
    }
    for (int i = 0; i < COUNT; i++) {
        int rc = hem_await(t[i]);
        if (i % 4 < 2)
            check_int(rc, HEM_ECANCELED);
        else
            check_int(rc, i % 2 ? HEM_ETIMEDOUT : 1);
    }
    dns_stop();
    return 0;
}

VIRTUAL_TEST(without_memory_nothing_is_asked)
{
    int rc;
    size_t failures = 0;
    dns_start();
    dns_add((struct dns_host){HOST, "192.0.2.1", DNS_ANSWERS, 0});
    check_int(resolve_host(NULL), 1); /* the table of descriptors has grown */
    do {
        ledger_fail_at(++failures);
        rc = resolve_host(NULL);
        ledger_fail_at(0);
        if (rc < 0)
            check_int(rc, HEM_ENOMEM);
    } while (rc < 0 && failures < 100);
    check_int(rc, 1);
    check(failures > 1);
    dns_stop();
    return 0;
}

static int left_to_the_end(void *arg)
{
    (void)arg;
    dns_start();
    dns_add((struct dns_host){HOST, NULL, DNS_IS_SILENT, 0});
    check_int(hem_spawn(NULL, resolve_host, NULL), 0);
    return hem_sleep(10 * MS);
}

static void the_end_of_a_run_ends_its_lookups(void **state)
{
    (void)state;
    check_int(run_virtual(left_to_the_end, NULL), 0);
    check_int(run_virtual(left_to_the_end, NULL), 0);
    run_assert_checks();
}

static size_t done;

static int resolve_one(void *arg)
{
    check_int(resolve_host(arg), 1);
    done++;
    return 0;
}

VIRTUAL_TEST(hostile_24_ten_thousand_lookups_take_few_descriptors)
{
    size_t count = scaled(10000), most = 0, before = ledger_descriptors();
    size_t threads = ledger_threads();
    dns_start();
    dns_add((struct dns_host){HOST, "192.0.2.1", DNS_ANSWERS, 0});
    done = 0;
    for (size_t i = 0; i < count; i++)
        check_int(hem_spawn(NULL, resolve_one, HOST), 0);
    while (done < count) {
        size_t now = ledger_descriptors() - before;
        most = now > most ? now : most;
        check_int(hem_sleep(MS), 0);
        if (!check(now_ms() < 600000))
            break;
    }
    check(most <= 20);
    check_int(ledger_threads(), threads);
    dns_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(c_ares_is_built_in),
        LEDGER_TEST(addresses_of_both_families_are_found),
        LEDGER_TEST(an_address_has_a_name),
        LEDGER_TEST(a_slow_answer_is_waited_for),
        LEDGER_TEST(a_silent_server_costs_the_time_limit),
        LEDGER_TEST(an_answer_by_tcp_is_asked_for),
        LEDGER_TEST(evil_answers_are_errors),
        LEDGER_TEST(where_no_server_is_the_answer_is_for_now),
        LEDGER_TEST(cancelled_at_any_moment_nothing_is_left),
        LEDGER_TEST(one_that_is_cancelled_leaves_the_others_alone),
        LEDGER_TEST(without_memory_nothing_is_asked),
        LEDGER_TEST(the_end_of_a_run_ends_its_lookups),
        LEDGER_TEST(hostile_24_ten_thousand_lookups_take_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Names of hosts: what is asked of getaddrinfo, and what becomes of it. */
#include "support.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define FOUND_MAX 5

/* What getaddrinfo, which is replaced here, does. */
static struct fake {
    bool real;        /* ask the system */
    bool holds;       /* wait for `go` first */
    int status;       /* what it returns */
    int error;        /* errno, with EAI_SYSTEM */
    size_t found;     /* number of addresses */
    sem_t asked, go;  /* it was called; it may go on */
    atomic_int calls; /* number of calls */
    atomic_int freed; /* number of results that were given back */
    char host[512];   /* what it was asked for last */
} fake;

static pthread_mutex_t host_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct addrinfo infos[FOUND_MAX];
static struct sockaddr_in addresses[FOUND_MAX];

/* Find the addresses 127.0.0.1, 127.0.0.2, ... */
static void make_found(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        addresses[i].sin_family = AF_INET;
        addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)i);
        infos[i] = (struct addrinfo){
            .ai_family = AF_INET,
            .ai_socktype = SOCK_STREAM,
            .ai_addr = (struct sockaddr *)&addresses[i],
            .ai_addrlen = sizeof(addresses[i]),
            .ai_next = i + 1 < count ? &infos[i + 1] : NULL,
        };
    }
}

int getaddrinfo(const char *host, const char *service,
                const struct addrinfo *hints, struct addrinfo **ret)
{
    if (fake.real) {
        int (*next)(const char *, const char *, const struct addrinfo *,
                    struct addrinfo **);
        *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
        return next(host, service, hints, ret);
    }
    atomic_fetch_add(&fake.calls, 1);
    pthread_mutex_lock(&host_mutex);
    snprintf(fake.host, sizeof(fake.host), "%s", host);
    pthread_mutex_unlock(&host_mutex);
    sem_post(&fake.asked);
    while (fake.holds && sem_wait(&fake.go) < 0)
        continue;
    if (fake.status == 0)
        *ret = fake.found ? &infos[0] : NULL;
    errno = fake.error;
    return fake.status;
}

void freeaddrinfo(struct addrinfo *list)
{
    if (list != &infos[0]) {
        void (*next)(struct addrinfo *);
        *(void **)&next = dlsym(RTLD_NEXT, "freeaddrinfo");
        next(list);
        return;
    }
    atomic_fetch_add(&fake.freed, 1);
}

/* What getaddrinfo does in this test. */
static void fake_begin(struct fake how)
{
    fake = how;
    make_found(how.found);
    sem_init(&fake.asked, 0, 0);
    sem_init(&fake.go, 0, 0);
}

static int wait_until_asked(void *arg)
{
    (void)arg;
    while (sem_wait(&fake.asked) < 0)
        continue;
    return 0;
}

static int resolve(void *arg)
{
    hem_address a;
    return (int)hem_resolve(&a, 1, arg, 80);
}

VIRTUAL_TEST(a_numeric_host_is_not_looked_up)
{
    fake_begin((struct fake){.status = EAI_FAIL});
    hem_address a;
    char text[HEM_ADDRESS_TEXT];
    check_int(hem_resolve(&a, 1, "192.0.2.1", 80), 1);
    check_str(hem_address_format(&a, text), "192.0.2.1:80");
    check_int(hem_resolve(&a, 1, "::1", 65535), 1);
    check_str(hem_address_format(&a, text), "[::1]:65535");
    check_int(hem_resolve(NULL, 0, "::1", 65535), 1);
    check_int(fake.calls, 0);
    return 0;
}

VIRTUAL_TEST(a_numeric_host_is_a_cancel_point_as_well)
{
    hem_address a = {.length = 77};
    hem_task_cancel(hem_self(), "test");
    check_int(hem_resolve(&a, 1, "192.0.2.1", 80), HEM_ECANCELED);
    check_int(a.length, 77);
    hem_task_uncancel(hem_self());
    return 0;
}

VIRTUAL_TEST(localhost_is_this_machine)
{
    fake_begin((struct fake){.real = true});
    hem_address found[8];
    ssize_t count = hem_resolve(found, COUNT_OF(found), "localhost", 8080);
    check(count >= 1);
    for (ssize_t i = 0; i < count && i < 8; i++) {
        char text[HEM_ADDRESS_TEXT];
        hem_address_format(&found[i], text);
        check(strcmp(text, "[::1]:8080") == 0 || strncmp(text, "127.", 4) == 0);
        check_int(hem_address_port(&found[i]), 8080);
    }
    return 0;
}

VIRTUAL_TEST(at_most_max_are_written_and_all_are_counted)
{
    fake_begin((struct fake){.found = 5});
    for (size_t max = 0; max <= 6; max++) {
        hem_address found[7];
        memset(found, 0, sizeof(found));
        check_int(hem_resolve(found, max, "host.example", 80), 5);
        for (uint32_t i = 0; i < COUNT_OF(found); i++) {
            char text[HEM_ADDRESS_TEXT], want[HEM_ADDRESS_TEXT];
            snprintf(want, sizeof(want), "127.0.0.%u:80", i + 1);
            check_str(hem_address_format(&found[i], text),
                      i < max && i < 5 ? want : "?");
        }
    }
    check_int(fake.freed, 7);
    check_str(fake.host, "host.example");
    return 0;
}

VIRTUAL_TEST(what_getaddrinfo_says_becomes_an_error)
{
    static const struct {
        int status, error, want;
    } samples[] = {
        {EAI_NONAME, 0, HEM_ENAME},       {EAI_FAIL, 0, HEM_ENAME},
        {EAI_FAMILY, 0, HEM_ENAME},       {EAI_AGAIN, 0, HEM_ENAMETEMP},
        {EAI_MEMORY, 0, HEM_ENOMEM},      {EAI_SYSTEM, EMFILE, HEM_EMFILE},
        {EAI_SYSTEM, ENOMEM, HEM_ENOMEM},
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        hem_address a = {.length = 77};
        fake_begin((struct fake){.status = samples[i].status,
                                 .error = samples[i].error});
        check_int(hem_resolve(&a, 1, "host.example", 80), samples[i].want);
        check_int(a.length, 77);
    }
    return 0;
}

VIRTUAL_TEST(a_name_without_addresses_is_not_found)
{
    hem_address a = {.length = 77};
    fake_begin((struct fake){.found = 0});
    check_int(hem_resolve(&a, 1, "host.example", 80), HEM_ENAME);
    check_int(a.length, 77);
    return 0;
}

VIRTUAL_TEST(disguised_addresses_are_refused)
{
    static const char *const hosts[] = {
        "",
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
    fake_begin((struct fake){.found = 1});
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        hem_address a = {.length = 77};
        if (!check_int(hem_resolve(&a, 1, hosts[i], 80), HEM_EINVAL))
            print_error("host \"%s\"\n", hosts[i]);
        check_int(a.length, 77);
    }
    check_int(fake.calls, 0);
    return 0;
}

VIRTUAL_TEST(names_with_digits_are_looked_up)
{
    static const char *const hosts[] = {
        "3com",
        "1a",
        "a1",
        "1.2.3.4a",
        "0xg",
        "x0x7f",
        "1.2.com",
        "0x7f.de",
        "1-2.3-4",
        "example.",
        "127.0.0.1x",
        "x1.2x",
        "fe80::1%no-such-if",
    };
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        hem_address a;
        fake_begin((struct fake){.found = 1});
        check_int(hem_resolve(&a, 1, hosts[i], 80), 1);
        check_int(fake.calls, 1);
        check_str(fake.host, hosts[i]);
    }
    return 0;
}

VIRTUAL_TEST(a_name_is_asked_for_as_a_whole_or_not_at_all)
{
    static char host[70000];
    static const size_t lengths[] = {252, 253, 254, 255, 256, 1000, 65536};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        hem_address a = {.length = 77};
        bool fits = lengths[i] <= 253;
        fake_begin((struct fake){.found = 1});
        memset(host, 'a', sizeof(host));
        host[lengths[i]] = '\0';
        check_int(hem_resolve(&a, 1, host, 80), fits ? 1 : HEM_ENAMETOOLONG);
        check_int(fake.calls, fits);
        if (fits)
            check_str(fake.host, host);
        else
            check_int(a.length, 77);
    }
    return 0;
}

VIRTUAL_TEST(others_run_while_a_name_is_looked_up)
{
    fake_begin((struct fake){.found = 1, .holds = true});
    hem_task *t;
    check_int(hem_spawn(&t, resolve, "host.example"), 0);
    check_int(hem_thread_call(wait_until_asked, NULL, NULL), 0);
    for (int i = 0; i < 10; i++)
        check_int(hem_yield(), 0);
    check(!hem_task_done(t));
    sem_post(&fake.go);
    check_int(hem_await(t), 1);
    check_int(fake.freed, 1);
    return 0;
}

VIRTUAL_TEST(who_is_cancelled_while_looking_up_goes_on_at_once)
{
    fake_begin((struct fake){.found = 1, .holds = true});
    hem_task *t;
    check_int(hem_spawn(&t, resolve, "host.example"), 0);
    check_int(hem_thread_call(wait_until_asked, NULL, NULL), 0);
    hem_task_cancel(t, "test");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(fake.freed, 0);
    sem_post(&fake.go); /* the end of the run waits for it */
    return 0;
}

static void what_is_found_too_late_is_freed(void **state)
{
    who_is_cancelled_while_looking_up_goes_on_at_once(state);
    check_int(fake.calls, 1);
    check_int(fake.freed, 1);
    check_int(ledger_live(), 0);
}

VIRTUAL_TEST(a_lookup_that_has_not_begun_is_dropped)
{
    enum { THREADS = 8 };
    fake_begin((struct fake){.found = 1, .holds = true});
    hem_task *busy[THREADS], *t;
    for (size_t i = 0; i < THREADS; i++)
        check_int(hem_spawn(&busy[i], resolve, "busy.example"), 0);
    while (atomic_load(&fake.calls) < THREADS)
        check_int(hem_yield(), 0);
    check_int(hem_spawn(&t, resolve, "late.example"), 0);
    for (int i = 0; i < 10; i++)
        check_int(hem_yield(), 0);
    hem_task_cancel(t, "test");
    check_int(hem_await(t), HEM_ECANCELED);
    for (size_t i = 0; i < THREADS; i++)
        sem_post(&fake.go);
    for (size_t i = 0; i < THREADS; i++)
        check_int(hem_await(busy[i]), 1);
    check_int(fake.calls, THREADS);
    check_int(fake.freed, THREADS);
    return 0;
}

VIRTUAL_TEST(without_memory_nothing_is_looked_up)
{
    fake_begin((struct fake){.found = 1});
    int failures = 0;
    hem_address a = {.length = 77};
    ssize_t rc;
    do {
        ledger_fail_at((size_t)++failures);
        rc = hem_resolve(&a, 1, "host.example", 80);
        if (rc < 0) {
            check_int(rc, HEM_ENOMEM);
            check_int(a.length, 77);
        }
    } while (rc < 0 && failures < 100);
    ledger_fail_at(0);
    check_int(rc, 1);
    check(failures > 1);
    check_int(fake.freed, fake.calls);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_numeric_host_is_not_looked_up),
        LEDGER_TEST(a_numeric_host_is_a_cancel_point_as_well),
        LEDGER_TEST(localhost_is_this_machine),
        LEDGER_TEST(at_most_max_are_written_and_all_are_counted),
        LEDGER_TEST(what_getaddrinfo_says_becomes_an_error),
        LEDGER_TEST(a_name_without_addresses_is_not_found),
        LEDGER_TEST(disguised_addresses_are_refused),
        LEDGER_TEST(names_with_digits_are_looked_up),
        LEDGER_TEST(a_name_is_asked_for_as_a_whole_or_not_at_all),
        LEDGER_TEST(others_run_while_a_name_is_looked_up),
        LEDGER_TEST(what_is_found_too_late_is_freed),
        LEDGER_TEST(a_lookup_that_has_not_begun_is_dropped),
        LEDGER_TEST(without_memory_nothing_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The system's resolver: what is asked of it, and what becomes of the answer. */
#include "support.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define FOUND_MAX 5

/* What getaddrinfo, which is replaced here, does. */
static struct fake {
    bool holds;       /* wait for `go` first */
    int status;       /* what it returns */
    int error;        /* errno, with EAI_SYSTEM */
    size_t found;     /* number of addresses */
    sem_t asked, go;  /* it was called; it may go on */
    atomic_int calls; /* number of calls */
    atomic_int freed; /* number of results that were given back */
    char host[512];   /* what it was asked for last */
    const char *name; /* what getnameinfo finds */
    int family;       /* that was asked for */
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
    check(!service);
    atomic_fetch_add(&fake.calls, 1);
    pthread_mutex_lock(&host_mutex);
    snprintf(fake.host, sizeof(fake.host), "%s", host);
    fake.family = hints->ai_family;
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
    check(list == &infos[0]);
    atomic_fetch_add(&fake.freed, 1);
}

int getnameinfo(const struct sockaddr *a, socklen_t n, char *host,
                socklen_t size, char *service, socklen_t service_size,
                int flags)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in sa;
    memcpy(&sa, a, sizeof(sa));
    check_int(n, sizeof(sa));
    check_int(service_size, 0);
    check(!service);
    check_int(flags, NI_NAMEREQD);
    inet_ntop(AF_INET, &sa.sin_addr, text, sizeof(text));
    atomic_fetch_add(&fake.calls, 1);
    pthread_mutex_lock(&host_mutex);
    snprintf(fake.host, sizeof(fake.host), "%s", text);
    pthread_mutex_unlock(&host_mutex);
    sem_post(&fake.asked);
    while (fake.holds && sem_wait(&fake.go) < 0)
        continue;
    if (fake.status == 0)
        snprintf(host, size, "%s", fake.name);
    errno = fake.error;
    return fake.status;
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
    return (int)hem_resolve(&a, 1, arg, 80, NULL);
}

VIRTUAL_TEST(at_most_max_are_written_and_all_are_counted)
{
    fake_begin((struct fake){.found = 5});
    for (size_t max = 0; max <= 6; max++) {
        hem_address found[7];
        memset(found, 0, sizeof(found));
        check_int(hem_resolve(found, max, "host.example", 80, NULL), 5);
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
        check_int(hem_resolve(&a, 1, "host.example", 80, NULL),
                  samples[i].want);
        check_int(a.length, 77);
    }
    return 0;
}

VIRTUAL_TEST(a_name_without_addresses_is_not_found)
{
    hem_address a = {.length = 77};
    fake_begin((struct fake){.found = 0});
    check_int(hem_resolve(&a, 1, "host.example", 80, NULL), HEM_ENAME);
    check_int(a.length, 77);
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
    sem_post(&fake.go); /* the end of the test waits for it */
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
        rc = hem_resolve(&a, 1, "host.example", 80, NULL);
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

VIRTUAL_TEST(the_family_is_asked_for)
{
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    hem_address a;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        fake_begin((struct fake){.found = 1, .family = -1});
        check_int(hem_resolve(&a, 1, "host.example", 80,
                              &(hem_resolve_options){.family = families[i]}),
                  1);
        check_int(fake.family, families[i]);
    }
    return 0;
}

static int name_of(const char *address, char *ret, size_t size)
{
    hem_address a;
    check_int(hem_address_parse(&a, address, 80), 0);
    return hem_resolve_name(&a, ret, size, NULL);
}

VIRTUAL_TEST(a_name_is_asked_of_getnameinfo)
{
    char name[HEM_HOST_TEXT];
    fake_begin((struct fake){.name = "host.example"});
    check_int(name_of("192.0.2.7", name, sizeof(name)), 12);
    check_str(name, "host.example");
    check_str(fake.host, "192.0.2.7");
    return 0;
}

VIRTUAL_TEST(what_getnameinfo_says_becomes_an_error)
{
    static const struct {
        int status, error, want;
    } samples[] = {
        {EAI_NONAME, 0, HEM_ENAME},   {EAI_FAIL, 0, HEM_ENAME},
        {EAI_OVERFLOW, 0, HEM_ENAME}, {EAI_AGAIN, 0, HEM_ENAMETEMP},
        {EAI_MEMORY, 0, HEM_ENOMEM},  {EAI_SYSTEM, EMFILE, HEM_EMFILE},
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        char name[HEM_HOST_TEXT] = "untouched";
        fake_begin((struct fake){.status = samples[i].status,
                                 .error = samples[i].error});
        check_int(name_of("192.0.2.7", name, sizeof(name)), samples[i].want);
        check_str(name, "untouched");
    }
    return 0;
}

static int ask_for_name(void *arg)
{
    char name[HEM_HOST_TEXT];
    return name_of(arg, name, sizeof(name));
}

VIRTUAL_TEST(who_is_cancelled_while_a_name_is_found_goes_on_at_once)
{
    fake_begin((struct fake){.name = "host.example", .holds = true});
    hem_task *t;
    check_int(hem_spawn(&t, ask_for_name, "192.0.2.7"), 0);
    check_int(hem_thread_call(wait_until_asked, NULL, NULL), 0);
    hem_task_cancel(t, "test");
    check_int(hem_await(t), HEM_ECANCELED);
    sem_post(&fake.go);
    return 0;
}

VIRTUAL_TEST(without_memory_no_name_is_found)
{
    char name[HEM_HOST_TEXT];
    int rc, failures = 0;
    fake_begin((struct fake){.name = "host.example"});
    do {
        ledger_fail_at((size_t)++failures);
        rc = name_of("192.0.2.7", name, sizeof(name));
        if (rc < 0)
            check_int(rc, HEM_ENOMEM);
    } while (rc < 0 && failures < 100);
    ledger_fail_at(0);
    check_int(rc, 12);
    check(failures > 1);
    return 0;
}

int main(void)
{
    if (strcmp(hem_resolve_backend(), "getaddrinfo") != 0)
        return 77;
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(at_most_max_are_written_and_all_are_counted),
        LEDGER_TEST(what_getaddrinfo_says_becomes_an_error),
        LEDGER_TEST(a_name_without_addresses_is_not_found),
        LEDGER_TEST(others_run_while_a_name_is_looked_up),
        LEDGER_TEST(what_is_found_too_late_is_freed),
        LEDGER_TEST(a_lookup_that_has_not_begun_is_dropped),
        LEDGER_TEST(without_memory_nothing_is_looked_up),
        LEDGER_TEST(the_family_is_asked_for),
        LEDGER_TEST(a_name_is_asked_of_getnameinfo),
        LEDGER_TEST(what_getnameinfo_says_becomes_an_error),
        LEDGER_TEST(who_is_cancelled_while_a_name_is_found_goes_on_at_once),
        LEDGER_TEST(without_memory_no_name_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

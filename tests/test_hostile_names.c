/* SPDX-License-Identifier: MIT */
/* Hostile cases 7, 23 and 24, as far as names and clients are concerned. */
#include "support.h"

#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "loop/pool.h"
#include "net.h"

/* What connect and getaddrinfo, replaced here, do. */
static struct {
    int listener;      /* accepts and resets what is connected to it; 0: none */
    atomic_bool stuck; /* getaddrinfo waits for `go` */
    sem_t asked, go;
    atomic_int calls, freed;
} hostile;

int hostile_connect(int fd, const struct sockaddr *a,
                    socklen_t n) __asm__("connect");

int hostile_connect(int fd, const struct sockaddr *a, socklen_t n)
{
    int rc = (int)syscall(SYS_connect, fd, a, n);
    int error = errno;
    if (hostile.listener && rc < 0 && error == EINPROGRESS)
        net_reset(accept(hostile.listener, NULL, NULL));
    errno = error;
    return rc;
}

static struct sockaddr_in found = {.sin_family = AF_INET};
static struct addrinfo info = {.ai_family = AF_INET,
                               .ai_addr = (struct sockaddr *)&found,
                               .ai_addrlen = sizeof(found)};

int getaddrinfo(const char *host, const char *service,
                const struct addrinfo *hints, struct addrinfo **ret)
{
    check(host && !service && hints);
    atomic_fetch_add(&hostile.calls, 1);
    sem_post(&hostile.asked);
    while (hostile.stuck && sem_wait(&hostile.go) < 0)
        continue;
    *ret = &info;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    check(list == &info);
    atomic_fetch_add(&hostile.freed, 1);
}

static void begin(bool stuck)
{
    memset(&hostile, 0, sizeof(hostile));
    hostile.stuck = stuck;
    sem_init(&hostile.asked, 0, 0);
    sem_init(&hostile.go, 0, 0);
}

VIRTUAL_TEST(hostile_07_a_reset_during_connect_is_told_once)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof(sa);
    begin(false);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check_int(bind(fd, (struct sockaddr *)&sa, n), 0);
    check_int(listen(fd, 8), 0);
    check_int(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    hostile.listener = fd;
    size_t before = ledger_descriptors();
    for (int i = 0; i < 100; i++) {
        hem_stream s;
        check_int(hem_connect(&s, "127.0.0.1", ntohs(sa.sin_port), NULL),
                  HEM_ECONNRESET);
        check_int(hem_failure()->count, 1);
        check_int(hem_stream_write(&s, "x", 1), HEM_EBADF);
        check_int(hem_stream_close(&s), HEM_EBADF);
        check_int(ledger_descriptors(), before);
    }
    close(fd);
    hostile.listener = 0;
    return 0;
}

static int resolve_and_connect(const char *host, size_t length)
{
    hem_address a = {.length = 77};
    hem_stream s;
    int rc = (int)hem_resolve(&a, 1, host, 80,
                              &(hem_resolve_options){.host_length = length});
    check_int(a.length, 77);
    if (length == 0)
        check_int(hem_connect(&s, host, 80, NULL), rc);
    return rc;
}

VIRTUAL_TEST(hostile_23_no_name_is_cut_and_no_address_disguised)
{
    static const size_t lengths[] = {254, 255, 256, 257, 1000, 65536};
    static char host[65537];
    begin(false);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        for (size_t k = 0; k < lengths[i]; k++)
            host[k] = k % 50 == 49 ? '.' : 'a';
        host[lengths[i] - 1] = 'a';
        host[lengths[i]] = '\0';
        check_int(resolve_and_connect(host, 0), HEM_ENAMETOOLONG);
        check_int(resolve_and_connect(host, lengths[i]), HEM_ENAMETOOLONG);
        /* cut at 256 it would be this machine, CVE-2024-24806 */
        memset(host, '0', lengths[i]);
        memcpy(host, "0x", 2);
        memcpy(host + lengths[i] - 8, "7f000001", 8);
        check_int(resolve_and_connect(host, 0), HEM_ENAMETOOLONG);
    }
    static const char *const refused[] = {
        "",           "0x7f000001",        "127.1", "2130706433", "0177.0.0.1",
        "127.0.0.1.", "fu\xc3\x9f.example"};
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        check_int(resolve_and_connect(refused[i], 0), HEM_EINVAL);
    check_int(resolve_and_connect("good.example\0.evil", 18), HEM_EINVAL);
    check_int(resolve_and_connect("127.0.0.1\0.evil", 15), HEM_EINVAL);
    check_int(hostile.calls, 0);
    return 0;
}

static int resolve_in_20_ms(void *arg)
{
    hem_address a;
    return (int)hem_resolve(&a, 1, arg, 80,
                            &(hem_resolve_options){.timeout = 20 * HEM_MSEC});
}

static int nothing(void *arg)
{
    return *(int *)arg;
}

#define STUCK 20 /* more than threads */

static int among_stuck_lookups(void *arg)
{
    hem_task *t[STUCK];
    int seven = 7;
    (void)arg;
    for (size_t i = 0; i < STUCK; i++)
        check_int(hem_spawn(&t[i], resolve_in_20_ms, "host.example"), 0);
    for (int i = 0; i < 100; i++) {
        check_int(hem_thread_call(nothing, &seven, NULL), 7);
        check_int(hem_yield(), 0);
    }
    for (size_t i = 0; i < STUCK; i++)
        check_int(hem_await(t[i]), HEM_ETIMEDOUT);
    check_int(resolve_in_20_ms("host.example"), HEM_ETIMEDOUT);
    check_int(resolve_in_20_ms("localhost"), 2);
    check_int(hem_thread_call(nothing, &seven, NULL), 7);
    check_int(hostile.calls, 8);
    for (int i = 0; i < 8; i++)
        sem_post(&hostile.go);
    hostile.stuck = false;
    return 0;
}

/* Needs the true clock: virtual time does not pass while threads work. */
static void hostile_24_a_stuck_resolver_delays_nobody_else(void **state)
{
    (void)state;
    if (strcmp(hem_resolve_backend(), "getaddrinfo") != 0)
        skip();
    begin(true);
    check_int(hem_run(among_stuck_lookups, NULL,
                      &(hem_run_options){.on_report = report_record}),
              0);
    hem__pool_await_left();
    check_int(hostile.freed, hostile.calls); /* what came too late */
    run_assert_checks();
}

static int wait_until_asked(void *arg)
{
    (void)arg;
    while (sem_wait(&hostile.asked) < 0)
        continue;
    return 0;
}

static int resolve_for_ever(void *arg)
{
    hem_address a;
    return (int)hem_resolve(&a, 1, arg, 80, NULL);
}

static int leave_two(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        hem_task *t;
        check_int(hem_spawn(&t, resolve_for_ever, "host.example"), 0);
        check_int(hem_thread_call(wait_until_asked, NULL, NULL), 0);
        check(hem_task_cancel(t, NULL));
        check_int(hem_await(t), HEM_ECANCELED);
    }
    return 0;
}

static void hostile_24_a_stuck_resolver_keeps_no_run_from_its_end(void **state)
{
    (void)state;
    if (strcmp(hem_resolve_backend(), "getaddrinfo") != 0)
        skip();
    size_t live = ledger_live();
    begin(true);
    for (int i = 0; i < 2; i++)
        check_int(hem_run(leave_two, NULL, NULL), 0);
    check_int(hostile.calls, 4);
    check_int(hostile.freed, 0);
    check(ledger_live() > live);
    for (int i = 0; i < 4; i++)
        sem_post(&hostile.go);
    hem__pool_await_left();
    check_int(hostile.freed, 4);
    check_int(ledger_live(), live);
    run_assert_checks();
}

static int resolve(void *arg)
{
    hem_address a;
    int rc = (int)hem_resolve(&a, 1, "host.example", 80, NULL);
    check_int(rc, 1);
    ++*(size_t *)arg;
    return rc;
}

static int many_lookups(void *arg)
{
    size_t count = scaled(10000), done = 0, most = 0;
    size_t before = ledger_threads();
    (void)arg;
    for (size_t i = 0; i < count; i++)
        check_int(hem_spawn(NULL, resolve, &done), 0);
    while (done < count) {
        size_t threads = ledger_threads() - before;
        most = threads > most ? threads : most;
        for (int i = 0; i < 50; i++)
            check_int(hem_yield(), 0);
    }
    check(most <= 8);
    check_int(hostile.calls, count);
    return 0;
}

static void hostile_24_ten_thousand_lookups_take_eight_threads(void **state)
{
    (void)state;
    if (strcmp(hem_resolve_backend(), "getaddrinfo") != 0)
        skip();
    begin(false);
    check_int(run_virtual(many_lookups, NULL), 0);
    check_int(hostile.freed, hostile.calls);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_07_a_reset_during_connect_is_told_once),
        LEDGER_TEST(hostile_23_no_name_is_cut_and_no_address_disguised),
        LEDGER_TEST(hostile_24_a_stuck_resolver_delays_nobody_else),
        LEDGER_TEST(hostile_24_a_stuck_resolver_keeps_no_run_from_its_end),
        LEDGER_TEST(hostile_24_ten_thousand_lookups_take_eight_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

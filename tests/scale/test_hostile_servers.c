/* SPDX-License-Identifier: MIT */
/* Servers whose clients, or whose machine, do what they should not: at full
 * size. The same acts in small are in tests/test_hostile_server.c. */
#include "support.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "clients.h"
#include "net.h"
#include "serving.h"

#define GIGA   ((size_t)1 << 30)
#define MEGA   ((size_t)1 << 20)
#define HIGH   ((size_t)64 << 10)
#define BATCH  1000 /* clients that connect before the server runs */
#define HONEST 32

/* Of memory for a connection: the page of its stack that is in use, and what
 * describes the task. */
#define IDLE_BYTES 4608

/* How often accept4, replaced here, was called. */
static size_t accept_calls;

int counted_accept4(int fd, struct sockaddr *a, socklen_t *n,
                    int flags) __asm__("accept4");

int counted_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    accept_calls++;
    return (int)syscall(SYS_accept4, fd, a, n, flags);
}

static hem_task *start_large(struct serving *sv)
{
    sv->options.max_connections = 1 << 20;
    return serving_start(sv);
}

/* Read a line into memory on the stack; what it is, and how long. */
static int read_own(hem_stream *s, char *line, size_t size)
{
    size_t used = 0;
    while (used < size && (used == 0 || line[used - 1] != '\n')) {
        ssize_t n = hem_stream_read(s, line + used, size - used);
        if (n <= 0)
            return (int)n;
        used += (size_t)n;
    }
    return (int)used;
}

/* A line within 10 s, however it comes; then an answer. */
static int serve_own_line(hem_stream *s, void *arg)
{
    char line[512];
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 10 * HEM_SEC));
    int rc = hem_timeout_close(&t, read_own(s, line, sizeof(line)));
    return serving_answer(arg, s, line, rc);
}

/* Whether what is resident is what hem uses. */
static bool is_memory_ours(void)
{
    return !SANITIZED && !in_valgrind() && !in_emulator();
}

static void connect_slowly(struct serving *sv, size_t n)
{
    for (size_t i = 0; i < n; i += BATCH) {
        clients_connect(sv->port, n - i < BATCH ? n - i : BATCH);
        net_settle();
    }
    check_int(hem_listener_connections(&sv->listener), n);
}

/* Each says a byte every second. `most`: resident bytes of each connection. */
static void crawl(hem_serve_fn *fn, size_t most)
{
    struct serving sv = {.fn = fn};
    size_t n = clients_possible(scaled(10000));
    hem_task *t = start_large(&sv);
    serving_check_honest(&sv, HONEST);
    size_t resident = ledger_resident();
    hem_ns begun = hem_now();
    connect_slowly(&sv, n);
    if (is_memory_ours())
        check((ledger_resident() - resident) / n <= IDLE_BYTES);
    for (int second = 0; second < 10; second++) {
        check_int(hem_listener_connections(&sv.listener), n);
        check_int(clients_say(), n);
        serving_check_honest(&sv, HONEST);
        if (is_memory_ours())
            check((ledger_resident() - resident) / n <= most);
        check_int(hem_sleep(second < 9 ? HEM_SEC : 0), 0);
    }
    check_int(hem_sleep(begun + 10 * HEM_SEC - 1 - hem_now()), 0);
    check_int(sv.late, 0);
    check_int(hem_sleep(HEM_MSEC), 0); /* they did not all come at once */
    check_int(sv.late, n);
    check_int(clients_leave_ended(), n);
    check_int(sv.served, 11 * HONEST);
    serving_stop(&sv, t);
}

VIRTUAL_TEST(hostile_01_ten_thousand_slow_clients_cost_a_page_each)
{
    crawl(serve_own_line, IDLE_BYTES);
    return 0;
}

VIRTUAL_TEST(hostile_01_a_line_that_has_begun_costs_no_page)
{
    crawl(serving_line, IDLE_BYTES);
    return 0;
}

/* Ways to write a gigabyte. */
static char *giga; /* of it, zeroes that take no memory */

static int by_write(hem_stream *s)
{
    return (int)hem_stream_write(s, giga, GIGA);
}

static int by_writev(hem_stream *s)
{
    static struct iovec v[64];
    for (size_t i = 0; i < COUNT_OF(v); i++)
        v[i] = (struct iovec){giga + i * (GIGA / 64), GIGA / 64};
    return (int)hem_stream_writev(s, v, COUNT_OF(v));
}

static int by_put(hem_stream *s)
{
    for (size_t i = 0; i < GIGA / 4096; i++) {
        HEM_TRY(hem_stream_put(s, giga, 4096));
        check(hem_stream_pending(s) <= HIGH + 4096);
        HEM_TRY(hem_stream_drain(s));
    }
    return hem_stream_flush(s);
}

static int by_file(hem_stream *s)
{
    int fd = memfd_create("giga", MFD_CLOEXEC);
    check_int(ftruncate(fd, GIGA), 0);
    int rc = (int)hem_stream_send_file(s, fd, 0, GIGA);
    close(fd);
    return rc;
}

static int (*const ways[])(hem_stream *) = {by_write, by_writev, by_put,
                                            by_file};

/* To each by another way. */
static int pour(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    int rc = ways[sv->served++ % COUNT_OF(ways)](s);
    sv->late += rc == HEM_ETIMEDOUT;
    return rc;
}

VIRTUAL_TEST(hostile_02_who_reads_nothing_of_a_gigabyte_is_given_up)
{
    enum { CLIENTS = 16 };
    struct serving sv = {.fn = pour}, other = {.fn = serving_line};
    giga = mmap(NULL, GIGA, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(giga != MAP_FAILED);
    hem_task *t = start_large(&sv), *u = start_large(&other);
    serving_check_honest(&other, HONEST);
    size_t resident = ledger_resident(), live = ledger_live();
    hem_ns begun = hem_now();
    clients_connect(sv.port, CLIENTS);
    for (int second = 0; second < 29; second++) {
        check_int(hem_sleep(HEM_SEC), 0);
        serving_check_honest(&other, HONEST);
        check_int(sv.late, 0);
        check(ledger_live() <= live + 8 * CLIENTS);
        if (is_memory_ours()) /* the file in memory counts for nothing */
            check(ledger_resident() - resident < 16 * MEGA);
    }
    while (sv.late < CLIENTS && hem_now() - begun < 60 * HEM_SEC)
        check_int(hem_sleep(HEM_MSEC), 0);
    check_int(sv.late, CLIENTS);
    check(hem_now() - begun <= 32 * HEM_SEC);
    check_int(hem_listener_connections(&sv.listener), 0);
    check_int(clients_leave(), CLIENTS);
    serving_stop(&sv, t);
    serving_stop(&other, u);
    check_int(munmap(giga, GIGA), 0);
    return 0;
}

/* All are served in the end, as others leave. */
VIRTUAL_TEST(hostile_09_three_hundred_clients_at_a_limit_of_a_hundred)
{
    if (in_valgrind()) /* which accepts, closes, and says EMFILE */
        return 0;
    enum { CLIENTS = 300, LIMIT = 100 };
    struct serving sv = {.fn = serving_echo};
    struct rlimit before, few;
    hem_task *t = start_large(&sv);
    size_t answered = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    few = (struct rlimit){LIMIT, before.rlim_max};
    check_int(setrlimit(RLIMIT_NOFILE, &few), 0);
    clients_connect(sv.port, CLIENTS);
    for (int round = 0; answered < CLIENTS && round < 10; round++) {
        check_int(hem_sleep(501 * HEM_MSEC), 0); /* the longest pause */
        size_t accepted = hem_listener_connections(&sv.listener);
        check(accepted > LIMIT / 2 || accepted == CLIENTS - answered);
        if (accepted < CLIENTS - answered)
            check_logged("HEM_EMFILE"); /* once */
        accept_calls = 0;
        check_int(hem_sleep(10 * HEM_SEC), 0); /* nobody leaves */
        check(accept_calls < 30);
        check_int(hem_listener_connections(&sv.listener), accepted);
        check_int(clients_say(), CLIENTS - answered);
        net_settle(); /* those that were accepted are served */
        check_int(clients_leave_answered(), accepted);
        answered += accepted;
    }
    check_int(answered, CLIENTS);
    check_int(sv.served, CLIENTS);
    check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
    check_int(hem_sleep(HEM_SEC), 0);
    serving_check_honest(&sv, HONEST);
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(hostile_11_fifty_thousand_resets_leave_nothing)
{
    struct serving sv = {.fn = serving_echo};
    hem_task *t = start_large(&sv);
    size_t n = scaled(50 * BATCH), descriptors = 0, live = 0, resident = 0;
    size_t batch = n / 50;
    for (size_t i = 0; i < n; i += batch) {
        clients_flood(sv.port, batch);
        net_settle();
        if (i == 4 * batch) {
            net_settle();
            descriptors = ledger_descriptors();
            live = ledger_live();
            resident = ledger_resident();
        }
        if (i % (10 * batch) == 0)
            serving_check_honest(&sv, HONEST);
    }
    net_settle();
    check_int(hem_listener_connections(&sv.listener), 0);
    check_int(ledger_descriptors(), descriptors);
    check_int(ledger_live(), live);
    check(!is_memory_ours() || ledger_resident() < resident + MEGA);
    serving_stop(&sv, t);
    return 0;
}

/* Peers that vanish. The kernel drops what comes for such a socket, by a
 * filter: no end, no reset, no acknowledgement, as if a cable were cut. */

static bool vanish(int peer)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {1, &drop};
    return setsockopt(peer, SOL_SOCKET, SO_ATTACH_FILTER, &program,
                      sizeof(program)) == 0;
}

static void set_tcp(int fd, int name, int value)
{
    check_int(setsockopt(fd, IPPROTO_TCP, name, &value, sizeof(value)), 0);
}

/* Whether it is on is tested in small; here that the kernel keeps to it, with
 * times that a test can wait for. */
static int have_little_patience(hem_stream *s)
{
    hem_stream_info info;
    HEM_TRY(hem_stream_get_info(s, &info));
    set_tcp(info.fd, TCP_KEEPIDLE, 1);
    set_tcp(info.fd, TCP_KEEPINTVL, 1);
    set_tcp(info.fd, TCP_USER_TIMEOUT, 1000);
    return 0;
}

static int wait_for_them(hem_stream *s)
{
    char byte;
    return (int)hem_stream_read(s, &byte, 1);
}

static int answer_them(hem_stream *s)
{
    HEM_TRY(hem_stream_write(s, "answer", 6));
    return wait_for_them(s);
}

static int pour_to_them(hem_stream *s)
{
    static char bytes[MEGA];
    ssize_t rc;
    do
        rc = hem_stream_write(s, bytes, MEGA);
    while (rc > 0);
    return (int)rc;
}

static int (*const acts[])(hem_stream *) = {wait_for_them, answer_them,
                                            pour_to_them};

static int talk_to_nobody(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    char byte;
    HEM_TRY(have_little_patience(s));
    HEM_TRY(hem_stream_read_exactly(s, &byte, 1, NULL)); /* then it vanishes */
    int rc = acts[sv->served++ % COUNT_OF(acts)](s);
    sv->late += rc == HEM_ETIMEDOUT;
    return rc;
}

static int with_vanished_peers(void *arg)
{
    enum { PEERS = 30 };
    struct serving sv = {.fn = talk_to_nobody};
    int peers[PEERS];
    hem_task *t = start_large(&sv);
    (void)arg;
    for (int i = 0; i < PEERS; i++) {
        peers[i] = net_connect(sv.port);
        net_say(peers[i], "x");
        check(vanish(peers[i]));
    }
    for (int i = 0; sv.late < PEERS && i < 3000; i++)
        check_int(hem_sleep(10 * HEM_MSEC), 0);
    check_int(sv.served, PEERS);
    check_int(sv.late, PEERS);
    check_int(hem_listener_connections(&sv.listener), 0);
    for (int i = 0; i < PEERS; i++)
        net_close(peers[i]);
    serving_stop(&sv, t);
    return 0;
}

/* By the true clock: it is the kernel that measures. */
static void hostile_08_who_vanishes_is_given_up_by_the_kernel(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool possible = vanish(fd);
    close(fd);
    if (!possible) {
        print_message("no filters on sockets: nobody can vanish\n");
        skip();
    }
    check_int(hem_run(with_vanished_peers, NULL,
                      &(hem_run_options){.on_report = report_record}),
              0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_01_ten_thousand_slow_clients_cost_a_page_each),
        LEDGER_TEST(hostile_01_a_line_that_has_begun_costs_no_page),
        LEDGER_TEST(hostile_02_who_reads_nothing_of_a_gigabyte_is_given_up),
        LEDGER_TEST(hostile_08_who_vanishes_is_given_up_by_the_kernel),
        LEDGER_TEST(hostile_09_three_hundred_clients_at_a_limit_of_a_hundred),
        LEDGER_TEST(hostile_11_fifty_thousand_resets_leave_nothing),
    };
    clients_start();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    clients_stop();
    return rc;
}

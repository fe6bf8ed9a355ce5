/* SPDX-License-Identifier: MIT */
/*
 * A million signals, sent by another process at moments of its own while tasks
 * work, fork and wait: no wake-up, no value and no child is lost.
 */
#include "support.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define MILLION 1000000

/* What the two processes share. The sender counts before it sends, so whoever
 * is woken by the last signal sees the last count; it goes on alone for a
 * while, then waits until its last signal was seen. */
struct shared {
    atomic_ulong sent;
    atomic_ulong seen;
};

static struct shared *share(void)
{
    void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void send_all(struct shared *s, size_t total, pid_t to)
{
    uint32_t random = 1;
    for (size_t i = 1, alone = 0; i <= total; i++) {
        atomic_store(&s->sent, i);
        if (kill(to, SIGUSR1) < 0)
            _exit(1);
        if (alone-- > 0)
            continue;
        while (atomic_load(&s->seen) < i) {
            if (getppid() != to)
                _exit(2);
            sched_yield();
        }
        alone = next_random(&random) % 200;
    }
}

struct storm {
    struct shared *shared;
    size_t total;
    pid_t sender;
    size_t wakes;
    size_t sigchld, children;
    bool over;
};

static int receive(void *arg)
{
    struct storm *s = arg;
    hem_signal signal;
    HEM_TRY(hem_signal_open(&signal, (int[]){SIGUSR1, 0}));
    unsigned long seen = 0;
    while (seen < s->total) {
        HEM_TRY(hem_signal_wait(&signal));
        s->wakes++;
        seen = atomic_load(&s->shared->sent);
        atomic_store(&s->shared->seen, seen);
    }
    hem_signal_close(&signal);
    s->over = true;
    return 0;
}

static void count_sigchld(void *arg, const hem_signal_info *info)
{
    struct storm *s = arg;
    check_int(info->signo, SIGCHLD);
    s->sigchld++;
}

static int end_at_once(void *arg)
{
    (void)arg;
    return 5;
}

static int breed(void *arg)
{
    struct storm *s = arg;
    while (!s->over) {
        hem_child c;
        hem_child_status status;
        HEM_TRY(hem_fork(&c, end_at_once, NULL, NULL));
        HEM_TRY(hem_child_wait(&c, &status));
        hem_child_close(&c);
        check_int(status.exit_code, 5);
        s->children++;
        HEM_TRY(hem_sleep(HEM_MSEC));
    }
    return 0;
}

static int work(void *arg)
{
    struct storm *s = arg;
    while (!s->over)
        HEM_TRY(hem_sleep(50 * HEM_USEC));
    return 0;
}

static int weather(void *arg)
{
    struct storm *s = arg;
    hem_signal_handler h;
    hem_signal_handler_init(&h, count_sigchld, s);
    HEM_TRY(hem_signal_handler_start(&h, SIGCHLD));
    HEM_SIGNAL(last); /* for what comes when all has been seen */
    HEM_TRY(hem_signal_open(&last, (int[]){SIGUSR1, 0}));
    HEM_SCOPE(scope, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn(&scope, NULL, receive, s));
    HEM_TRY(hem_scope_spawn(&scope, NULL, breed, s));
    for (int i = 0; i < 4; i++)
        HEM_TRY(hem_scope_spawn(&scope, NULL, work, s));
    HEM_TRY(hem_yield());
    HEM_TRY(hem_sleep(HEM_MSEC)); /* SIGUSR1 is received */
    s->sender = fork();
    if (s->sender == 0) {
        send_all(s->shared, s->total, getppid());
        _exit(0);
    }
    int rc = hem_scope_close(&scope, 0);
    int status = -1;
    waitpid(s->sender, &status, 0);
    check_int(status, 0);
    HEM_TRY(hem_sleep(HEM_MSEC));
    while (hem_signal_try_wait(&last, NULL) > 0)
        continue;
    check(hem_signal_handler_stop(&h));
    return rc;
}

static void a_million_signals_lose_no_wake_up_and_no_child(void **state)
{
    (void)state;
    struct storm s = {.shared = share(), .total = scaled(MILLION)};
    assert_int_equal(hem_run(weather, &s, NULL), 0);
    print_message("%zu signals, %zu wake-ups, %zu children, %zu SIGCHLD\n",
                  s.total, s.wakes, s.children, s.sigchld);
    assert_true(s.wakes > 0 && s.wakes <= s.total);
    assert_true(s.children > 0 && s.sigchld > 0);
    munmap(s.shared, sizeof(*s.shared));
    run_assert_checks();
}

/* Realtime signals: each value, in order, to each of three receivers. */
struct values {
    size_t total;
    size_t started;
};

static int expect_all(void *arg)
{
    struct values *v = arg;
    hem_signal signal;
    HEM_TRY(hem_signal_open(&signal, (int[]){SIGRTMIN + 2, 0}));
    v->started++;
    for (size_t i = 0; i < v->total; i++) {
        hem_signal_info info;
        HEM_TRY(hem_signal_wait_info(&signal, &info));
        if (!check_int(info.value, i))
            return HEM_EIO;
        if (i % 1000 == 0)
            HEM_TRY(hem_sleep(10 * HEM_USEC)); /* the kernel keeps some */
    }
    hem_signal_close(&signal);
    return 0;
}

static void send_values(size_t total, pid_t to)
{
    for (size_t i = 0; i < total; i++) {
        const union sigval value = {.sival_int = (int)i};
        while (sigqueue(to, SIGRTMIN + 2, value) < 0) {
            if (errno != EAGAIN)
                _exit(1);
            sched_yield();
        }
    }
}

static int take_values(void *arg)
{
    struct values *v = arg;
    HEM_SCOPE(scope, .kind = HEM_TASKGROUP);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&scope, NULL, expect_all, v));
    while (v->started < 3)
        HEM_TRY(hem_yield());
    pid_t sender = fork();
    if (sender == 0) {
        send_values(v->total, getppid());
        _exit(0);
    }
    int rc = hem_scope_close(&scope, 0);
    int status = -1;
    waitpid(sender, &status, 0);
    check_int(status, 0);
    return rc;
}

static void no_value_of_a_realtime_signal_is_lost(void **state)
{
    (void)state;
    struct values v = {.total = scaled(MILLION / 4)};
    assert_int_equal(hem_run(take_values, &v, NULL), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_million_signals_lose_no_wake_up_and_no_child),
        LEDGER_TEST(no_value_of_a_realtime_signal_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

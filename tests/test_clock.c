/* SPDX-License-Identifier: MIT */
/* The clocks: a virtual one jumps, the monotonic one goes by itself. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

static int check_now(void *arg)
{
    check_int(hem_now(), *(hem_ns *)arg);
    HEM_TRY(hem_sleep(10));
    check_int(hem_now(), *(hem_ns *)arg + 10);
    return 0;
}

static void a_virtual_clock_begins_where_the_caller_sets_it(void **state)
{
    (void)state;
    static hem_ns starts[] = {0, 1, 5 * HEM_SEC, HEM_NEVER / 2, -HEM_SEC};
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        hem_virtual_clock clock = {.now = starts[i]};
        hem_run_options o = {.clock = &clock};
        assert_int_equal(run_with(check_now, &starts[i], &o), 0);
        assert_int_equal(clock.now, starts[i] + 10);
    }
    run_assert_checks();
}

static void a_virtual_clock_serves_several_runs(void **state)
{
    (void)state;
    hem_virtual_clock clock = {0};
    hem_run_options o = {.clock = &clock};
    for (int i = 0; i < 5; i++) {
        hem_ns now = clock.now;
        assert_int_equal(now, i * 10);
        assert_int_equal(run_with(check_now, &now, &o), 0);
    }
    run_assert_checks();
}

VIRTUAL_TEST(a_year_passes_at_once)
{
    const hem_ns year = 365 * 24 * 3600 * HEM_SEC;
    check_int(hem_sleep(year), 0);
    check_int(hem_now(), year);
    return 0;
}

VIRTUAL_TEST(time_does_not_pass_while_something_is_ready)
{
    for (int i = 0; i < 2000; i++)
        check_int(hem_yield(), 0);
    check_int(hem_now(), 0);
    return 0;
}

struct ticker {
    hem_ns period;
    int ticks;
};

static int tick(void *arg)
{
    struct ticker *t = arg;
    for (;;) {
        HEM_TRY(hem_sleep(t->period));
        t->ticks++;
        check_int(hem_now() % t->period, 0);
    }
}

VIRTUAL_TEST(time_jumps_from_timer_to_timer)
{
    struct ticker tickers[] = {{7, 0}, {11, 0}, {13, 0}, {100, 0}};
    HEM_SCOPE(s, .timeout = 10010, .move_on = true);
    for (size_t i = 0; i < COUNT_OF(tickers); i++)
        check_int(hem_scope_spawn(&s, NULL, tick, &tickers[i]), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 10010);
    check(tickers[0].ticks >= 1429 && tickers[0].ticks <= 1430);
    check(tickers[1].ticks >= 909 && tickers[1].ticks <= 910);
    check(tickers[2].ticks >= 769 && tickers[2].ticks <= 770);
    check_int(tickers[3].ticks, 100);
    return 0;
}

/* Long enough for the loop to find nothing else to do. On a busy machine each
 * of them may take a time slice. */
static int work(void *arg)
{
    for (int i = 0; i < 20; i++)
        sched_yield();
    return *(int *)arg;
}

static int sleep_short(void *arg)
{
    (void)arg;
    return hem_sleep(1);
}

VIRTUAL_TEST(time_does_not_pass_while_a_thread_works)
{
    int result = 5;
    hem_task *sleeper;
    check_int(hem_spawn(&sleeper, sleep_short, NULL), 0);
    for (int i = 0; i < 10; i++)
        check_int(hem_thread_call(work, &result, NULL), 5);
    check_int(hem_now(), 0);
    check(!hem_task_done(sleeper));
    check_int(hem_await(sleeper), 0);
    check_int(hem_now(), 1);
    return 0;
}

static int wait_signal(void *arg)
{
    return hem_signal_wait(arg);
}

/* It gives descriptors a moment to become ready. */
VIRTUAL_TEST(time_passes_while_a_task_waits_for_a_descriptor)
{
    hem_signal s;
    hem_task *t;
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    check_int(hem_spawn(&t, wait_signal, &s), 0);
    check_int(hem_sleep(HEM_SEC), 0);
    check_int(hem_now(), HEM_SEC);
    check(!hem_task_done(t));
    check_int(raise(SIGUSR1), 0);
    check_int(hem_await(t), SIGUSR1);
    check_int(hem_now(), HEM_SEC);
    hem_signal_close(&s);
    return 0;
}

static void *raise_soon(void *arg)
{
    (void)arg;
    sched_yield();
    kill(getpid(), SIGUSR1);
    return NULL;
}

static int wait_within_grace(void *arg)
{
    hem_signal s;
    pthread_t thread;
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    check_int(pthread_create(&thread, NULL, raise_soon, arg), 0);
    hem_timeout t;
    check_int(hem_timeout_open(&t, HEM_SEC), 0);
    int rc = hem_signal_wait(&s);
    check_int(hem_timeout_close(&t, rc), SIGUSR1);
    check_int(hem_now(), 0);
    check_int(pthread_join(thread, NULL), 0);
    hem_signal_close(&s);
    return 0;
}

static void the_grace_of_a_virtual_clock_may_be_set(void **state)
{
    (void)state;
    hem_virtual_clock clock = {.grace = 100 * HEM_SEC};
    hem_run_options o = {.clock = &clock};
    assert_int_equal(run_with(wait_within_grace, NULL, &o), 0);
    run_assert_checks();
}

static int watch_monotonic(void *arg)
{
    (void)arg;
    hem_ns start = hem_now();
    while (hem_now() == start) /* it is read anew, also without a wait */
        continue;
    hem_ns before = hem_now();
    for (int i = 0; i < 100; i++) {
        check_int(hem_sleep(i % 10), 0);
        check(hem_now() >= before + i % 10);
        before = hem_now();
    }
    hem_timeout t;
    check_int(hem_timeout_open(&t, 1), 0);
    int rc = hem_sleep(HEM_NEVER);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check(hem_now() >= hem_timeout_when(&t));
    return 0;
}

static void the_monotonic_clock_goes_by_itself(void **state)
{
    (void)state;
    assert_int_equal(hem_run(watch_monotonic, NULL, NULL), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_virtual_clock_begins_where_the_caller_sets_it),
        LEDGER_TEST(a_virtual_clock_serves_several_runs),
        LEDGER_TEST(a_year_passes_at_once),
        LEDGER_TEST(time_does_not_pass_while_something_is_ready),
        LEDGER_TEST(time_jumps_from_timer_to_timer),
        LEDGER_TEST(time_does_not_pass_while_a_thread_works),
        LEDGER_TEST(time_passes_while_a_task_waits_for_a_descriptor),
        LEDGER_TEST(the_grace_of_a_virtual_clock_may_be_set),
        LEDGER_TEST(the_monotonic_clock_goes_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

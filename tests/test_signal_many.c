/* SPDX-License-Identifier: MIT */
/* Several receivers of one signal, and several tasks in one receiver. */
#include "support.h"

#include <pthread.h>
#include <signal.h>

#define WAITERS 4

static const int usr1[] = {SIGUSR1, 0};

static bool is_blocked(int signo)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, signo) == 1;
}

static int wait_for(void *arg)
{
    return hem_signal_wait(arg);
}

static void send_value(int value)
{
    check_int(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = value}),
              0);
}

static int value_of(hem_signal *s)
{
    hem_signal_info info = {.value = -1};
    check_int(hem_signal_try_wait(s, &info), SIGRTMIN);
    return info.value;
}

VIRTUAL_TEST(each_receiver_gets_its_own_copy)
{
    hem_signal a, b, c;
    check_int(hem_signal_open(&a, usr1), 0);
    check_int(hem_signal_open(&b, (int[]){SIGUSR2, SIGUSR1, SIGUSR1, 0}), 0);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_wait(&a), SIGUSR1);
    check_int(hem_signal_open(&c, usr1), 0); /* too late for that one */
    check_int(hem_signal_wait(&b), SIGUSR1);
    check_int(hem_signal_try_wait(&c, NULL), HEM_EEMPTY);
    check_int(hem_signal_try_wait(&b, NULL), HEM_EEMPTY);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_wait(&c), SIGUSR1);
    hem_signal_close(&a);
    hem_signal_close(&b);
    hem_signal_close(&c);
    return 0;
}

VIRTUAL_TEST(each_signal_lets_one_task_go_on_in_order)
{
    hem_signal s;
    hem_task *t[WAITERS];
    check_int(hem_signal_open(&s, usr1), 0);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_wait(&s), SIGUSR1); /* may give way first */
    for (int i = 0; i < WAITERS; i++)
        check_int(hem_spawn_with(&t[i], wait_for, &s, .eager = true), 0);
    for (int i = 0; i < WAITERS; i++) {
        check(!hem_task_done(t[i]));
        check_int(raise(SIGUSR1), 0);
        check_int(hem_sleep(1), 0);
        check_int(hem_task_result(t[i]), SIGUSR1);
        check(i + 1 == WAITERS || !hem_task_done(t[i + 1]));
    }
    hem_signal_close(&s);
    return 0;
}

/* Tasks that wait, and one that was let go but has not run yet. */
FIFO_TEST(who_was_promised_a_signal_and_is_cancelled_passes_it_on)
{
    hem_signal s;
    hem_task *a, *b;
    check_int(hem_signal_open(&s, usr1), 0);
    check_int(hem_spawn_with(&a, wait_for, &s, .eager = true), 0);
    check_int(hem_spawn_with(&b, wait_for, &s, .eager = true), 0);
    check_int(hem_sleep(1), 0);
    check_int(raise(SIGUSR1), 0);
    hem_signal other; /* reads it, for all */
    check_int(hem_signal_open(&other, usr1), 0);
    check_int(hem_signal_try_wait(&other, NULL), SIGUSR1);
    check(hem_task_cancel(a, NULL));
    check_int(hem_signal_try_wait(&s, NULL), HEM_EEMPTY);
    check_int(hem_await(a), HEM_ECANCELED);
    check_int(hem_await(b), SIGUSR1);
    hem_signal_close(&other);
    hem_signal_close(&s);
    return 0;
}

FIFO_TEST(who_was_promised_a_signal_gets_the_close_if_that_comes_first)
{
    hem_signal s, other;
    hem_task *t;
    check_int(hem_signal_open(&s, usr1), 0);
    check_int(hem_signal_open(&other, usr1), 0);
    check_int(hem_spawn(&t, wait_for, &s), 0);
    check_int(hem_sleep(1), 0);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_try_wait(&other, NULL), SIGUSR1);
    hem_signal_close(&s);
    check_int(hem_signal_open(&s, usr1), 0); /* in the same place */
    check_int(hem_await(t), HEM_EBADF);
    hem_signal_close(&s);
    hem_signal_close(&other);
    return 0;
}

VIRTUAL_TEST(the_mask_is_as_before_when_the_last_receiver_is_closed)
{
    hem_signal a, b;
    check_int(hem_signal_open(&a, usr1), 0);
    check_int(hem_signal_open(&b, (int[]){SIGUSR1, SIGUSR2, 0}), 0);
    hem_signal_close(&a);
    check(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_wait(&b), SIGUSR1);
    check_int(hem_signal_open(&a, usr1), 0);
    hem_signal_close(&b);
    check(is_blocked(SIGUSR1) && !is_blocked(SIGUSR2));
    hem_signal_close(&a);
    check(!is_blocked(SIGUSR1));
    return 0;
}

/* One reads, the other does not: what it leaves was handled. */
VIRTUAL_TEST(what_another_has_taken_does_not_act_at_the_close)
{
    hem_signal a, b;
    check_int(hem_signal_open(&a, usr1), 0);
    check_int(hem_signal_open(&b, usr1), 0);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_wait(&a), SIGUSR1);
    hem_signal_close(&a);
    hem_signal_close(&b); /* else the process would be gone */
    return 0;
}

VIRTUAL_TEST(a_receiver_that_sleeps_makes_the_kernel_keep_realtime_signals)
{
    int signals[] = {SIGRTMIN, 0};
    hem_signal quick, slow;
    const int count = 300;
    check_int(hem_signal_open(&quick, signals), 0);
    check_int(hem_signal_open(&slow, signals), 0);
    for (int i = 0; i < count; i++)
        send_value(i);
    int got = 0;
    while (hem_signal_try_wait(&quick, NULL) > 0)
        got++;
    check(got >= 64 && got < count);
    for (int i = 0; i < count; i++) {
        check_int(value_of(&slow), i);
        if (hem_signal_try_wait(&quick, NULL) > 0)
            got++;
    }
    while (hem_signal_try_wait(&quick, NULL) > 0)
        got++;
    check_int(got, count);
    hem_signal_close(&slow);
    hem_signal_close(&quick);
    return 0;
}

/* What the slow one held back comes when it goes. */
VIRTUAL_TEST(closing_the_receiver_that_sleeps_lets_the_rest_come)
{
    int signals[] = {SIGRTMIN, 0};
    hem_signal quick, slow;
    const int count = 200;
    check_int(hem_signal_open(&slow, signals), 0);
    check_int(hem_signal_open(&quick, signals), 0);
    for (int i = 0; i < count; i++)
        send_value(i);
    int next = 0;
    while (hem_signal_try_wait(&quick, NULL) > 0)
        next++;
    check(next < count);
    hem_signal_close(&slow);
    for (; next < count; next++) {
        hem_signal_info info;
        check_int(hem_signal_wait_info(&quick, &info), SIGRTMIN);
        check_int(info.value, next);
    }
    hem_signal_close(&quick);
    return 0;
}

static volatile sig_atomic_t sum;

static void add(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    sum += info->si_value.sival_int;
}

VIRTUAL_TEST(what_nobody_took_comes_to_the_programs_handler_with_its_value)
{
    int signals[] = {SIGRTMIN, 0};
    struct sigaction before;
    struct sigaction sa = {.sa_sigaction = add,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK};
    hem_signal a, b;
    sum = 0;
    sigaction(SIGRTMIN, &sa, &before);
    check_int(hem_signal_open(&a, signals), 0);
    send_value(1);
    send_value(20);
    check_int(hem_sleep(1), 0);
    check_int(hem_signal_open(&b, signals), 0);
    send_value(300);
    send_value(4000);
    check_int(value_of(&b), 300); /* for a as well */
    hem_signal_close(&b);
    check_int(sum, 0);
    hem_signal_close(&a);
    check(sum == 4021 || THREAD_SANITIZED);
    sigaction(SIGRTMIN, &before, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(each_receiver_gets_its_own_copy),
        LEDGER_TEST(each_signal_lets_one_task_go_on_in_order),
        LEDGER_TEST(who_was_promised_a_signal_and_is_cancelled_passes_it_on),
        LEDGER_TEST(
            who_was_promised_a_signal_gets_the_close_if_that_comes_first),
        LEDGER_TEST(the_mask_is_as_before_when_the_last_receiver_is_closed),
        LEDGER_TEST(what_another_has_taken_does_not_act_at_the_close),
        LEDGER_TEST(
            a_receiver_that_sleeps_makes_the_kernel_keep_realtime_signals),
        LEDGER_TEST(closing_the_receiver_that_sleeps_lets_the_rest_come),
        LEDGER_TEST(
            what_nobody_took_comes_to_the_programs_handler_with_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

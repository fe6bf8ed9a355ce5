/* SPDX-License-Identifier: MIT */
/* Callbacks for signals. */
#include "support.h"

#include <pthread.h>
#include <signal.h>

struct calls {
    int count;
    int signo; /* of the last */
    int value;
    hem_signal_handler *stop; /* in the call; or NULL */
};

static void record(void *arg, const hem_signal_info *info)
{
    struct calls *c = arg;
    check(!hem_self());
    c->count++;
    c->signo = info->signo;
    c->value = info->value;
    if (c->stop)
        check(hem_signal_handler_stop(c->stop));
}

static bool is_blocked(int signo)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, signo) == 1;
}

VIRTUAL_TEST(a_handler_is_called_in_the_loop_at_each_signal)
{
    struct calls c = {0};
    hem_signal_handler h;
    hem_signal_handler_init(&h, record, &c);
    check_int(hem_signal_handler_start(&h, SIGUSR1), 0);
    check_int(hem_signal_handler_start(&h, SIGUSR2), HEM_EALREADY);
    for (int i = 1; i <= 3; i++) {
        check_int(raise(SIGUSR1), 0);
        check_int(hem_sleep(1), 0);
        check_int(c.count, i);
        check_int(c.signo, SIGUSR1);
    }
    check(hem_signal_handler_stop(&h));
    check(!hem_signal_handler_stop(&h));
    check(!is_blocked(SIGUSR1));
    check_int(hem_signal_handler_start(&h, SIGUSR2), 0); /* again */
    check_int(raise(SIGUSR2), 0);
    check_int(hem_sleep(1), 0);
    check_int(c.signo, SIGUSR2);
    check(hem_signal_handler_stop(&h));
    return 0;
}

VIRTUAL_TEST(handlers_and_waiters_of_one_signal_all_get_it)
{
    struct calls c[2] = {{0}};
    hem_signal_handler h[2];
    hem_signal s;
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    for (int i = 0; i < 2; i++) {
        hem_signal_handler_init(&h[i], record, &c[i]);
        check_int(hem_signal_handler_start(&h[i], SIGUSR1), 0);
    }
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_wait(&s), SIGUSR1);
    check_int(hem_sleep(1), 0);
    for (int i = 0; i < 2; i++) {
        check_int(c[i].count, 1);
        check(hem_signal_handler_stop(&h[i]));
    }
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(each_realtime_signal_is_a_call)
{
    struct calls c = {0};
    hem_signal_handler h;
    hem_signal_handler_init(&h, record, &c);
    check_int(hem_signal_handler_start(&h, SIGRTMIN + 1), 0);
    for (int i = 1; i <= 200; i++)
        check_int(
            sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}),
            0);
    while (c.count < 200)
        check_int(hem_sleep(1), 0);
    check_int(c.value, 200);
    check(hem_signal_handler_stop(&h));
    return 0;
}

VIRTUAL_TEST(a_handler_may_stop_itself)
{
    hem_signal_handler h;
    struct calls c = {.stop = &h};
    hem_signal_handler_init(&h, record, &c);
    check_int(hem_signal_handler_start(&h, SIGUSR1), 0);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_sleep(1), 0);
    check_int(c.count, 1);
    check(!hem_signal_handler_stop(&h));
    return 0;
}

/* Both are queued when the first is called. */
FIFO_TEST(a_handler_that_is_stopped_is_not_called_for_what_has_arrived)
{
    hem_signal_handler first, second;
    struct calls c1 = {.stop = &second}, c2 = {0};
    hem_signal_handler_init(&first, record, &c1);
    hem_signal_handler_init(&second, record, &c2);
    check_int(hem_signal_handler_start(&first, SIGUSR1), 0);
    check_int(hem_signal_handler_start(&second, SIGUSR1), 0);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_sleep(1), 0);
    check_int(c1.count, 1);
    check_int(c2.count, 0);
    check(hem_signal_handler_stop(&first));
    return 0;
}

VIRTUAL_TEST(what_cannot_be_caught_is_refused)
{
    struct calls c = {0};
    hem_signal_handler h;
    hem_signal_handler_init(&h, record, &c);
    check_int(hem_signal_handler_start(&h, 0), HEM_EINVAL);
    check_int(hem_signal_handler_start(&h, SIGKILL), HEM_EINVAL);
    check_int(hem_signal_handler_start(&h, 32), HEM_EINVAL);
    ledger_fail_at(1);
    check_int(hem_signal_handler_start(&h, SIGUSR1), HEM_ENOMEM);
    ledger_fail_at(0);
    check(!hem_signal_handler_stop(&h));
    return 0;
}

static int start_and_leave(void *arg)
{
    HEM_TRY(hem_signal_handler_start(arg, SIGUSR1));
    return raise(SIGUSR1) == 0 ? hem_sleep(HEM_MSEC) : HEM_EIO;
}

static void
a_handler_that_is_left_started_may_be_started_in_the_next_run(void **state)
{
    (void)state;
    struct calls c = {0};
    hem_signal_handler h;
    hem_signal_handler_init(&h, record, &c);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(hem_run(start_and_leave, &h, NULL), 0);
        assert_int_equal(c.count, i);
    }
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_handler_is_called_in_the_loop_at_each_signal),
        LEDGER_TEST(handlers_and_waiters_of_one_signal_all_get_it),
        LEDGER_TEST(each_realtime_signal_is_a_call),
        LEDGER_TEST(a_handler_may_stop_itself),
        LEDGER_TEST(
            a_handler_that_is_stopped_is_not_called_for_what_has_arrived),
        LEDGER_TEST(what_cannot_be_caught_is_refused),
        LEDGER_TEST(
            a_handler_that_is_left_started_may_be_started_in_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Signals as events. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MANY 500

static const int two[] = {SIGUSR1, SIGUSR2, 0};

static void open_two(hem_signal *s)
{
    check_int(hem_signal_open(s, two), 0);
}

static int wait_for(void *arg)
{
    return hem_signal_wait(arg);
}

static bool is_blocked(int signo)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, signo) == 1;
}

VIRTUAL_TEST(wait_returns_the_signal_that_arrives)
{
    hem_signal s;
    hem_task *t;
    open_two(&s);
    check_int(hem_spawn(&t, wait_for, &s), 0);
    check_int(hem_sleep(1), 0);
    check_str(hem_task_waits_for(t), "signal");
    check_int(raise(SIGUSR2), 0);
    check_int(hem_await(t), SIGUSR2);
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(a_signal_between_two_waits_is_not_lost)
{
    hem_signal s;
    open_two(&s);
    check_int(raise(SIGUSR1), 0);
    check_int(raise(SIGUSR2), 0);
    check_int(raise(SIGUSR1), 0); /* counts once */
    int a = hem_signal_wait(&s);
    int b = hem_signal_wait(&s);
    check_int(a + b, SIGUSR1 + SIGUSR2);
    check(a != b);
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    int rc = hem_signal_wait(&s);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check_int(raise(SIGUSR1), 0);
    check_int(hem_signal_wait(&s), SIGUSR1);
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(a_signal_of_another_process_arrives)
{
    hem_signal s;
    open_two(&s);
    check_int(kill(getpid(), SIGUSR1), 0);
    check_int(hem_signal_wait(&s), SIGUSR1);
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(what_is_no_signal_or_cannot_be_caught_is_refused)
{
    static const int unfit[][3] = {
        {0},
        {-1, 0},
        {65, 0},
        {SIGKILL, 0},
        {SIGSTOP, 0},
        {SIGFPE},
        {SIGSEGV, 0},
        {SIGBUS, 0},
        {SIGILL, 0},
        {SIGUSR1, SIGKILL, 0},
        {SIGUSR1, 1000, 0},
    };
    for (size_t i = 0; i < COUNT_OF(unfit); i++) {
        hem_signal s;
        check_int(hem_signal_open(&s, unfit[i]), HEM_EINVAL);
    }
    check(!is_blocked(SIGUSR1));
    return 0;
}

VIRTUAL_TEST(open_blocks_and_close_unblocks)
{
    hem_signal s;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &one, NULL); /* by the program */
    open_two(&s);
    check(is_blocked(SIGUSR1));
    check(is_blocked(SIGUSR2));
    hem_signal_close(&s);
    check(!is_blocked(SIGUSR1));
    check(is_blocked(SIGUSR2));
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    hem_signal_close(&s); /* again: nothing */
    hem_signal_close(NULL);
    return 0;
}

static int leave_early(void)
{
    HEM_SIGNAL(closed);
    check_int(hem_signal_try_wait(&closed, NULL), HEM_EBADF);
    HEM_SIGNAL(s);
    HEM_TRY(hem_signal_open(&s, two));
    check(is_blocked(SIGUSR1));
    return HEM_EINVAL;
}

VIRTUAL_TEST(a_block_that_is_left_closes_its_signals)
{
    check_int(leave_early(), HEM_EINVAL);
    check(!is_blocked(SIGUSR1));
    return 0;
}

VIRTUAL_TEST(try_wait_takes_what_has_arrived)
{
    hem_signal s;
    hem_signal_info info = {.signo = 7};
    open_two(&s);
    check_int(hem_signal_try_wait(&s, &info), HEM_EEMPTY);
    check_int(info.signo, 7);
    check_int(raise(SIGUSR1), 0);
    check_int(raise(SIGUSR2), 0);
    int a = hem_signal_try_wait(&s, &info);
    check_int(a, info.signo);
    int b = hem_signal_try_wait(&s, NULL);
    check_int(a + b, SIGUSR1 + SIGUSR2);
    check_int(hem_signal_try_wait(&s, NULL), HEM_EEMPTY);
    hem_signal_close(&s);
    check_int(hem_signal_try_wait(&s, NULL), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(info_says_who_sent_it_and_how)
{
    hem_signal s;
    hem_signal_info info;
    open_two(&s);
    check_int(kill(getpid(), SIGUSR1), 0);
    check_int(hem_signal_wait_info(&s, &info), SIGUSR1);
    check_int(info.signo, SIGUSR1);
    check_int(info.code, SI_USER);
    check_int(info.pid, getpid());
    check_int(info.uid, getuid());
    check_int(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 42}), 0);
    check_int(hem_signal_wait_info(&s, &info), SIGUSR2);
    check_int(info.code, SI_QUEUE);
    check_int(info.value, 42);
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(info_of_sigchld_says_which_child_ended_and_how)
{
    hem_signal s;
    hem_signal_info info;
    check_int(hem_signal_open(&s, (int[]){SIGCHLD, 0}), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    check_int(hem_signal_wait_info(&s, &info), SIGCHLD);
    check_int(info.pid, pid);
    check_int(info.code, CLD_EXITED);
    check_int(info.status, 3);
    check_int(waitpid(pid, NULL, 0), pid);
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(realtime_signals_all_count_in_order_with_their_values)
{
    hem_signal s;
    hem_signal_info info;
    /* they keep the last ones for themselves */
    int last = in_valgrind() || in_emulator() ? SIGRTMAX - 4 : SIGRTMAX;
    check_int(hem_signal_open(&s, (int[]){SIGRTMIN, last, 0}), 0);
    for (int i = 0; i < MANY; i++) { /* more than are kept in the loop */
        check_int(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}),
                  0);
    }
    check_int(sigqueue(getpid(), last, (union sigval){.sival_int = 7}), 0);
    check_int(hem_sleep(1), 0);
    int next = 0, other = 0;
    for (int i = 0; i <= MANY; i++) {
        int signo = hem_signal_wait_info(&s, &info);
        if (signo == SIGRTMIN)
            check_int(info.value, next++);
        else
            other += info.value;
    }
    check_int(next, MANY);
    check_int(other, 7);
    check_int(hem_signal_try_wait(&s, NULL), HEM_EEMPTY);
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(close_ends_the_wait)
{
    hem_signal s;
    hem_task *t;
    open_two(&s);
    check_int(hem_spawn(&t, wait_for, &s), 0);
    check_int(hem_sleep(1), 0);
    hem_signal_close(&s);
    check_int(hem_await(t), HEM_EBADF);
    check_int(hem_signal_wait(&s), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_signal_that_arrived_is_kept_for_the_next_wait_if_cancelled)
{
    hem_signal s;
    open_two(&s);
    check_int(raise(SIGUSR1), 0);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_signal_wait(&s), HEM_ECANCELED);
    check_int(hem_signal_wait(&s), SIGUSR1);
    hem_signal_close(&s);
    return 0;
}

VIRTUAL_TEST(without_descriptors_nothing_is_blocked)
{
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit none = {0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    hem_signal s;
    check_int(hem_signal_open(&s, two), HEM_EMFILE);
    setrlimit(RLIMIT_NOFILE, &before);
    check(!is_blocked(SIGUSR1));
    return 0;
}

VIRTUAL_TEST(without_memory_nothing_is_blocked)
{
    hem_signal s;
    for (size_t n = 1; n <= 2; n++) {
        ledger_fail_at(n);
        check_int(hem_signal_open(&s, two), HEM_ENOMEM);
        ledger_fail_at(0);
        check(!is_blocked(SIGUSR1));
    }
    return 0;
}

static bool must_arrive; /* in the loop, before it is closed */

static int close_with_pending(void *arg)
{
    (void)arg;
    hem_signal s;
    HEM_TRY(hem_signal_open(&s, (int[]){SIGTERM, 0}));
    raise(SIGTERM);
    HEM_TRY(must_arrive ? hem_sleep(HEM_MSEC) : hem_yield());
    hem_signal_close(&s);
    return 0;
}

static int leave_with_pending(void *arg)
{
    (void)arg;
    static hem_signal s;
    HEM_TRY(hem_signal_open(&s, (int[]){SIGTERM, 0}));
    raise(SIGTERM);
    return hem_sleep(HEM_MSEC);
}

static int run_leaving(void *arg)
{
    return hem_run(leave_with_pending, arg, NULL) < 0;
}

static int run_closing(void *arg)
{
    return hem_run(close_with_pending, arg, NULL) < 0;
}

static void
a_signal_that_is_pending_at_the_close_takes_its_default_action(void **state)
{
    (void)state;
    struct ending e;
    for (int i = 0; i < 2; i++) {
        must_arrive = i;
        process_run(run_closing, NULL, &e);
        assert_int_equal(e.signo, SIGTERM);
        assert_string_equal(e.text, "");
    }
    process_run(run_leaving, NULL, &e);
    assert_int_equal(e.signo, SIGTERM);
}

static int open_and_leave(void *arg)
{
    static hem_signal s;
    return hem_signal_open(arg ? arg : &s, two);
}

/* The ledger looks at the mask. */
static void a_run_gives_back_the_mask_of_what_is_left_open(void **state)
{
    (void)state;
    hem_signal s;
    assert_int_equal(hem_run(open_and_leave, &s, NULL), 0);
    assert_false(is_blocked(SIGUSR1));
    hem_signal_close(&s); /* of a loop that is no more: nothing */
    assert_int_equal(hem_run(open_and_leave, NULL, NULL), 0);
    assert_int_equal(hem_run(open_and_leave, NULL, NULL), 0);
    assert_false(is_blocked(SIGUSR2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(wait_returns_the_signal_that_arrives),
        LEDGER_TEST(a_signal_between_two_waits_is_not_lost),
        LEDGER_TEST(a_signal_of_another_process_arrives),
        LEDGER_TEST(what_is_no_signal_or_cannot_be_caught_is_refused),
        LEDGER_TEST(open_blocks_and_close_unblocks),
        LEDGER_TEST(a_block_that_is_left_closes_its_signals),
        LEDGER_TEST(try_wait_takes_what_has_arrived),
        LEDGER_TEST(info_says_who_sent_it_and_how),
        LEDGER_TEST(info_of_sigchld_says_which_child_ended_and_how),
        LEDGER_TEST(realtime_signals_all_count_in_order_with_their_values),
        LEDGER_TEST(close_ends_the_wait),
        LEDGER_TEST(
            a_signal_that_arrived_is_kept_for_the_next_wait_if_cancelled),
        LEDGER_TEST(without_descriptors_nothing_is_blocked),
        LEDGER_TEST(without_memory_nothing_is_blocked),
        LEDGER_TEST(
            a_signal_that_is_pending_at_the_close_takes_its_default_action),
        LEDGER_TEST(a_run_gives_back_the_mask_of_what_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

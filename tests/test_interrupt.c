/* SPDX-License-Identifier: MIT */
/* SIGINT, in child processes: the first cancels main, the second ends all. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

/* What a child returns: 0, or 1 if a check failed in it. */
static int result_of(int rc, int want)
{
    check_int(rc, want);
    return check_failures_take() ? 1 : 0;
}

static void assert_child_is_well(int (*fn)(void *arg))
{
    struct ending e;
    process_run(fn, NULL, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(e.signo, 0);
    assert_int_equal(e.status, 0);
}

static bool sigint_is(void (*handler)(int))
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    return now.sa_handler == handler;
}

static int clean_up(void *arg)
{
    int rc = hem_sleep(HEM_NEVER);
    *(bool *)arg = true;
    return rc;
}

static int raise_and_wait(void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, clean_up, arg));
    HEM_TRY(hem_yield());
    raise(SIGINT);
    int rc = hem_sleep(HEM_NEVER);
    check_int(rc, HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "SIGINT");
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_scope_close(&s, rc);
}

static int interrupt_runs(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        bool cleaned = false;
        int rc = hem_run(raise_and_wait, &cleaned, NULL);
        check_int(rc, HEM_EINTR);
        check(cleaned);
        check(sigint_is(SIG_DFL));
    }
    return result_of(0, 0);
}

static void the_first_sigint_cancels_main_in_each_run(void **state)
{
    (void)state;
    assert_child_is_well(interrupt_runs);
}

static int end_as_told(void *arg)
{
    raise(SIGINT);
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    return *(int *)arg;
}

static int end_in_other_ways(void *arg)
{
    (void)arg;
    static int results[] = {0, 9, HEM_EIO};
    for (size_t i = 0; i < COUNT_OF(results); i++)
        check_int(hem_run(end_as_told, &results[i], NULL), results[i]);
    return result_of(0, 0);
}

static void a_main_that_handles_it_returns_its_own_result(void **state)
{
    (void)state;
    assert_child_is_well(end_in_other_ways);
}

static int tell_and_sleep(void *arg)
{
    (void)arg;
    process_say('r');
    return hem_sleep(HEM_NEVER);
}

static int run_sleeping(void *arg)
{
    hem_virtual_clock clock = {0};
    hem_run_options o = {.clock = &clock};
    return result_of(hem_run(tell_and_sleep, arg, &o), HEM_EINTR);
}

static void sigint_of_another_process_wakes_the_loop(void **state)
{
    (void)state;
    struct process p;
    struct ending e;
    char byte;
    process_start(&p, run_sleeping, NULL);
    assert_true(process_hear(&p, &byte));
    assert_int_equal(kill(p.pid, SIGINT), 0);
    process_end(&p, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(e.signo, 0);
    assert_int_equal(e.status, 0);
}

static int tell_and_spin(void *arg)
{
    (void)arg;
    process_say('r');
    for (volatile bool forever = true; forever;) {
        if (SANITIZED) /* tsan delivers signals in calls */
            (void)!read(-1, NULL, 0);
    }
    return 0;
}

static int run_spinning(void *arg)
{
    return hem_run(tell_and_spin, arg, NULL) == 0;
}

static int tell_and_resist(void *arg)
{
    (void)arg;
    process_say('r');
    for (volatile bool forever = true; forever;)
        (void)!hem_sleep(HEM_NEVER);
    return 0;
}

static int run_resisting(void *arg)
{
    return hem_run(tell_and_resist, arg, NULL) == 0;
}

/* Signals that are sent before one is delivered count once: send until it
 * ends. */
static void assert_ends_by_sigint(int (*fn)(void *arg))
{
    struct process p;
    struct ending e;
    char byte;
    process_start(&p, fn, NULL);
    assert_true(process_hear(&p, &byte));
    siginfo_t info = {0};
    while (!info.si_pid) {
        kill(p.pid, SIGINT);
        sched_yield();
        if (waitid(P_PID, (id_t)p.pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
            break;
    }
    process_end(&p, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(e.signo, SIGINT);
}

static void the_second_sigint_ends_even_a_busy_loop(void **state)
{
    (void)state;
    assert_ends_by_sigint(run_spinning);
}

static void the_second_sigint_ends_a_main_that_resists(void **state)
{
    (void)state;
    assert_ends_by_sigint(run_resisting);
}

static int raise_it(void *arg)
{
    (void)arg;
    raise(SIGINT);
    return 4;
}

static int run_keeping(void *arg)
{
    hem_run_options o = {.keep_sigint = true};
    return hem_run(raise_it, arg, &o);
}

static void keep_sigint_leaves_it_alone(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_keeping, NULL, &e);
    assert_int_equal(e.signo, SIGINT);
}

static int raise_and_yield(void *arg)
{
    void (*handler)(int) = arg ? SIG_IGN : SIG_DFL;
    if (arg)
        check(sigint_is(handler));
    raise(SIGINT);
    for (int i = 0; i < 1000; i++)
        HEM_TRY(hem_yield());
    return 4;
}

static int run_ignoring(void *arg)
{
    (void)arg;
    int ignored = 1;
    signal(SIGINT, SIG_IGN);
    int rc = hem_run(raise_and_yield, &ignored, NULL);
    check(sigint_is(SIG_IGN));
    return result_of(rc, 4);
}

static void a_sigint_that_is_ignored_stays_ignored(void **state)
{
    (void)state;
    assert_child_is_well(run_ignoring);
}

static volatile sig_atomic_t own_calls;

static void own_handler(int signo)
{
    own_calls += signo;
}

static int run_with_own_handler(void *arg)
{
    (void)arg;
    signal(SIGINT, own_handler);
    int rc = hem_run(raise_and_yield, NULL, NULL);
    check(sigint_is(own_handler));
    check_int(own_calls, SIGINT);
    return result_of(rc, 4);
}

static void a_handler_of_the_program_stays(void **state)
{
    (void)state;
    assert_child_is_well(run_with_own_handler);
}

static int see_default(void *arg)
{
    check(sigint_is(SIG_DFL));
    return hem_sleep(arg ? 1 : 0);
}

static void *run_in_thread(void *arg)
{
    check_int(hem_run(see_default, arg, NULL), 0);
    return NULL;
}

static int run_beside_main(void *arg)
{
    pthread_t thread;
    check_int(pthread_create(&thread, NULL, run_in_thread, arg), 0);
    check_int(pthread_join(thread, NULL), 0);
    return result_of(0, 0);
}

static void a_run_on_another_thread_leaves_it_alone(void **state)
{
    (void)state;
    assert_child_is_well(run_beside_main);
}

static int take_as_signal(void *arg)
{
    (void)arg;
    hem_signal s;
    HEM_TRY(hem_signal_open(&s, (int[]){SIGINT, 0}));
    for (int i = 0; i < 3; i++) {
        raise(SIGINT);
        check_int(hem_signal_wait(&s), SIGINT);
    }
    hem_signal_close(&s);
    return 4;
}

static int run_taking(void *arg)
{
    return result_of(hem_run(take_as_signal, arg, NULL), 4);
}

static void a_task_may_take_sigint_as_a_signal(void **state)
{
    (void)state;
    assert_child_is_well(run_taking);
}

static int raise_when_cancelled(void *arg)
{
    int rc = hem_sleep(HEM_NEVER);
    raise(SIGINT);
    (void)!hem_sleep(HEM_MSEC);
    *(bool *)arg = true;
    return rc;
}

static int leave_one(void *arg)
{
    return hem_spawn_with(NULL, raise_when_cancelled, arg, .eager = true);
}

static int run_ending(void *arg)
{
    (void)arg;
    bool cleaned = false;
    int rc = hem_run(leave_one, &cleaned, NULL);
    check(cleaned);
    return result_of(rc, 0);
}

static void the_first_sigint_at_the_end_of_the_run_changes_nothing(void **state)
{
    (void)state;
    assert_child_is_well(run_ending);
}

static int raise_in_child(void *arg)
{
    (void)arg;
    check(sigint_is(SIG_DFL));
    raise(SIGINT);
    return 0;
}

static int fork_in_task(void *arg)
{
    process_run(raise_in_child, NULL, arg);
    check(!sigint_is(SIG_DFL));
    return 0;
}

static void a_child_that_a_task_forked_is_ended_by_the_first(void **state)
{
    (void)state;
    struct ending e;
    assert_int_equal(hem_run(fork_in_task, &e, NULL), 0);
    assert_string_equal(e.text, "");
    assert_int_equal(e.signo, SIGINT);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_first_sigint_cancels_main_in_each_run),
        LEDGER_TEST(a_main_that_handles_it_returns_its_own_result),
        LEDGER_TEST(sigint_of_another_process_wakes_the_loop),
        LEDGER_TEST(the_second_sigint_ends_even_a_busy_loop),
        LEDGER_TEST(the_second_sigint_ends_a_main_that_resists),
        LEDGER_TEST(keep_sigint_leaves_it_alone),
        LEDGER_TEST(a_sigint_that_is_ignored_stays_ignored),
        LEDGER_TEST(a_handler_of_the_program_stays),
        LEDGER_TEST(a_run_on_another_thread_leaves_it_alone),
        LEDGER_TEST(a_task_may_take_sigint_as_a_signal),
        LEDGER_TEST(the_first_sigint_at_the_end_of_the_run_changes_nothing),
        LEDGER_TEST(a_child_that_a_task_forked_is_ended_by_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Handles of children: signals, ends, and tasks that wait for them. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "forked.h"
#include "process/child.h"
#include "support.h"

static int wait_for(void *arg)
{
    return hem_child_wait(arg, NULL);
}

/* Fork a child that lingers, and spawn a task that is parked waiting for it. */
static int fork_and_wait(hem_child *c, hem_task **ret)
{
    HEM_TRY(hem_fork(c, forked_linger, NULL, NULL));
    HEM_TRY(hem_spawn(ret, wait_for, c));
    while (strcmp(hem_task_waits_for(*ret), "child") != 0)
        HEM_TRY(hem_yield());
    return 0;
}

CHILD_TEST(a_child_that_a_signal_kills_has_no_exit_code)
{
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    check_int(kill(hem_child_pid(&c), 0), 0);
    check_int(hem_child_send_signal(&c, SIGTERM), 0);
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.exit_code, -1);
    check_int(status.signal, SIGTERM);
    check(!status.core);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(a_reaped_child_tells_its_end_again_and_takes_no_signal)
{
    int code = 9;
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_return, &code, NULL));
    pid_t pid = hem_child_pid(&c);
    for (int i = 0; i < 3; i++) {
        hem_child_status status = {0};
        check_int(hem_child_wait(&c, &status), 0);
        check_int(status.exit_code, 9);
    }
    check_int(hem_child_wait(&c, NULL), 0);
    check_int(hem_child_pid(&c), pid);
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_ESRCH);
    hem_child_close(&c);
    return 0;
}

/* Ends. */

static int crash(void *arg)
{
    setrlimit(RLIMIT_CORE, arg);
    raise(SIGSEGV);
    return 0;
}

/* Whether the same, by fork(2), leaves a core. */
static bool leaves_core(struct rlimit *limit)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        crash(limit);
    }
    waitpid(pid, &status, 0);
    return WCOREDUMP(status);
}

static void check_crash(rlim_t core_bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    if (core_bytes < limit.rlim_max)
        limit.rlim_max = core_bytes;
    limit.rlim_cur = limit.rlim_max;
    hem_child_status status = forked_status(crash, &limit);
    check_int(status.exit_code, -1);
    check_int(status.signal, SIGSEGV);
    check_int(status.core, leaves_core(&limit));
}

static int check_crashes(void *arg)
{
    char dir[] = "/tmp/hem-core-XXXXXX";
    char command[100];
    (void)arg;
    if (!mkdtemp(dir) || chdir(dir) < 0)
        return HEM_EINVAL;
    check_crash(0);
    check_crash(1 << 20);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    check_int(system(command), 0);
    return 0;
}

static int run_crashes(void *arg)
{
    check_int(hem_run(check_crashes, arg, NULL), 0);
    return forked_verdict();
}

CHILD_TEST(a_crash_and_its_core_are_told)
{
    check_int(forked_status(run_crashes, NULL).exit_code, 0);
    return 0;
}

static void wait_stopped(pid_t pid)
{
    siginfo_t info;
    check_int(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
}

CHILD_TEST(a_stopped_child_has_not_ended)
{
    hem_child c;
    hem_task *waiter;
    HEM_TRY(fork_and_wait(&c, &waiter));
    check_int(hem_child_send_signal(&c, SIGSTOP), 0);
    wait_stopped(hem_child_pid(&c));
    hem__child_look(&c);
    check(hem__child_runs(&c));
    HEM_TRY(hem_yield());
    check(!hem_task_done(waiter));
    check_int(hem_child_send_signal(&c, SIGCONT), 0);
    hem__child_look(&c);
    check(hem__child_runs(&c));
    check_int(hem_child_send_signal(&c, SIGKILL), 0);
    check_int(hem_await(waiter), 0);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(close_kills_a_stopped_child)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    check_int(hem_child_send_signal(&c, SIGSTOP), 0);
    wait_stopped(hem_child_pid(&c));
    hem_child_close(&c);
    check(!forked_any());
    return 0;
}

CHILD_TEST(one_that_has_ended_takes_no_notice_of_signals)
{
    hem_child c;
    siginfo_t info;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    pid_t pid = hem_child_pid(&c);
    check_int(kill(pid, SIGUSR1), 0);
    check_int(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    check_int(hem_child_send_signal(&c, SIGKILL), 0);
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.signal, SIGUSR1);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(the_loop_reaps_a_child_for_which_nobody_waits)
{
    int code = 0;
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_return, &code, NULL));
    while (hem__child_runs(&c))
        HEM_TRY(hem_yield());
    check(!forked_any());
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_ESRCH);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(there_are_signals_from_1_to_64)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    check_int(hem_child_send_signal(&c, -1), HEM_EINVAL);
    check_int(hem_child_send_signal(&c, 65), HEM_EINVAL);
    check_int(
        hem_child_send_signal(&c, in_emulator() || in_valgrind() ? 62 : 64), 0);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(close_kills_and_reaps_a_running_child)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    pid_t pid = hem_child_pid(&c);
    hem_child_close(&c);
    check_int(kill(pid, 0), -1);
    check_int(errno, ESRCH);
    check(!forked_any());
    return 0;
}

CHILD_TEST(a_closed_child_is_of_no_use)
{
    int code = 0;
    hem_child never = {0};
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_return, &code, NULL));
    hem_child_close(&c);
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_EBADF);
    check_int(hem_child_wait(&c, NULL), HEM_EBADF);
    check_int(hem_child_wait(&never, NULL), HEM_EBADF);
    hem_child_close(&c);
    hem_child_close(&never);
    hem_child_close(NULL);
    return 0;
}

CHILD_TEST(a_child_reaped_by_others_has_no_status)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    pid_t pid = hem_child_pid(&c);
    check_int(kill(pid, SIGKILL), 0);
    check_int(waitpid(pid, NULL, 0), pid);
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_ESRCH);
    check_int(hem_child_wait(&c, NULL), HEM_ECHILD);
    check_int(hem_child_wait(&c, NULL), HEM_ECHILD);
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_ESRCH);
    hem_child_close(&c);
    return 0;
}

static int use_inherited(void *arg)
{
    hem_child *c = arg;
    check_int(hem_child_send_signal(c, SIGKILL), HEM_EBADF);
    check_int(hem_child_wait(c, NULL), HEM_EBADF);
    hem_child_close(c);
    return 0;
}

static int run_use_inherited(void *arg)
{
    check_int(hem_run(use_inherited, arg, NULL), 0);
    return forked_verdict();
}

CHILD_TEST(an_inherited_handle_is_of_no_use)
{
    hem_child sibling;
    hem_child_status status;
    HEM_TRY(hem_fork(&sibling, forked_linger, NULL, NULL));
    check_int(forked_status(run_use_inherited, &sibling).exit_code, 0);
    check_int(hem_child_send_signal(&sibling, SIGUSR1), 0);
    check_int(hem_child_wait(&sibling, &status), 0);
    check_int(status.signal, SIGUSR1);
    hem_child_close(&sibling);
    return 0;
}

/* Several tasks. */

struct waiter {
    hem_child *child;
    hem_child_status status;
};

static int wait_status(void *arg)
{
    struct waiter *w = arg;
    return hem_child_wait(w->child, &w->status);
}

CHILD_TEST(any_number_of_tasks_wait_for_a_child)
{
    hem_child c;
    struct waiter waiters[5];
    hem_task *tasks[COUNT_OF(waiters)];
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    for (size_t i = 0; i < COUNT_OF(waiters); i++) {
        waiters[i].child = &c;
        HEM_TRY(hem_spawn(&tasks[i], wait_status, &waiters[i]));
    }
    HEM_TRY(hem_yield());
    check(hem_task_cancel(tasks[1], NULL));
    check_int(hem_child_send_signal(&c, SIGUSR2), 0);
    for (size_t i = 0; i < COUNT_OF(waiters); i++) {
        check_int(hem_await(tasks[i]), i == 1 ? HEM_ECANCELED : 0);
        if (i != 1)
            check_int(waiters[i].status.signal, SIGUSR2);
    }
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(all_who_wait_hear_that_others_reaped_it)
{
    hem_child c;
    hem_task *first, *second;
    HEM_TRY(fork_and_wait(&c, &first));
    HEM_TRY(hem_spawn(&second, wait_for, &c));
    kill(hem_child_pid(&c), SIGKILL);
    check_int(waitpid(-1, NULL, 0), hem_child_pid(&c));
    check_int(hem_await(first), HEM_ECHILD);
    check_int(hem_await(second), HEM_ECHILD);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(close_ends_the_wait_of_another_task)
{
    hem_child c;
    hem_task *waiter;
    HEM_TRY(fork_and_wait(&c, &waiter));
    hem_child_close(&c);
    check_int(hem_await(waiter), HEM_EBADF);
    return 0;
}

CHILD_FIFO_TEST(close_ends_the_wait_of_a_task_that_is_ready)
{
    hem_child c;
    hem_task *waiter;
    HEM_TRY(fork_and_wait(&c, &waiter));
    check_int(hem_child_send_signal(&c, SIGKILL), 0);
    while (strcmp(hem_task_waits_for(waiter), "ready") != 0)
        check_int(hem_yield(), 0);
    hem_child_close(&c);
    int other =
        (int)syscall(SYS_pidfd_open, getpid(), 0U); /* the same number */
    check_int(hem_await(waiter), HEM_EBADF);
    close(other);
    return 0;
}

CHILD_TEST(a_cancelled_wait_leaves_the_child_alone)
{
    hem_child c;
    hem_child_status status;
    hem_task *waiter;
    HEM_TRY(fork_and_wait(&c, &waiter));
    check(hem_task_cancel(waiter, NULL));
    check_int(hem_await(waiter), HEM_ECANCELED);
    check_int(hem_child_send_signal(&c, SIGTERM), 0);
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.signal, SIGTERM);
    hem_child_close(&c);
    return 0;
}

static int wait_within_an_hour(void *arg)
{
    int code = 3;
    hem_timeout t;
    (void)arg;
    HEM_TRY(hem_timeout_open(&t, 3600 * HEM_SEC));
    check_int(forked_status(forked_return, &code).exit_code, 3);
    check_int(hem_timeout_close(&t, 0), 0);
    check_int(hem_now(), 0);
    return 0;
}

static void virtual_time_does_not_overtake_a_child(void **state)
{
    (void)state;
    for (int polled = 0; polled <= 1; polled++) {
        hem_virtual_clock clock = {.grace = HEM_NSEC};
        forked_poll(polled);
        check_int(run_with(wait_within_an_hour, NULL,
                           &(hem_run_options){.clock = &clock}),
                  0);
    }
    forked_poll(false);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_child_that_a_signal_kills_has_no_exit_code),
        LEDGER_TEST(a_reaped_child_tells_its_end_again_and_takes_no_signal),
        LEDGER_TEST(a_crash_and_its_core_are_told),
        LEDGER_TEST(a_stopped_child_has_not_ended),
        LEDGER_TEST(close_kills_a_stopped_child),
        LEDGER_TEST(one_that_has_ended_takes_no_notice_of_signals),
        LEDGER_TEST(the_loop_reaps_a_child_for_which_nobody_waits),
        LEDGER_TEST(there_are_signals_from_1_to_64),
        LEDGER_TEST(close_kills_and_reaps_a_running_child),
        LEDGER_TEST(a_closed_child_is_of_no_use),
        LEDGER_TEST(a_child_reaped_by_others_has_no_status),
        LEDGER_TEST(an_inherited_handle_is_of_no_use),
        LEDGER_TEST(any_number_of_tasks_wait_for_a_child),
        LEDGER_TEST(all_who_wait_hear_that_others_reaped_it),
        LEDGER_TEST(close_ends_the_wait_of_another_task),
        LEDGER_TEST(close_ends_the_wait_of_a_task_that_is_ready),
        LEDGER_TEST(a_cancelled_wait_leaves_the_child_alone),
        LEDGER_TEST(virtual_time_does_not_overtake_a_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Handles of children: signals, ends, and tasks that wait for them. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "forked.h"
#include "support.h"

VIRTUAL_TEST(a_child_that_a_signal_kills_has_no_exit_code)
{
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, forked_linger, NULL));
    check_int(kill(hem_child_pid(&c), 0), 0);
    check_int(hem_child_send_signal(&c, SIGTERM), 0);
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.exit_code, -1);
    check_int(status.signal, SIGTERM);
    check(!status.core);
    hem_child_close(&c);
    return 0;
}

VIRTUAL_TEST(a_reaped_child_tells_its_end_again_and_takes_no_signal)
{
    int code = 9;
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_return, &code));
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

VIRTUAL_TEST(there_are_signals_from_1_to_64)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_linger, NULL));
    check_int(hem_child_send_signal(&c, -1), HEM_EINVAL);
    check_int(hem_child_send_signal(&c, 65), HEM_EINVAL);
    check_int(hem_child_send_signal(&c, in_emulator() ? 62 : 64), 0);
    hem_child_close(&c);
    return 0;
}

VIRTUAL_TEST(close_kills_and_reaps_a_running_child)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_linger, NULL));
    pid_t pid = hem_child_pid(&c);
    hem_child_close(&c);
    check_int(kill(pid, 0), -1);
    check_int(errno, ESRCH);
    check(!forked_any());
    return 0;
}

VIRTUAL_TEST(a_closed_child_is_of_no_use)
{
    int code = 0;
    hem_child never = {0};
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_return, &code));
    hem_child_close(&c);
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_EBADF);
    check_int(hem_child_wait(&c, NULL), HEM_EBADF);
    check_int(hem_child_wait(&never, NULL), HEM_EBADF);
    hem_child_close(&c);
    hem_child_close(&never);
    hem_child_close(NULL);
    return 0;
}

VIRTUAL_TEST(a_child_reaped_by_others_has_no_status)
{
    int code = 0;
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_return, &code));
    check_int(waitpid(hem_child_pid(&c), NULL, 0), hem_child_pid(&c));
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

VIRTUAL_TEST(an_inherited_handle_is_of_no_use)
{
    hem_child sibling;
    hem_child_status status;
    HEM_TRY(hem_fork(&sibling, forked_linger, NULL));
    check_int(forked_status(run_use_inherited, &sibling).exit_code, 0);
    check_int(hem_child_send_signal(&sibling, SIGUSR1), 0);
    check_int(hem_child_wait(&sibling, &status), 0);
    check_int(status.signal, SIGUSR1);
    hem_child_close(&sibling);
    return 0;
}

/* Several tasks. */

static int wait_for(void *arg)
{
    return hem_child_wait(arg, NULL);
}

/* Fork a child that lingers, and spawn a task that is parked waiting for it. */
static int fork_and_wait(hem_child *c, hem_task **ret)
{
    HEM_TRY(hem_fork(c, forked_linger, NULL));
    HEM_TRY(hem_spawn(ret, wait_for, c));
    while (strcmp(hem_task_waits_for(*ret), "read") != 0)
        HEM_TRY(hem_yield());
    return 0;
}

VIRTUAL_TEST(one_task_at_a_time_waits_for_a_child)
{
    hem_child c;
    hem_task *waiter;
    HEM_TRY(fork_and_wait(&c, &waiter));
    check_int(hem_child_wait(&c, NULL), HEM_EBUSY);
    check_int(hem_child_send_signal(&c, SIGKILL), 0);
    check_int(hem_await(waiter), 0);
    check_int(hem_child_wait(&c, NULL), 0);
    hem_child_close(&c);
    return 0;
}

VIRTUAL_TEST(close_ends_the_wait_of_another_task)
{
    hem_child c;
    hem_task *waiter;
    HEM_TRY(fork_and_wait(&c, &waiter));
    hem_child_close(&c);
    check_int(hem_await(waiter), HEM_EBADF);
    return 0;
}

FIFO_TEST(close_ends_the_wait_of_a_task_that_is_ready)
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

VIRTUAL_TEST(a_cancelled_wait_leaves_the_child_alone)
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
    hem_virtual_clock clock = {.grace = HEM_NSEC};
    check_int(run_with(wait_within_an_hour, NULL,
                       &(hem_run_options){.clock = &clock}),
              0);
}

int main(void)
{
    if (!forked_possible())
        return FORKED_SKIP;
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_child_that_a_signal_kills_has_no_exit_code),
        LEDGER_TEST(a_reaped_child_tells_its_end_again_and_takes_no_signal),
        LEDGER_TEST(there_are_signals_from_1_to_64),
        LEDGER_TEST(close_kills_and_reaps_a_running_child),
        LEDGER_TEST(a_closed_child_is_of_no_use),
        LEDGER_TEST(a_child_reaped_by_others_has_no_status),
        LEDGER_TEST(an_inherited_handle_is_of_no_use),
        LEDGER_TEST(one_task_at_a_time_waits_for_a_child),
        LEDGER_TEST(close_ends_the_wait_of_another_task),
        LEDGER_TEST(close_ends_the_wait_of_a_task_that_is_ready),
        LEDGER_TEST(a_cancelled_wait_leaves_the_child_alone),
        LEDGER_TEST(virtual_time_does_not_overtake_a_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

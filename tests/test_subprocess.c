/* SPDX-License-Identifier: MIT */
/* Subprocesses: started, waited for, told, closed; and what fails. */
#include <signal.h>

#include "forked.h"
#include "shell.h"
#include "support.h"

static char *const true_argv[] = {"true", NULL};

VIRTUAL_TEST(a_program_is_started_and_tells_its_exit_code)
{
    char *argv[] = {"sh", "-c", "exit 7", NULL};
    HEM_SUBPROCESS(p);
    hem_child_status status;
    HEM_TRY(hem_subprocess_start(&p, argv, NULL));
    check(hem_subprocess_pid(&p) > 0);
    HEM_TRY(hem_subprocess_wait(&p, &status));
    check_int(status.exit_code, 7);
    check_int(status.signal, 0);
    return 0;
}

VIRTUAL_TEST(a_shell_runs_a_command)
{
    check_int(shell_ends("exit 5", NULL), 5);
    check_int(shell_ends("kill -9 $$", NULL), -9);
    check_int(shell_ends("no-such-command 2>&-", NULL), 127);
    check_int(shell_ends("-no-option 2>&-", NULL), 127);
    return 0;
}

VIRTUAL_TEST(another_program_may_be_run_under_the_name)
{
    char *argv[] = {"another", "-c", "echo $0", NULL};
    hem_subprocess_output o;
    HEM_TRY(hem_subprocess_run(
        argv,
        &(hem_subprocess_run_options){
            .start = {.program = "/bin/sh", .out = HEM_PIPE}},
        &o));
    check_str(o.out, "another\n");
    hem_subprocess_output_free(&o);
    return 0;
}

VIRTUAL_TEST(the_end_is_told_again_and_again)
{
    HEM_SUBPROCESS(p);
    hem_child_status status = {.exit_code = 9};
    HEM_TRY(hem_subprocess_start(&p, true_argv, NULL));
    pid_t pid = hem_subprocess_pid(&p);
    for (int i = 0; i < 3; i++) {
        check_int(hem_subprocess_wait(&p, &status), 0);
        check_int(status.exit_code, 0);
        check_int(hem_subprocess_poll(&p, &status), 0);
    }
    check_int(hem_subprocess_wait(&p, NULL), 0);
    check_int(hem_subprocess_poll(&p, NULL), 0);
    check_int(hem_subprocess_pid(&p), pid);
    check_int(hem_subprocess_send_signal(&p, SIGTERM), HEM_ESRCH);
    return hem_subprocess_close(&p);
}

VIRTUAL_TEST(a_running_one_has_no_status)
{
    HEM_SUBPROCESS(p);
    hem_child_status status = {.exit_code = 42};
    HEM_TRY(shell_linger(&p, NULL));
    check_int(hem_subprocess_poll(&p, &status), HEM_EAGAIN);
    check_int(status.exit_code, 42);
    check_int(hem_subprocess_send_signal(&p, 65), HEM_EINVAL);
    check_int(hem_subprocess_terminate(&p), 0);
    check_int(hem_subprocess_wait(&p, &status), 0);
    check_int(status.signal, SIGTERM);
    check_int(status.exit_code, -1);
    return 0;
}

VIRTUAL_TEST(kill_kills)
{
    HEM_SUBPROCESS(p);
    hem_child_status status;
    HEM_TRY(shell_linger(&p, NULL));
    check_int(hem_subprocess_kill(&p), 0);
    check_int(hem_subprocess_wait(&p, &status), 0);
    check_int(status.signal, SIGKILL);
    return 0;
}

static int wait_for(void *arg)
{
    return hem_subprocess_wait(arg, NULL);
}

VIRTUAL_TEST(any_number_of_tasks_wait)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(shell_linger(&p, NULL));
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    hem_task *first;
    HEM_TRY_IN(&s, hem_scope_spawn(&s, &first, wait_for, &p));
    for (int i = 0; i < 3; i++)
        HEM_TRY_IN(&s, hem_scope_spawn(&s, NULL, wait_for, &p));
    HEM_TRY_IN(&s, hem_yield());
    check_int(hem_cancel_and_wait(first, NULL), 0);
    check_int(hem_subprocess_kill(&p), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return hem_subprocess_wait(&p, NULL);
}

VIRTUAL_TEST(closing_terminates_and_leaves_nothing)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(shell_linger(
        &p, &(hem_subprocess_options){.in = HEM_PIPE, .out = HEM_PIPE}));
    check_int(hem_subprocess_close(&p), 0);
    check(!forked_any());
    check_int(hem_subprocess_close(&p), HEM_EBADF);
    return 0;
}

/* A shell that ends well when it is told to. */
static int start_good(hem_subprocess *p, int fd)
{
    char *line;
    HEM_TRY(
        hem_subprocess_shell(p,
                             "trap 'echo bye >&2; exit 0' TERM; echo on; "
                             "while :; do sleep 0.01; done",
                             &(hem_subprocess_options){.out = HEM_PIPE,
                                                       .err = HEM_FD,
                                                       .err_fd = fd,
                                                       .grace = HEM_NEVER,
                                                       .pdeathsig = SIGKILL}));
    check_int(hem_stream_read_line(hem_subprocess_stdout(p), &line), 3);
    return 0;
}

static int end_well(bool stopped)
{
    int fds[2];
    char said[8] = "";
    check_int(pipe(fds), 0);
    HEM_SUBPROCESS(p);
    HEM_TRY(start_good(&p, fds[1]));
    if (stopped)
        check_int(hem_subprocess_send_signal(&p, SIGSTOP), 0);
    check_int(hem_subprocess_close(&p), 0);
    close(fds[1]);
    check_int(read(fds[0], said, sizeof(said)), 4);
    check_str(said, "bye\n");
    close(fds[0]);
    return 0;
}

VIRTUAL_TEST(a_child_may_end_well_when_it_is_terminated)
{
    return end_well(false);
}

VIRTUAL_TEST(a_stopped_child_is_continued_to_end)
{
    return end_well(true);
}

VIRTUAL_TEST(a_block_that_is_left_kills)
{
    {
        HEM_SUBPROCESS(p);
        HEM_TRY(
            hem_subprocess_shell(&p, "trap '' TERM; exec sleep 1000", NULL));
    }
    check(!forked_any());
    return 0;
}

VIRTUAL_TEST(closing_ends_the_wait_of_others)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(hem_subprocess_shell(&p, "exec sleep 1000", NULL));
    hem_task *waiter;
    HEM_TRY(hem_spawn(&waiter, wait_for, &p));
    HEM_TRY(hem_yield());
    hem__subprocess_cleanup(&p);
    check_int(hem_await(waiter), HEM_EBADF);
    return 0;
}

static int close_it(void *arg)
{
    return hem_subprocess_close(arg);
}

FIFO_TEST(of_two_that_close_it_one_does)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(shell_linger(&p, NULL));
    hem_task *a, *b;
    HEM_TRY(hem_spawn(&a, close_it, &p));
    HEM_TRY(hem_spawn(&b, close_it, &p));
    int first = hem_await(a);
    int second = hem_await(b);
    check_int(first + second, HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(what_is_closed_is_of_no_use)
{
    HEM_SUBPROCESS(p);
    hem_child_status status;
    check_int(hem_subprocess_wait(&p, &status), HEM_EBADF);
    check_int(hem_subprocess_poll(&p, &status), HEM_EBADF);
    check_int(hem_subprocess_kill(&p), HEM_EBADF);
    check_int(hem_subprocess_close(&p), HEM_EBADF);
    check_int(hem_subprocess_close(NULL), 0);
    hem_subprocess_output o;
    check_int(hem_subprocess_communicate(&p, NULL, 0, &o, NULL), HEM_EBADF);
    check(o.out == NULL && o.err == NULL);
    hem_subprocess_output_free(&o);
    hem_subprocess_output_free(NULL);
    return 0;
}

static int use_inherited(void *arg)
{
    check_int(hem_subprocess_kill(arg), HEM_EBADF);
    check_int(hem_subprocess_wait(arg, NULL), HEM_EBADF);
    check_int(hem_subprocess_close(arg), HEM_EBADF);
    return 0;
}

static int run_use_inherited(void *arg)
{
    check_int(hem_run(use_inherited, arg, NULL), 0);
    return forked_verdict();
}

VIRTUAL_TEST(an_inherited_one_is_of_no_use)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(shell_linger(&p, NULL));
    check_int(forked_status(run_use_inherited, &p).exit_code, 0);
    check_int(hem_subprocess_poll(&p, NULL), HEM_EAGAIN);
    return 0;
}

/* Errors. */

static int start(const char *program, const hem_subprocess_options *opts)
{
    hem_subprocess p;
    char *argv[] = {(char *)(uintptr_t)program, NULL};
    int rc = hem_subprocess_start(&p, argv, opts);
    check(!forked_any());
    check_int(hem_subprocess_close(&p), HEM_EBADF);
    check_int(hem_stream_close(hem_subprocess_stdin(&p)), HEM_EBADF);
    return rc;
}

static void check_failing_steps(void)
{
    hem_subprocess_options o = {.in = HEM_PIPE, .err = HEM_PIPE};
    check_int(start("/no/such/program", &o), HEM_ENOENT);
    check_contains(hem_failure()->message,
                   "cannot execute the program \"/no/such/program\"");
    check_int(start("no-such-program", &o), HEM_ENOENT);
    check_int(start("", &o), HEM_ENOENT);
    o.cwd = "/no/such/directory";
    check_int(start("true", &o), HEM_ENOENT);
    check_contains(hem_failure()->message,
                   "cannot enter the directory \"/no/such/directory\"");
    o.cwd = "/dev/null";
    check_int(start("true", &o), HEM_ENOTDIR);
    o = (hem_subprocess_options){.out = HEM_FD, .out_fd = 12345};
    check_int(start("true", &o), HEM_EBADF);
    check_contains(hem_failure()->message, "cannot pass the descriptors");
    o = (hem_subprocess_options){.process_group = 1};
    check_int(start("true", &o), HEM_EPERM);
    check_contains(hem_failure()->message, "process group");
    hem_subprocess_limit bad = {.resource = 999};
    o = (hem_subprocess_options){.limits = &bad, .limit_count = 1};
    check_int(start("true", &o), HEM_EINVAL);
    check_contains(hem_failure()->message, "limit");
    o = (hem_subprocess_options){.pdeathsig = 999};
    check_int(start("true", &o), HEM_EINVAL);
}

VIRTUAL_TEST(the_step_that_failed_is_told)
{
    EACH_WAY(check_failing_steps());
    return 0;
}

VIRTUAL_TEST(mistakes_in_options_are_refused)
{
    hem_subprocess p;
    hem_subprocess_fd twice[] = {{0, 5}, {1, 5}};
    hem_subprocess_fd low = {0, 2}, negative = {0, -1}, huge = {0, INT32_MAX};
    char *none[] = {NULL};
    check_int(hem_subprocess_start(&p, none, NULL), HEM_EINVAL);
    check_int(hem_subprocess_start(&p, NULL, NULL), HEM_EINVAL);
    hem_subprocess_options o = {.fds = twice, .fd_count = 2};
    check_int(start("true", &o), HEM_EINVAL);
    o = (hem_subprocess_options){.fds = &low, .fd_count = 1};
    check_int(start("true", &o), HEM_EINVAL);
    o.fds = &negative;
    check_int(start("true", &o), HEM_EINVAL);
    o.fds = &huge;
    check_int(start("true", &o), HEM_EINVAL);
    o = (hem_subprocess_options){.in = HEM_STDOUT};
    check_int(start("true", &o), HEM_EINVAL);
    o = (hem_subprocess_options){.out = (hem_subprocess_io)77};
    check_int(start("true", &o), HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(a_caller_that_is_cancelled_before_has_no_child)
{
    hem_subprocess p;
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_subprocess_start(&p, true_argv, NULL), HEM_ECANCELED);
    check_int(hem_subprocess_close(&p), HEM_EBADF);
    check(!forked_any());
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

VIRTUAL_TEST(memory_may_lack_anywhere)
{
    char *add[] = {"A=1", NULL};
    hem_subprocess_options o = {
        .in = HEM_PIPE, .out = HEM_PIPE, .env_add = add};
    int rc = HEM_ENOMEM;
    for (size_t n = 1; rc == HEM_ENOMEM && check(n < 100); n++) {
        hem_subprocess p;
        ledger_fail_at(n);
        rc = hem_subprocess_start(&p, true_argv, &o);
        ledger_fail_at(0);
        if (rc == 0)
            check_int(hem_subprocess_close(&p), 0);
        check(!forked_any());
    }
    return rc;
}

VIRTUAL_TEST(a_status_may_be_made_an_error)
{
    hem_child_status good = {.exit_code = 0};
    hem_child_status bad = {.exit_code = 3};
    hem_child_status killed = {.exit_code = -1, .signal = SIGTERM};
    check_int(hem_subprocess_check(&good), 0);
    check_int(hem_subprocess_check(&bad), HEM_EEXITED);
    check_str(hem_failure()->message, "exit code 3");
    check_int(hem_subprocess_check(&killed), HEM_ESIGNALED);
    check_contains(hem_failure()->message, "killed by signal 15");
    return 0;
}

static int close_when_the_grace_is_over(void *arg)
{
    HEM_TRY(hem_sleep(5 * HEM_SEC));
    (void)!hem_subprocess_close(arg);
    return 0;
}

VIRTUAL_TEST(who_closes_it_as_well_does_not_prolong_the_grace)
{
    HEM_SUBPROCESS(p);
    char *line;
    hem_task *other;
    HEM_TRY(hem_spawn(&other, close_when_the_grace_is_over, &p));
    HEM_TRY(hem_yield());
    HEM_TRY(hem_subprocess_shell(
        &p, "trap '' TERM; echo; exec sleep 1000",
        &(hem_subprocess_options){.out = HEM_PIPE, .err = HEM_NULL}));
    check_int(hem_stream_read_line(hem_subprocess_stdout(&p), &line), 1);
    (void)!hem_subprocess_close(&p);
    check_int(hem_now(), 5 * HEM_SEC);
    check_int(hem_await(other), 0);
    hem_task_forget(other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_program_is_started_and_tells_its_exit_code),
        LEDGER_TEST(a_shell_runs_a_command),
        LEDGER_TEST(another_program_may_be_run_under_the_name),
        LEDGER_TEST(the_end_is_told_again_and_again),
        LEDGER_TEST(a_running_one_has_no_status),
        LEDGER_TEST(kill_kills),
        LEDGER_TEST(any_number_of_tasks_wait),
        LEDGER_TEST(closing_terminates_and_leaves_nothing),
        LEDGER_TEST(a_child_may_end_well_when_it_is_terminated),
        LEDGER_TEST(a_stopped_child_is_continued_to_end),
        LEDGER_TEST(a_block_that_is_left_kills),
        LEDGER_TEST(closing_ends_the_wait_of_others),
        LEDGER_TEST(of_two_that_close_it_one_does),
        LEDGER_TEST(who_closes_it_as_well_does_not_prolong_the_grace),
        LEDGER_TEST(what_is_closed_is_of_no_use),
        LEDGER_TEST(an_inherited_one_is_of_no_use),
        LEDGER_TEST(the_step_that_failed_is_told),
        LEDGER_TEST(mistakes_in_options_are_refused),
        LEDGER_TEST(a_caller_that_is_cancelled_before_has_no_child),
        LEDGER_TEST(memory_may_lack_anywhere),
        LEDGER_TEST(a_status_may_be_made_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

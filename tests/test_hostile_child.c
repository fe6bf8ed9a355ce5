/* SPDX-License-Identifier: MIT */
/* Hostile cases 17 and 18 for children by fork: pids that are used again, others
 * who reap; and kernels, or filters of system calls, that know no pidfds. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "forked.h"
#include "process/child.h"
#include "support.h"

#define PIDFD_OPEN        434 /* on all CPUs */
#define PIDFD_SEND_SIGNAL 424

/* 17: the pid is that of another child of ours. */

static void check_lives(pid_t innocent)
{
    if (innocent < 0)
        return;
    check_int(waitpid(innocent, NULL, WNOHANG), 0);
    kill(innocent, SIGKILL);
    check_int(waitpid(innocent, NULL, 0), innocent);
}

/* Fork a child that somebody else reaps. Returns another one with its pid; -1:
 * that cannot be had. */
static pid_t fork_twice(hem_child *c)
{
    HEM_TRY(hem_fork(c, forked_linger, NULL, NULL));
    pid_t pid = hem_child_pid(c);
    kill(pid, SIGKILL);
    check_int(waitpid(-1, NULL, 0), pid);
    pid_t innocent = forked_as(pid);
    if (innocent < 0)
        print_message("pid %d cannot be had again\n", pid);
    return innocent;
}

CHILD_TEST(hostile_17_the_next_child_with_the_pid_gets_no_signal)
{
    hem_child c;
    pid_t innocent = fork_twice(&c);
    check_int(hem_child_send_signal(&c, SIGKILL), HEM_ESRCH);
    check_int(hem_child_wait(&c, NULL), HEM_ECHILD);
    hem_child_close(&c);
    check_lives(innocent);
    return 0;
}

CHILD_TEST(hostile_17_the_next_child_with_the_pid_is_not_waited_for)
{
    hem_child c;
    pid_t innocent = fork_twice(&c);
    check_int(hem_child_wait(&c, NULL), HEM_ECHILD);
    hem_child_close(&c);
    check_lives(innocent);
    return 0;
}

CHILD_TEST(hostile_17_the_next_child_with_the_pid_is_not_killed_by_a_close)
{
    hem_child c;
    pid_t innocent = fork_twice(&c);
    hem_child_close(&c);
    check_lives(innocent);
    return 0;
}

/* 18: others reap, or the kernel does. */

static int wait_for(void *arg)
{
    return hem_child_wait(arg, NULL);
}

CHILD_TEST(hostile_18_all_who_wait_for_a_forked_child_are_told)
{
    hem_child c;
    hem_task *waiters[3];
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    for (size_t i = 0; i < COUNT_OF(waiters); i++)
        HEM_TRY(hem_spawn(&waiters[i], wait_for, &c));
    HEM_TRY(hem_yield());
    kill(hem_child_pid(&c), SIGKILL);
    check_int(waitpid(-1, NULL, 0), hem_child_pid(&c));
    for (size_t i = 0; i < COUNT_OF(waiters); i++)
        check_int(hem_await(waiters[i]), HEM_ECHILD);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(hostile_18_where_sigchld_is_ignored_no_forked_child_hangs)
{
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 10; i++) {
        hem_child c;
        bool ends = i % 2;
        HEM_TRY(hem_fork(&c, ends ? forked_return : forked_linger, &i, NULL));
        if (ends)
            check_int(hem_child_wait(&c, NULL), HEM_ECHILD);
        hem_child_close(&c);
    }
    check(!forked_any());
    signal(SIGCHLD, SIG_DFL);
    return 0;
}

/* Where there are no pidfds. */

/* Have a system call fail with `error` from now on. */
static int refuse(int number, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {COUNT_OF(code), code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int live_and_die(void *arg)
{
    bool polled = *(bool *)arg;
    int code = 5;
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    check_int(c.pause > 0, polled);
    check_int(hem_child_send_signal(&c, SIGTERM), 0);
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.signal, SIGTERM);
    hem_child_close(&c);
    check_int(forked_status(forked_return, &code).exit_code, 5);
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    hem_child_close(&c);
    char *argv[] = {"sleep", "1000", NULL};
    HEM_SUBPROCESS(p);
    HEM_TRY(hem_subprocess_start(
        &p, argv, &(hem_subprocess_options){.pdeathsig = SIGKILL}));
    check_int(p.child.pause > 0, polled);
    check_int(hem_subprocess_close(&p), 0);
    check(!forked_any());
    return 0;
}

struct filter {
    int number;
    int error;
    bool polled;
};

static int run_filtered(void *arg)
{
    struct filter *f = arg;
    if (f->number && refuse(f->number, f->error) < 0)
        return 0; /* nor are there filters */
    check_int(run_virtual(live_and_die, &f->polled), 0);
    return forked_verdict();
}

static void a_filter_that_refuses_pidfds_is_got_by_with(void **state)
{
    (void)state;
    struct filter filters[] = {
        {PIDFD_OPEN, ENOSYS, true},
        {PIDFD_OPEN, EPERM, true},
        {PIDFD_SEND_SIGNAL, ENOSYS, false},
        {PIDFD_SEND_SIGNAL, EPERM, false},
    };
    if (in_valgrind() || in_emulator() || getenv("HEM_PIDFD"))
        skip();
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        forked_apart(run_filtered, &filters[i]);
}

static int run_without(void *arg)
{
    setenv("HEM_PIDFD", "0", 1);
    forked_poll(false); /* look at it again */
    return run_filtered(arg);
}

static void the_environment_may_refuse_pidfds(void **state)
{
    (void)state;
    struct filter none = {.polled = true};
    forked_apart(run_without, &none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_17_the_next_child_with_the_pid_gets_no_signal),
        LEDGER_TEST(hostile_17_the_next_child_with_the_pid_is_not_waited_for),
        LEDGER_TEST(
            hostile_17_the_next_child_with_the_pid_is_not_killed_by_a_close),
        LEDGER_TEST(hostile_18_all_who_wait_for_a_forked_child_are_told),
        LEDGER_TEST(hostile_18_where_sigchld_is_ignored_no_forked_child_hangs),
        LEDGER_TEST(a_filter_that_refuses_pidfds_is_got_by_with),
        LEDGER_TEST(the_environment_may_refuse_pidfds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

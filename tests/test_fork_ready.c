/* SPDX-License-Identifier: MIT */
/* hem_fork() returns when its child is ready, or never will be. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "forked.h"
#include "support.h"

#define OPTIONS(...) (&(hem_fork_options){__VA_ARGS__})

/* What parent and child both see. */
static volatile int *shared;

static int map_shared(void **state)
{
    void *p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = p;
    return p == MAP_FAILED ? -1 : ledger_begin(state);
}

static int unmap_shared(void **state)
{
    munmap((void *)(uintptr_t)shared, sizeof(*shared));
    return ledger_end(state);
}

#define READY_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, map_shared, unmap_shared)

/* Fork with these options one that comes to nothing. */
static void check_fails(hem_fn *fn, void *arg, const hem_fork_options *opts,
                        int error)
{
    hem_child c;
    check_int(hem_fork(&c, fn, arg, opts), error);
    check_int(hem_child_wait(&c, NULL), HEM_EBADF);
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_EBADF);
    check(!forked_any());
    hem_child_close(&c);
}

/* Ready. */

CHILD_TEST(the_fork_returns_while_the_function_goes_on)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    check_int(kill(hem_child_pid(&c), 0), 0);
    hem_child_close(&c);
    return 0;
}

static int prepare_and_say(void *arg)
{
    (void)arg;
    *shared = 1;
    check_int(hem_fork_ready(), 0);
    check_int(hem_fork_ready(), 0); /* once more does nothing */
    return forked_verdict() ? 1 : forked_linger(NULL);
}

CHILD_TEST(the_child_itself_may_say_when_it_is_ready)
{
    hem_child c;
    *shared = 0;
    HEM_TRY(hem_fork(&c, prepare_and_say, NULL, OPTIONS(.ready_by_child = 1)));
    check_int(*shared, 1);
    hem_child_close(&c);
    return 0;
}

static int say_and_return(void *arg)
{
    check_int(hem_fork_ready(), 0);
    return *(int *)arg;
}

CHILD_TEST(one_that_was_ready_may_have_ended)
{
    int code = 6;
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, say_and_return, &code, OPTIONS(.ready_by_child = 1)));
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.exit_code, 6);
    hem_child_close(&c);
    return 0;
}

static int say_unasked(void *arg)
{
    (void)arg;
    check_int(hem_fork_ready(), HEM_ESTATE);
    return forked_verdict();
}

/* The same in a child of one that is not ready yet. */
static int fork_before_ready(void *arg)
{
    (void)arg;
    check_int(forked_status(say_unasked, NULL).exit_code, 0);
    check_int(hem_fork_ready(), 0);
    return 0;
}

static int run_fork_before_ready(void *arg)
{
    check_int(hem_run(fork_before_ready, arg, NULL), 0);
    return forked_verdict();
}

CHILD_TEST(only_who_was_asked_to_says_that_it_is_ready)
{
    hem_child c;
    hem_child_status status;
    check_int(hem_fork_ready(), HEM_ESTATE);
    check_int(forked_status(say_unasked, NULL).exit_code, 0);
    HEM_TRY(hem_fork(&c, run_fork_before_ready, NULL,
                     OPTIONS(.ready_by_child = 1)));
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.exit_code, 0);
    hem_child_close(&c);
    return 0;
}

/* The init, and the loop. */

static int note_init(void *arg)
{
    check(hem_loop_current() == NULL);
    check_int(++*(int *)arg, 1);
    return forked_verdict() ? HEM_EINVAL : 0;
}

static int be_second(void *arg)
{
    check_int(++*(int *)arg, 2);
    return forked_verdict();
}

CHILD_TEST(the_init_runs_in_the_child_before_the_function)
{
    int count = 0;
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, be_second, &count,
                     OPTIONS(.init = note_init, .init_arg = &count)));
    check_int(count, 0); /* it has memory of its own */
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.exit_code, 0);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(an_error_of_the_init_is_that_of_the_fork)
{
    int error = HEM_EADDRINUSE;
    for (int asked = 0; asked <= 1; asked++)
        check_fails(forked_linger, NULL,
                    OPTIONS(.init = forked_return, .init_arg = &error,
                            .ready_by_child = asked),
                    HEM_EADDRINUSE);
    check(strstr(hem_failure()->message, "the child's init failed: ") != NULL);
    return 0;
}

static int be_main_task(void *arg)
{
    check(hem_loop_current() != NULL);
    check_str(hem_task_name(hem_self()), arg);
    check_int(hem_yield(), 0);
    return forked_verdict() ? 1 : 8;
}

static int fork_main_task(char *name, const hem_fork_options *opts)
{
    hem_child c;
    hem_child_status status = {.exit_code = -2};
    HEM_TRY(hem_fork(&c, be_main_task, name, opts));
    check_int(hem_child_wait(&c, &status), 0);
    hem_child_close(&c);
    return status.exit_code;
}

CHILD_TEST(the_function_may_be_the_main_task_of_a_loop_of_its_own)
{
    char usual[] = "main", other[] = "child";
    check_int(fork_main_task(usual, OPTIONS(.loop = true)), 8);
    check_int(fork_main_task(other,
                             OPTIONS(.run = &(hem_run_options){.name = other})),
              8);
    return 0;
}

/* Never ready. */

CHILD_TEST(one_that_returns_before_it_is_ready_is_a_failure)
{
    int codes[] = {0, 9};
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        check_fails(forked_return, &codes[i], OPTIONS(.ready_by_child = 1),
                    HEM_EEXITED);
    check_str(hem_failure()->message,
              "the child exited with code 9 before it was ready");
    return 0;
}

static int raise_signal(void *arg)
{
    return raise(*(int *)arg);
}

CHILD_TEST(one_that_is_killed_before_it_is_ready_is_a_failure)
{
    int signals[] = {SIGSEGV, SIGKILL, SIGTERM};
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        check_fails(raise_signal, &signals[i], OPTIONS(.ready_by_child = 1),
                    HEM_ESIGNALED);
    check_str(hem_failure()->message,
              "the child was killed by signal 15 (Terminated) before it was "
              "ready");
    check_fails(forked_linger, NULL,
                OPTIONS(.init = raise_signal, .init_arg = &signals[1]),
                HEM_ESIGNALED);
    return 0;
}

static int begin_program(void *arg)
{
    (void)arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return execl("/bin/sleep", "sleep", "1000", (char *)NULL);
}

CHILD_TEST(another_program_will_not_be_ready)
{
    check_fails(begin_program, NULL, OPTIONS(.ready_by_child = 1),
                HEM_ESIGNALED);
    return 0;
}

/* A grandchild that holds all that the child has, and lives longer. */
static int leave_grandchild(void *arg)
{
    (void)arg;
    pid_t pid = fork();
    while (pid == 0)
        pause();
    *shared = pid;
    return 5;
}

CHILD_TEST(a_grandchild_does_not_make_the_parent_wait)
{
    hem_child c;
    check_int(
        hem_fork(&c, leave_grandchild, NULL, OPTIONS(.ready_by_child = 1)),
        HEM_EEXITED);
    check_str(hem_failure()->message,
              "the child exited with code 5 before it was ready");
    check_int(kill(*shared, SIGKILL), 0);
    waitpid(*shared, NULL, 0); /* ours, if this is pid 1 */
    return 0;
}

CHILD_TEST(where_others_reap_it_is_not_known_why_it_was_not_ready)
{
    int code = 0;
    signal(SIGCHLD, SIG_IGN);
    check_fails(forked_return, &code, OPTIONS(.ready_by_child = 1), HEM_ECHILD);
    signal(SIGCHLD, SIG_DFL);
    return 0;
}

/* In real time, which here is not waited for. */
static int fork_in_time(void *arg)
{
    (void)arg;
    hem_child c;
    check_fails(forked_linger, NULL,
                OPTIONS(.ready_by_child = 1, .timeout = HEM_MSEC),
                HEM_ETIMEDOUT);
    check_str(hem_failure()->message, "the child was not ready in time");
    check_fails(forked_linger, NULL,
                OPTIONS(.ready_by_child = 1, .timeout = -1), HEM_ETIMEDOUT);
    HEM_TRY(hem_fork(&c, forked_linger, NULL, OPTIONS(.timeout = HEM_NEVER)));
    hem_child_close(&c);
    HEM_TRY(
        hem_fork(&c, forked_linger, NULL, OPTIONS(.timeout = 3600 * HEM_SEC)));
    hem_child_close(&c);
    return 0;
}

static int run_monotonic(hem_fn *fn, void *arg)
{
    return hem_run(fn, arg, NULL);
}

static void a_child_that_is_not_ready_in_time_is_killed(void **state)
{
    (void)state;
    forked_each_way(run_monotonic, fork_in_time);
    run_assert_checks();
}

/* Cancelled. */

static int be_unready(void *arg)
{
    *shared = 1;
    return forked_linger(arg);
}

static int fork_unready(void *arg)
{
    check_fails(be_unready, arg, OPTIONS(.ready_by_child = 1), HEM_ECANCELED);
    return HEM_ECANCELED;
}

CHILD_TEST(a_cancelled_fork_kills_its_child)
{
    hem_task *t;
    *shared = 0;
    HEM_TRY(hem_spawn(&t, fork_unready, NULL));
    while (!*shared || strcmp(hem_task_waits_for(t), "fork") != 0)
        HEM_TRY(hem_yield());
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    return 0;
}

/* Two at once: the one that fails is told from the one that is ready. */

static int fork_failing(void *arg)
{
    hem_child c;
    return hem_fork(&c, forked_return, arg, OPTIONS(.ready_by_child = 1));
}

static int fork_ready_one(void *arg)
{
    return hem_fork(arg, prepare_and_say, NULL, OPTIONS(.ready_by_child = 1));
}

CHILD_TEST(forks_at_once_have_channels_of_their_own)
{
    int code = 2;
    hem_child c[3];
    hem_task *ready[3], *failing[3];
    for (int i = 0; i < 3; i++) {
        HEM_TRY(hem_spawn(&ready[i], fork_ready_one, &c[i]));
        HEM_TRY(hem_spawn(&failing[i], fork_failing, &code));
    }
    for (int i = 0; i < 3; i++) {
        check_int(hem_await(ready[i]), 0);
        check_int(hem_await(failing[i]), HEM_EEXITED);
    }
    for (int i = 0; i < 3; i++)
        hem_child_close(&c[i]);
    return 0;
}

/* The parent dies while it waits. */

static int orphan_said[2], parent_lives[2];

static int say_to_nobody(void *arg)
{
    char byte = 0;
    (void)arg;
    close(parent_lives[1]);
    check_int(write(orphan_said[1], "r", 1), 1);
    check_int(read(parent_lives[0], &byte, 1), 0); /* until it is dead */
    byte = hem_fork_ready() == HEM_EPIPE ? 'y' : 'n';
    check_int(write(orphan_said[1], &byte, 1), 1);
    return 0;
}

static int fork_orphan(void *arg)
{
    hem_child c;
    return hem_fork(&c, say_to_nobody, arg, OPTIONS(.ready_by_child = 1));
}

static void an_orphan_hears_that_nobody_waits(void **state)
{
    (void)state;
    char said[2] = "";
    assert_int_equal(pipe(orphan_said), 0);
    assert_int_equal(pipe(parent_lives), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(hem_run(fork_orphan, NULL, NULL) < 0);
    close(parent_lives[0]);
    close(parent_lives[1]);
    close(orphan_said[1]);
    assert_int_equal(read(orphan_said[0], &said[0], 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(read(orphan_said[0], &said[1], 1), 1);
    assert_memory_equal(said, "ry", 2);
    close(orphan_said[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        READY_TEST(the_fork_returns_while_the_function_goes_on),
        READY_TEST(the_child_itself_may_say_when_it_is_ready),
        READY_TEST(one_that_was_ready_may_have_ended),
        READY_TEST(only_who_was_asked_to_says_that_it_is_ready),
        READY_TEST(the_init_runs_in_the_child_before_the_function),
        READY_TEST(an_error_of_the_init_is_that_of_the_fork),
        READY_TEST(the_function_may_be_the_main_task_of_a_loop_of_its_own),
        READY_TEST(one_that_returns_before_it_is_ready_is_a_failure),
        READY_TEST(one_that_is_killed_before_it_is_ready_is_a_failure),
        READY_TEST(another_program_will_not_be_ready),
        READY_TEST(a_grandchild_does_not_make_the_parent_wait),
        READY_TEST(where_others_reap_it_is_not_known_why_it_was_not_ready),
        READY_TEST(a_child_that_is_not_ready_in_time_is_killed),
        READY_TEST(a_cancelled_fork_kills_its_child),
        READY_TEST(forks_at_once_have_channels_of_their_own),
        READY_TEST(an_orphan_hears_that_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

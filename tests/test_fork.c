/* SPDX-License-Identifier: MIT */
/* hem_fork(): where and how the child runs, cancellation, failures. */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "forked.h"
#include "support.h"

#define NOBODY 65534

VIRTUAL_TEST(the_result_of_the_function_is_the_exit_code)
{
    static const int cases[][2] = {{0, 0},   {7, 7},          {255, 255},
                                   {256, 1}, {HEM_EINVAL, 1}, {-1, 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int result = cases[i][0];
        hem_child_status status = forked_status(forked_return, &result);
        check_int(status.exit_code, cases[i][1]);
        check_int(status.signal, 0);
        check(!status.core);
    }
    return 0;
}

static int fork_failing(void *arg)
{
    (void)arg;
    int result = HEM_EADDRINUSE;
    hem_child c;
    HEM_TRY(hem_fork(&c, forked_return, &result, NULL));
    int pid = (int)hem_child_pid(&c);
    HEM_TRY(hem_child_wait(&c, NULL));
    hem_child_close(&c);
    return fprintf(stderr, "(pid %d)\n", pid) < 0;
}

static int run_failing(void *arg)
{
    return hem_run(fork_failing, arg, NULL);
}

static void an_error_of_the_function_is_logged_by_name(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_failing, NULL, &e);
    int pid = 0;
    check_int(sscanf(e.text, "hem: error: child (pid %d)", &pid), 1);
    char want[200];
    snprintf(want, sizeof(want),
             "hem: error: child (pid %d) failed: HEM_EADDRINUSE: %s\n"
             "(pid %d)\n",
             pid, hem_strerror(HEM_EADDRINUSE), pid);
    check_str(e.text, want);
}

/* Where and how the child runs. */

static bool on_thread_stack(const char *p)
{
    pthread_attr_t attr;
    void *bottom;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return false;
    pthread_attr_getstack(&attr, &bottom, &size);
    pthread_attr_destroy(&attr);
    return p >= (char *)bottom && p < (char *)bottom + size;
}

static int look_round(void *arg)
{
    (void)arg;
    char here = 0;
    check(hem_loop_current() == NULL);
    check(hem_self() == NULL);
    check(on_thread_stack(&here));
    check_int(ledger_threads(), 1);
    return forked_verdict();
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

VIRTUAL_TEST(the_child_has_no_loop_and_the_stack_of_the_only_thread)
{
    /* Sanitizers have a thread of their own from the first one on, and valgrind
     * misses those of the parent. */
    if (!SANITIZED && !in_valgrind())
        check_int(hem_thread_call(do_nothing, NULL, NULL), 0);
    check_int(forked_status(look_round, NULL).exit_code, 0);
    return 0;
}

static int look_at_signals(void *arg)
{
    (void)arg;
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    check(sigisemptyset(&now));
    for (int signo = 1; signo <= 64; signo++) {
        struct sigaction sa;
        if (sigaction(signo, NULL, &sa) == 0)
            check(sa.sa_handler == SIG_DFL);
    }
    return forked_verdict();
}

static int fork_look_at_signals(void *arg)
{
    (void)arg;
    hem_signal sig;
    HEM_TRY(hem_signal_open(&sig, (int[]){SIGTERM, SIGHUP, 0}));
    check_int(forked_status(look_at_signals, NULL).exit_code, 0);
    hem_signal_close(&sig);
    return forked_verdict();
}

static void on_signal(int signo)
{
    (void)signo;
}

static int set_signals_and_fork(void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, on_signal);
    signal(SIGPIPE, SIG_IGN);
    int rc = hem_run(fork_look_at_signals, arg, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    check(sigismember(&set, SIGUSR2));
    check(!sigismember(&set, SIGTERM));
    return rc < 0 ? 1 : forked_verdict();
}

static void signals_of_the_child_are_unblocked_and_default(void **state)
{
    (void)state;
    forked_apart(set_signals_and_fork, NULL);
}

static int count_descriptors(void *arg)
{
    check_int(ledger_descriptors(), *(size_t *)arg);
    return forked_verdict();
}

static int wait_signal(void *arg)
{
    check_int(hem_signal_wait(arg), HEM_EBADF);
    return 0;
}

static int fork_count(void *arg)
{
    hem_child sibling; /* nobody waits for it */
    hem_signal sig;
    hem_task *waiter;
    HEM_TRY(hem_fork(&sibling, forked_linger, NULL, NULL));
    HEM_TRY(hem_signal_open(&sig, (int[]){SIGUSR1, 0}));
    HEM_TRY(hem_spawn(&waiter, wait_signal, &sig));
    while (strcmp(hem_task_waits_for(waiter), "signal") != 0)
        HEM_TRY(hem_yield());
    check_int(forked_status(count_descriptors, arg).exit_code, 0);
    hem_signal_close(&sig);
    hem_child_close(&sibling);
    return hem_await(waiter);
}

static void the_child_has_no_descriptor_of_the_loop(void **state)
{
    (void)state;
    size_t count = ledger_descriptors();
    check_int(run_virtual(fork_count, &count), 0);
}

/* A fork of the program's own, on a thread that runs no loop. */
static int fork_on_thread(void *arg)
{
    size_t *counts = arg;
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        check(hem_loop_current() == NULL);
        check_int(ledger_descriptors(), counts[0]);
        check_int(hem_run(do_nothing, NULL, NULL), 0);
        _exit(forked_verdict());
    }
    waitpid(pid, &status, 0);
    counts[1]++;
    return status;
}

static int call_fork_on_thread(void *arg)
{
    hem_signal sig;
    HEM_TRY(hem_signal_open(&sig, (int[]){SIGUSR1, 0}));
    check_int(hem_thread_call(fork_on_thread, arg, NULL), 0);
    hem_signal_close(&sig);
    return 0;
}

static void the_child_of_another_thread_has_none_either(void **state)
{
    (void)state;
    if (in_valgrind())
        skip(); /* it misses the threads of the parent */
    size_t counts[2] = {ledger_descriptors(), 0};
    check_int(hem_run(call_fork_on_thread, counts, NULL), 0);
    check_int(counts[1], 1);
    run_assert_checks();
}

static int fork_seven(void *arg)
{
    (void)arg;
    int seven = 7;
    check_int(hem_sleep(HEM_NSEC), 0);
    check_int(forked_status(forked_return, &seven).exit_code, 7);
    return 0;
}

static int run_loops(void *arg)
{
    check_int(hem_run(fork_seven, arg, NULL), 0);
    check_int(hem_run(fork_seven, arg, NULL), 0);
    return forked_verdict();
}

VIRTUAL_TEST(the_child_can_run_loops_that_fork)
{
    check_int(forked_status(run_loops, NULL).exit_code, 0);
    return 0;
}

static int interrupted(void *arg)
{
    (void)arg;
    raise(SIGINT);
    return hem_sleep(HEM_NEVER);
}

static int run_interrupted(void *arg)
{
    check_int(hem_run(interrupted, arg, NULL), HEM_EINTR);
    return forked_verdict();
}

VIRTUAL_TEST(ctrl_c_works_in_a_loop_of_the_child)
{
    if (!SANITIZED) /* tsan keeps signals back in a child of tasks */
        check_int(forked_status(run_interrupted, NULL).exit_code, 0);
    return 0;
}

static bool overflow_is_watched(void)
{
    struct sigaction sa;
    stack_t alternate;
    sigaction(SIGSEGV, NULL, &sa);
    sigaltstack(NULL, &alternate);
    return (sa.sa_flags & SA_ONSTACK) && !(alternate.ss_flags & SS_DISABLE);
}

static int check_watched(void *arg)
{
    (void)arg;
    check(overflow_is_watched());
    return 0;
}

static int run_check_watched(void *arg)
{
    check(!overflow_is_watched());
    check_int(hem_run(check_watched, arg, NULL), 0);
    return forked_verdict();
}

VIRTUAL_TEST(overflow_is_watched_for_in_a_loop_of_the_child)
{
    if (!SANITIZED)
        check_int(forked_status(run_check_watched, NULL).exit_code, 0);
    return 0;
}

static int print_child(void *arg)
{
    (void)arg;
    return fputs("child ", stdout) < 0;
}

static int fork_print(void *arg)
{
    fputs("parent ", stdout);
    return forked_status(print_child, arg).exit_code;
}

static int print_to_pipe(void *arg)
{
    int fds[2];
    char text[64] = "";
    static char buffer[BUFSIZ];
    if (pipe(fds) < 0 || dup2(fds[1], STDOUT_FILENO) < 0)
        return 1;
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    check_int(hem_run(fork_print, arg, NULL), 0);
    fflush(stdout);
    check(read(fds[0], text, sizeof(text) - 1) > 0);
    check_str(text, "parent child ");
    return forked_verdict();
}

static void output_of_parent_and_child_is_written_once(void **state)
{
    (void)state;
    forked_apart(print_to_pipe, NULL);
}

/* Cancellation. */

static int fork_cancelled(void *arg)
{
    (void)arg;
    hem_child c;
    hem_task_cancel(hem_self(), "no");
    check_int(hem_fork(&c, forked_linger, NULL, NULL), HEM_ECANCELED);
    check(!forked_any());
    check_str(hem_task_reason(hem_self()), "no");
    return 0;
}

VIRTUAL_TEST(a_cancelled_task_does_not_fork)
{
    hem_task *t;
    check_int(hem_spawn(&t, fork_cancelled, NULL), 0);
    check_int(hem_await(t), 0);
    return 0;
}

struct race {
    hem_task *forker;
    hem_callback callback;
    bool forked;
};

static int fork_in_race(void *arg)
{
    struct race *r = arg;
    hem_child c;
    int rc = hem_fork(&c, forked_linger, NULL, NULL);
    r->forked = rc == 0;
    if (rc == 0) {
        check_int(hem_child_wait(&c, NULL), HEM_ECANCELED);
        hem_child_close(&c);
    }
    check_str(hem_task_reason(hem_self()), "stop");
    check(!forked_any());
    return HEM_ECANCELED;
}

static void cancel_forker(void *arg)
{
    struct race *r = arg;
    hem_task_cancel(r->forker, "stop");
}

static int cancel_now(void *arg)
{
    cancel_forker(arg);
    return 0;
}

static int cancel_behind_the_fork(void *arg)
{
    struct race *r = arg;
    hem_callback_init(&r->callback, cancel_forker, r);
    return hem_call_soon(&r->callback);
}

/* In any order it may come to a fork or not, but never to a lost child. */
static bool run_race(hem_fn *cancel)
{
    struct race r = {0};
    HEM_SCOPE(s);
    check_int(hem_scope_spawn(&s, &r.forker, fork_in_race, &r), 0);
    check_int(hem_scope_spawn(&s, NULL, cancel, &r), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return r.forked;
}

VIRTUAL_TEST(a_request_to_cancel_in_any_order_loses_no_child)
{
    run_race(cancel_now);
    run_race(cancel_behind_the_fork);
    return 0;
}

FIFO_TEST(a_request_to_cancel_before_the_fork_calls_it_off)
{
    check(!run_race(cancel_now));
    return 0;
}

FIFO_TEST(a_request_to_cancel_after_the_fork_kills_the_child)
{
    check(!run_race(cancel_behind_the_fork));
    return 0;
}

/* Failures, and mistakes. */

static int fork_without_descriptors(void *arg)
{
    (void)arg;
    hem_child c;
    struct rlimit limit;
    int lowest = dup(STDERR_FILENO);
    close(lowest);
    check_int(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)lowest;
    check_int(setrlimit(RLIMIT_NOFILE, &limit), 0);
    check_int(hem_fork(&c, forked_linger, NULL, NULL), HEM_EMFILE);
    check(!forked_any());
    return forked_verdict();
}

static int run_without_descriptors(void *arg)
{
    return hem_run(fork_without_descriptors, arg, NULL);
}

static void a_child_without_a_pidfd_is_ended(void **state)
{
    (void)state;
    forked_apart(run_without_descriptors, NULL);
}

static int fork_refused(void *arg)
{
    (void)arg;
    hem_child c;
    check_int(hem_fork(&c, forked_linger, NULL, NULL), HEM_EAGAIN);
    check(!forked_any());
    return forked_verdict();
}

static int run_refused(void *arg)
{
    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return 0; /* nobody else is here, and nothing is refused to root */
    check_int(setrlimit(RLIMIT_NPROC, &(struct rlimit){0}), 0);
    return hem_run(fork_refused, arg, NULL);
}

static void a_fork_that_the_system_refuses_says_so(void **state)
{
    (void)state;
    forked_apart(run_refused, NULL);
}

static int fork_outside(void *arg)
{
    hem_child c;
    return hem_fork(&c, forked_linger, arg, NULL);
}

static void fork_in_callback(void *arg)
{
    (void)!fork_outside(arg);
}

static int call_fork_in_callback(void *arg)
{
    hem_callback cb;
    hem_callback_init(&cb, fork_in_callback, arg);
    HEM_TRY(hem_call_soon(&cb));
    return hem_sleep(HEM_NEVER);
}

static int run_fork_in_callback(void *arg)
{
    return hem_run(call_fork_in_callback, arg, NULL);
}

static void to_fork_takes_a_task(void **state)
{
    (void)state;
    check_aborts(fork_outside, NULL, "hem_fork: ");
    check_aborts(run_fork_in_callback, NULL, "hem_fork: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_result_of_the_function_is_the_exit_code),
        LEDGER_TEST(an_error_of_the_function_is_logged_by_name),
        LEDGER_TEST(the_child_has_no_loop_and_the_stack_of_the_only_thread),
        LEDGER_TEST(signals_of_the_child_are_unblocked_and_default),
        LEDGER_TEST(the_child_has_no_descriptor_of_the_loop),
        LEDGER_TEST(the_child_of_another_thread_has_none_either),
        LEDGER_TEST(the_child_can_run_loops_that_fork),
        LEDGER_TEST(ctrl_c_works_in_a_loop_of_the_child),
        LEDGER_TEST(overflow_is_watched_for_in_a_loop_of_the_child),
        LEDGER_TEST(output_of_parent_and_child_is_written_once),
        LEDGER_TEST(a_cancelled_task_does_not_fork),
        LEDGER_TEST(a_request_to_cancel_in_any_order_loses_no_child),
        LEDGER_TEST(a_request_to_cancel_before_the_fork_calls_it_off),
        LEDGER_TEST(a_request_to_cancel_after_the_fork_kills_the_child),
        LEDGER_TEST(a_child_without_a_pidfd_is_ended),
        LEDGER_TEST(a_fork_that_the_system_refuses_says_so),
        LEDGER_TEST(to_fork_takes_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

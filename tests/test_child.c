/* SPDX-License-Identifier: MIT */
/* Child processes by fork. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NOBODY  65534
#define SKIPPED 77

/* Run fn(arg) in a process of its own, for what cannot be undone; 0 and
 * nothing on standard error is what it should come to. */
static void run_apart(int (*fn)(void *arg), void *arg)
{
    struct ending e;
    process_run(fn, arg, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_str(e.text, "");
}

static bool has_children(void)
{
    return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
}

/* The exit code of a child that has made checks. */
static int verdict(void)
{
    return check_failures_take() ? 1 : 0;
}

static int return_it(void *arg)
{
    return *(int *)arg;
}

static int linger(void *arg)
{
    (void)arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pause() < 0)
        continue;
    return 0;
}

struct work {
    hem_fn *fn;
    void *arg;
};

/* Work that does not outlive the test, should it hang. */
static int run_work(void *arg)
{
    const struct work *work = arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return work->fn(work->arg);
}

/* How a child that runs fn(arg) ends. */
static hem_child_status status_of(hem_fn *fn, void *arg)
{
    hem_child_status status = {.exit_code = -2};
    struct work work = {fn, arg};
    hem_child c;
    if (check_int(hem_fork(&c, run_work, &work), 0)) {
        check_int(hem_child_wait(&c, &status), 0);
        hem_child_close(&c);
    }
    return status;
}

VIRTUAL_TEST(the_result_of_the_function_is_the_exit_code)
{
    static const int cases[][2] = {{0, 0},   {7, 7},          {255, 255},
                                   {256, 1}, {HEM_EINVAL, 1}, {-1, 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int result = cases[i][0];
        hem_child_status status = status_of(return_it, &result);
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
    HEM_TRY(hem_fork(&c, return_it, &result));
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
    return verdict();
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

VIRTUAL_TEST(the_child_has_no_loop_and_the_stack_of_the_only_thread)
{
    if (!SANITIZED) /* which has a thread of its own from the first one on */
        check_int(hem_thread_call(do_nothing, NULL, NULL), 0);
    check_int(status_of(look_round, NULL).exit_code, 0);
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
    return verdict();
}

static int fork_look_at_signals(void *arg)
{
    (void)arg;
    hem_signal sig;
    HEM_TRY(hem_signal_open(&sig, (int[]){SIGTERM, SIGHUP, 0}));
    check_int(status_of(look_at_signals, NULL).exit_code, 0);
    hem_signal_close(&sig);
    return verdict();
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
    return rc < 0 ? 1 : verdict();
}

static void signals_of_the_child_are_unblocked_and_default(void **state)
{
    (void)state;
    run_apart(set_signals_and_fork, NULL);
}

static int count_descriptors(void *arg)
{
    check_int(ledger_descriptors(), *(size_t *)arg);
    return verdict();
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
    HEM_TRY(hem_fork(&sibling, linger, NULL));
    HEM_TRY(hem_signal_open(&sig, (int[]){SIGUSR1, 0}));
    HEM_TRY(hem_spawn(&waiter, wait_signal, &sig));
    while (strcmp(hem_task_waits_for(waiter), "read") != 0)
        HEM_TRY(hem_yield());
    check_int(status_of(count_descriptors, arg).exit_code, 0);
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

static int fork_seven(void *arg)
{
    (void)arg;
    int seven = 7;
    check_int(hem_sleep(HEM_NSEC), 0);
    check_int(status_of(return_it, &seven).exit_code, 7);
    return 0;
}

static int run_loops(void *arg)
{
    check_int(hem_run(fork_seven, arg, NULL), 0);
    check_int(hem_run(fork_seven, arg, NULL), 0);
    return verdict();
}

VIRTUAL_TEST(the_child_can_run_loops_that_fork)
{
    check_int(status_of(run_loops, NULL).exit_code, 0);
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
    return verdict();
}

VIRTUAL_TEST(ctrl_c_works_in_a_loop_of_the_child)
{
    if (!SANITIZED) /* tsan keeps signals back in a child of tasks */
        check_int(status_of(run_interrupted, NULL).exit_code, 0);
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
    return verdict();
}

VIRTUAL_TEST(overflow_is_watched_for_in_a_loop_of_the_child)
{
    if (!SANITIZED)
        check_int(status_of(run_check_watched, NULL).exit_code, 0);
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
    return status_of(print_child, arg).exit_code;
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
    return verdict();
}

static void output_of_parent_and_child_is_written_once(void **state)
{
    (void)state;
    run_apart(print_to_pipe, NULL);
}

/* Signals, and ends. */

VIRTUAL_TEST(a_child_that_a_signal_kills_has_no_exit_code)
{
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, linger, NULL));
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
    HEM_TRY(hem_fork(&c, return_it, &code));
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
    HEM_TRY(hem_fork(&c, linger, NULL));
    check_int(hem_child_send_signal(&c, -1), HEM_EINVAL);
    check_int(hem_child_send_signal(&c, 65), HEM_EINVAL);
    check_int(hem_child_send_signal(&c, 64), 0);
    hem_child_close(&c);
    return 0;
}

VIRTUAL_TEST(close_kills_and_reaps_a_running_child)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, linger, NULL));
    pid_t pid = hem_child_pid(&c);
    hem_child_close(&c);
    check_int(kill(pid, 0), -1);
    check_int(errno, ESRCH);
    check(!has_children());
    return 0;
}

VIRTUAL_TEST(a_closed_child_is_of_no_use)
{
    int code = 0;
    hem_child never = {0};
    hem_child c;
    HEM_TRY(hem_fork(&c, return_it, &code));
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
    HEM_TRY(hem_fork(&c, return_it, &code));
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
    return verdict();
}

VIRTUAL_TEST(an_inherited_handle_is_of_no_use)
{
    hem_child sibling;
    hem_child_status status;
    HEM_TRY(hem_fork(&sibling, linger, NULL));
    check_int(status_of(run_use_inherited, &sibling).exit_code, 0);
    check_int(hem_child_send_signal(&sibling, SIGUSR1), 0);
    check_int(hem_child_wait(&sibling, &status), 0);
    check_int(status.signal, SIGUSR1);
    hem_child_close(&sibling);
    return 0;
}

/* Several tasks, and cancellation. */

static int wait_for(void *arg)
{
    return hem_child_wait(arg, NULL);
}

/* Fork a child that lingers, and spawn a task that is parked waiting for it. */
static int fork_and_wait(hem_child *c, hem_task **ret)
{
    HEM_TRY(hem_fork(c, linger, NULL));
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

static int fork_cancelled(void *arg)
{
    (void)arg;
    hem_child c;
    hem_task_cancel(hem_self(), "no");
    check_int(hem_fork(&c, linger, NULL), HEM_ECANCELED);
    check(!has_children());
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
    int rc = hem_fork(&c, linger, NULL);
    r->forked = rc == 0;
    if (rc == 0) {
        check_int(hem_child_wait(&c, NULL), HEM_ECANCELED);
        hem_child_close(&c);
    }
    check_str(hem_task_reason(hem_self()), "stop");
    check(!has_children());
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

FIFO_TEST(a_request_to_cancel_after_the_fork_reaches_the_next_wait)
{
    check(run_race(cancel_behind_the_fork));
    return 0;
}

static int wait_within_an_hour(void *arg)
{
    int code = 3;
    hem_timeout t;
    (void)arg;
    HEM_TRY(hem_timeout_open(&t, 3600 * HEM_SEC));
    check_int(status_of(return_it, &code).exit_code, 3);
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
    check_int(hem_fork(&c, linger, NULL), HEM_EMFILE);
    check(!has_children());
    return verdict();
}

static int run_without_descriptors(void *arg)
{
    return hem_run(fork_without_descriptors, arg, NULL);
}

static void a_child_without_a_pidfd_is_ended(void **state)
{
    (void)state;
    run_apart(run_without_descriptors, NULL);
}

static int fork_refused(void *arg)
{
    (void)arg;
    hem_child c;
    check_int(hem_fork(&c, linger, NULL), HEM_EAGAIN);
    check(!has_children());
    return verdict();
}

static int run_refused(void *arg)
{
    if (geteuid() == 0)
        check_int(setresuid(NOBODY, NOBODY, NOBODY), 0);
    check_int(setrlimit(RLIMIT_NPROC, &(struct rlimit){0}), 0);
    return hem_run(fork_refused, arg, NULL);
}

static void a_fork_that_the_system_refuses_says_so(void **state)
{
    (void)state;
    run_apart(run_refused, NULL);
}

static int fork_outside(void *arg)
{
    hem_child c;
    return hem_fork(&c, linger, arg);
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
    if (syscall(SYS_pidfd_open, getpid(), 0U) < 0 && errno == ENOSYS)
        return SKIPPED; /* valgrind before 3.20 */
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_result_of_the_function_is_the_exit_code),
        LEDGER_TEST(an_error_of_the_function_is_logged_by_name),
        LEDGER_TEST(the_child_has_no_loop_and_the_stack_of_the_only_thread),
        LEDGER_TEST(signals_of_the_child_are_unblocked_and_default),
        LEDGER_TEST(the_child_has_no_descriptor_of_the_loop),
        LEDGER_TEST(the_child_can_run_loops_that_fork),
        LEDGER_TEST(ctrl_c_works_in_a_loop_of_the_child),
        LEDGER_TEST(overflow_is_watched_for_in_a_loop_of_the_child),
        LEDGER_TEST(output_of_parent_and_child_is_written_once),
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
        LEDGER_TEST(a_cancelled_task_does_not_fork),
        LEDGER_TEST(a_request_to_cancel_in_any_order_loses_no_child),
        LEDGER_TEST(a_request_to_cancel_before_the_fork_calls_it_off),
        LEDGER_TEST(a_request_to_cancel_after_the_fork_reaches_the_next_wait),
        LEDGER_TEST(virtual_time_does_not_overtake_a_child),
        LEDGER_TEST(a_child_without_a_pidfd_is_ended),
        LEDGER_TEST(a_fork_that_the_system_refuses_says_so),
        LEDGER_TEST(to_fork_takes_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Prefork servers: failures, options, and what is left behind. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "forked.h"
#include "server.h"
#include "support.h"

/* Start a server of lasting workers; when they are ready, send `signo` to
 * number 1. */
static void signal_one(struct server *s, struct ending *ret, int signo)
{
    struct process process;
    s->worker = worker_until_stopped;
    server_init(s);
    process_start(&process, server_run, s);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(s->shared->pids[1], signo), 0);
    server_check_end(&process, ret);
    check_int(s->shared->signals[0], SIGTERM);
    check_int(s->shared->signals[1], 0);
    check_int(s->shared->signals[2], SIGTERM);
}

static void a_killed_worker_ends_the_server_with_its_signal(void **state)
{
    (void)state;
    struct server s = {.expected = HEM_ESIGNALED};
    struct ending e;
    char want[100];
    signal_one(&s, &e, SIGKILL);
    snprintf(want, sizeof(want),
             "hem: error: worker 1 (pid %d) failed in body: "
             "killed by SIGKILL\n",
             (int)s.shared->pids[1]);
    check_str(e.text, want);
    server_deinit(&s);
}

static void a_signal_without_a_name_is_told_by_number(void **state)
{
    (void)state;
    struct server s = {.expected = HEM_ESIGNALED};
    struct ending e;
    signal_one(&s, &e, 40);
    check_contains(e.text, "killed by signal 40\n");
    server_deinit(&s);
}

static int exit_or_serve(hem_worker *w, void *arg)
{
    if (hem_worker_index(w) == 1) {
        worker_pass_gate(arg); /* until the others listen */
        _exit(3);
    }
    return worker_until_stopped(w, arg);
}

static void a_worker_that_exits_with_a_failure_ends_the_server(void **state)
{
    (void)state;
    struct server s = {.worker = exit_or_serve,
                       .options = {.name = "http"},
                       .expected = HEM_EEXITED};
    struct process process;
    struct ending e;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS - 1);
    server_open_gate(&s);
    server_check_end(&process, &e);
    check_contains(e.text, "hem: error: http 1 (pid ");
    check_contains(e.text, ": exited with status 3\n");
    check_int(s.shared->signals[0], SIGTERM);
    check_int(s.shared->signals[2], SIGTERM);
    server_deinit(&s);
}

static int exit_or_be_killed(hem_worker *w, void *arg)
{
    if (exit_or_serve(w, arg) == 0)
        raise(SIGKILL);
    return 0;
}

static void the_first_failure_is_the_result(void **state)
{
    (void)state;
    struct server s = {.worker = exit_or_be_killed, .expected = HEM_EEXITED};
    struct process process;
    struct ending e;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS - 1);
    server_open_gate(&s);
    server_check_end(&process, &e);
    check_contains(e.text, "worker 0 (pid ");
    check_contains(e.text, "worker 1 (pid ");
    check_contains(e.text, "worker 2 (pid ");
    server_deinit(&s);
}

/* Run a server of `count` workers whose end needs nothing from here. */
static void run_server(hem_worker_fn *worker, uint32_t count, int expected,
                       struct ending *ret)
{
    struct server s = {.worker = worker,
                       .options = {.num_workers = count},
                       .expected = expected};
    struct process process;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_check_end(&process, ret);
    server_deinit(&s);
}

static int fail_to_bind(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return HEM_EADDRINUSE;
}

static void an_error_of_a_worker_is_logged_by_name(void **state)
{
    (void)state;
    struct ending e;
    run_server(fail_to_bind, 1, HEM_EADDRINUSE, &e);
    check_contains(e.text, "worker 0 (pid ");
    check_contains(e.text, ") failed in set up: HEM_EADDRINUSE: ");
}

static int fail_when_stopped(hem_worker *w, void *arg)
{
    (void)arg;
    process_say('r');
    return hem_worker_wait(w) == SIGTERM ? HEM_EIO : 0;
}

static void a_worker_that_fails_while_it_stops_is_a_failure(void **state)
{
    (void)state;
    struct server s = {.worker = fail_when_stopped, .expected = HEM_EIO};
    struct process process;
    struct ending e;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(process.pid, SIGTERM), 0);
    server_check_end(&process, &e);
    check_contains(e.text, "failed in tear down: HEM_EIO: ");
    server_deinit(&s);
}

static int succeed(hem_worker *w, void *arg)
{
    (void)arg;
    return (int)hem_worker_index(w);
}

static void a_server_whose_workers_all_return_ends(void **state)
{
    (void)state;
    struct ending e;
    run_server(succeed, WORKERS, 0, &e);
    check_str(e.text, "");
}

static int sleep_an_hour(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    check_int(hem_sleep(3600 * HEM_SEC), 0);
    check_int(hem_now(), 3600 * HEM_SEC);
    check_str(hem_task_name(hem_self()), "worker 0");
    return worker_verdict();
}

static int serve_in_virtual_time(void *arg)
{
    hem_virtual_clock clock = {0};
    hem_run_options run = {.clock = &clock};
    hem_prefork_options opts = {.num_workers = 1, .run = &run};
    check_int(hem_prefork(sleep_an_hour, arg, &opts), 0);
    return forked_verdict();
}

/* Run fn, which makes its own server, in a process. */
static void run_apart(int (*fn)(void *arg), struct ending *ret)
{
    process_run(fn, NULL, ret);
    check_int(ret->signo, 0);
    if (!check_int(ret->status, 0))
        print_error("%s", ret->text);
}

static void the_loops_of_workers_take_the_run_options(void **state)
{
    (void)state;
    struct ending e;
    run_apart(serve_in_virtual_time, &e);
    check_str(e.text, "");
}

static int say_index(hem_worker *w, void *arg)
{
    (void)arg;
    process_say((char)('0' + hem_worker_index(w)));
    return 0;
}

static int serve_on_one_cpu(void *arg)
{
    cpu_set_t all, one;
    check_int(sched_getaffinity(0, sizeof(all), &all), 0);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    check_int(sched_setaffinity(0, sizeof(one), &one), 0);
    check_int(hem_prefork(say_index, arg, NULL), 0);
    return forked_verdict();
}

static void there_is_a_worker_for_each_cpu_by_default(void **state)
{
    (void)state;
    struct process process;
    char byte = '?';
    process_start(&process, serve_on_one_cpu, NULL);
    check(process_hear(&process, &byte));
    check_int(byte, '0');
    check(!process_hear(&process, &byte));
    server_check_silent_end(&process);
}

/* What hem_prefork() leaves, and how it fails. */

static void on_signal(int signo)
{
    (void)signo;
}

static int serve_with_signals(void *arg)
{
    sigset_t before, after;
    struct sigaction action;
    sigemptyset(&before);
    sigaddset(&before, SIGTERM);
    sigaddset(&before, SIGUSR1);
    signal(SIGINT, on_signal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    raise(SIGTERM); /* pending from the beginning */
    hem_prefork_options opts = {.num_workers = 2, .grace = HEM_NEVER};
    check_int(hem_prefork(worker_until_stopped, arg, &opts), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signo = 1; signo < NSIG; signo++)
        check_int(sigismember(&after, signo), sigismember(&before, signo));
    sigaction(SIGINT, NULL, &action);
    check(action.sa_handler == on_signal);
    return forked_verdict();
}

static void mask_and_actions_of_signals_are_as_before(void **state)
{
    (void)state;
    struct server s = {0};
    struct process process;
    server_init(&s);
    process_start(&process, serve_with_signals, &s);
    server_check_silent_end(&process);
    server_deinit(&s);
}

/* Let the process open `more` descriptors. */
static void limit_descriptors(size_t more)
{
    int fds[8];
    for (size_t i = 0; i <= more; i++)
        fds[i] = dup(STDERR_FILENO);
    struct rlimit limit;
    check_int(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)fds[more];
    for (size_t i = 0; i <= more; i++)
        close(fds[i]);
    check_int(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int serve_with_descriptors(void *arg)
{
    struct server *s = arg;
    server_open_gate(s);
    limit_descriptors(6); /* epoll, eventfd, signalfd and for one worker */
    return server_run(s);
}

static void a_worker_that_cannot_be_started_stops_the_others(void **state)
{
    (void)state;
    struct server s = {.worker = worker_until_stopped, .expected = HEM_EMFILE};
    struct process process;
    struct ending e;
    server_init(&s);
    process_start(&process, serve_with_descriptors, &s);
    server_check_end(&process, &e);
    check_contains(e.text, " failed in start: HEM_EMFILE: ");
    int stopped = 0; /* one, or more if it had ended by then */
    for (int i = 0; i < WORKERS; i++)
        stopped += s.shared->signals[i] == SIGTERM;
    check(stopped > 0);
    server_deinit(&s);
}

static int serve_without_descriptors(void *arg)
{
    for (size_t more = 3; more-- > 0;) {
        limit_descriptors(more);
        check_int(hem_prefork(say_index, arg, NULL), HEM_EMFILE);
    }
    return forked_verdict();
}

static void a_server_without_descriptors_does_not_start(void **state)
{
    (void)state;
    struct process process;
    char byte;
    process_start(&process, serve_without_descriptors, NULL);
    check(!process_hear(&process, &byte));
    server_check_silent_end(&process);
}

static void say_nothing(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)line;
}

static int serve_without_memory(void *arg)
{
    hem_prefork_options opts = {.num_workers = 1};
    int rc = HEM_ENOMEM;
    size_t n = 0;
    ledger_begin(arg);
    ledger_in_child();
    hem_log_set(say_nothing, NULL);
    while (rc < 0 && n < 1000) {
        size_t live = ledger_live();
        ledger_fail_from(++n);
        rc = hem_prefork(succeed, NULL, &opts);
        ledger_fail_from(0);
        check_int(ledger_live(), live);
        if (rc != HEM_EEXITED && rc != 0) /* the worker's memory, or ours */
            check_int(rc, HEM_ENOMEM);
    }
    check(n > 3);
    check_int(rc, 0);
    return forked_verdict();
}

static void a_server_without_memory_says_so(void **state)
{
    struct ending e;
    process_run(serve_without_memory, state, &e);
    if (!check_int(e.signo, 0) || !check_int(e.status, 0))
        print_error("%s", e.text);
}

VIRTUAL_TEST(a_loop_on_the_thread_refuses_a_server)
{
    check_int(hem_prefork(succeed, NULL, NULL), HEM_EREFUSED);
    return 0;
}

static void *serve_on_thread(void *arg)
{
    check_int(hem_prefork(succeed, arg, NULL), HEM_EREFUSED);
    return NULL;
}

static void another_thread_than_the_main_one_refuses_a_server(void **state)
{
    (void)state;
    pthread_t thread;
    check_int(pthread_create(&thread, NULL, serve_on_thread, NULL), 0);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_killed_worker_ends_the_server_with_its_signal),
        LEDGER_TEST(a_signal_without_a_name_is_told_by_number),
        LEDGER_TEST(a_worker_that_exits_with_a_failure_ends_the_server),
        LEDGER_TEST(the_first_failure_is_the_result),
        LEDGER_TEST(an_error_of_a_worker_is_logged_by_name),
        LEDGER_TEST(a_worker_that_fails_while_it_stops_is_a_failure),
        LEDGER_TEST(a_server_whose_workers_all_return_ends),
        LEDGER_TEST(the_loops_of_workers_take_the_run_options),
        LEDGER_TEST(there_is_a_worker_for_each_cpu_by_default),
        LEDGER_TEST(mask_and_actions_of_signals_are_as_before),
        LEDGER_TEST(a_worker_that_cannot_be_started_stops_the_others),
        LEDGER_TEST(a_server_without_descriptors_does_not_start),
        LEDGER_TEST(a_server_without_memory_says_so),
        LEDGER_TEST(a_loop_on_the_thread_refuses_a_server),
        LEDGER_TEST(another_thread_than_the_main_one_refuses_a_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Prefork servers: how they stop. */
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "forked.h"
#include "server.h"
#include "support.h"

static void check_stop(int signo)
{
    struct server s = {.worker = worker_until_stopped};
    struct process process;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(process.pid, signo), 0);
    server_check_silent_end(&process);
    server_check_signals(&s, signo);
    server_deinit(&s);
}

static void sigterm_stops_all_workers_and_the_server_returns_0(void **state)
{
    (void)state;
    check_stop(SIGTERM);
}

static void sigint_stops_all_workers_and_the_server_returns_0(void **state)
{
    (void)state;
    check_stop(SIGINT);
}

static int never_stop(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    process_say('r');
    while (pause() < 0)
        continue;
    return 0;
}

static void a_worker_that_does_not_stop_is_killed_after_the_grace(void **state)
{
    (void)state;
    static const hem_ns graces[] = {HEM_MSEC, -1};
    for (size_t i = 0; i < COUNT_OF(graces); i++) {
        struct server s = {.worker = never_stop,
                           .options = {.grace = graces[i]},
                           .expected = HEM_ESIGNALED};
        struct process process;
        struct ending e;
        server_init(&s);
        process_start(&process, server_run, &s);
        server_hear(&process, 'r', WORKERS);
        check_int(kill(process.pid, SIGTERM), 0);
        server_check_end(&process, &e);
        check_contains(e.text, "): grace period over\n");
        check_contains(e.text, "killed by SIGKILL\n");
        server_deinit(&s);
    }
}

/* In a process of its own: when `worker` has ended, let `server` go on. */
static void resume_behind(pid_t worker, pid_t server)
{
    struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, worker, 0U),
                       .events = POLLIN};
    poll(&p, 1, -1);
    kill(server, SIGCONT);
    _exit(0);
}

/* Have the server see a signal and the worker's end at once. */
static int stop_the_server(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    pid_t self = getpid();
    pid_t server = getppid();
    if (fork() == 0)
        resume_behind(self, server);
    check_int(kill(server, SIGSTOP), 0);
    check_int(kill(server, SIGTERM), 0);
    return worker_verdict();
}

/* In many orders of the two events. */
static int serve_in_orders(void *arg)
{
    char seed[16];
    hem_prefork_options opts = {.num_workers = 1};
    for (int i = 1; i <= 20; i++) {
        snprintf(seed, sizeof(seed), "%d", i);
        setenv("HEM_SEED", seed, 1);
        check_int(hem_prefork(stop_the_server, arg, &opts), 0);
    }
    return forked_verdict();
}

static void a_signal_that_comes_with_the_last_end_stops_the_server(void **state)
{
    (void)state;
    struct process process;
    process_start(&process, serve_in_orders, NULL);
    server_check_silent_end(&process);
}

static int hear_of_it_once(hem_worker *w, void *arg)
{
    const struct server *s = arg;
    s->shared->pids[hem_worker_index(w)] = getpid();
    process_say('r');
    int signo = hem_worker_wait(w);
    check(signo == SIGTERM || signo == SIGINT);
    process_say('s');
    worker_pass_gate(s);
    check_int(hem_sleep(0), 0);
    check_int(hem_worker_wait(w), signo);
    return worker_verdict();
}

static void a_second_stop_signal_changes_nothing_and_kills_nobody(void **state)
{
    (void)state;
    struct server s = {.worker = hear_of_it_once,
                       .options = {.grace = HEM_NEVER}};
    struct process process;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(process.pid, SIGTERM), 0);
    server_hear(&process, 's', WORKERS);
    check_int(kill(process.pid, SIGINT), 0);
    for (int i = 0; i < WORKERS; i++)
        check_int(kill(s.shared->pids[i], SIGINT), 0);
    server_open_gate(&s);
    server_check_silent_end(&process);
    server_deinit(&s);
}

static void sigint_from_a_terminal_counts_once(void **state)
{
    (void)state;
    struct server s = {.worker = hear_of_it_once,
                       .options = {.grace = HEM_NEVER}};
    struct process process;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS);
    for (int i = 0; i < WORKERS; i++)
        check_int(kill(s.shared->pids[i], SIGINT), 0);
    server_hear(&process, 's', WORKERS);
    check_int(kill(process.pid, SIGINT), 0);
    server_open_gate(&s);
    server_check_silent_end(&process);
    server_deinit(&s);
}

static int set_up_slowly(hem_worker *w, void *arg)
{
    process_say('r');
    worker_pass_gate(arg);
    return worker_until_stopped(w, arg);
}

static void a_signal_before_the_worker_waits_is_not_lost(void **state)
{
    (void)state;
    struct server s = {.worker = set_up_slowly,
                       .options = {.grace = HEM_NEVER}};
    struct process process;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(process.pid, SIGTERM), 0);
    server_open_gate(&s);
    server_check_silent_end(&process);
    server_check_signals(&s, SIGTERM);
    server_deinit(&s);
}

static int give_up_socket(hem_worker *w, void *arg)
{
    const struct server *s = arg;
    process_say('r');
    check_int(hem_worker_wait(w), SIGTERM);
    check_int(close(s->sockets[0]), 0);
    worker_pass_gate(s);
    return worker_verdict();
}

static int serve_sockets(void *arg)
{
    struct server *s = arg;
    int failed = server_run(s);
    check_int(close(s->sockets[0]), -1);
    return failed || forked_verdict();
}

static void
the_parent_closes_its_sockets_when_workers_begin_to_stop(void **state)
{
    (void)state;
    struct server s = {.worker = give_up_socket,
                       .options = {.grace = HEM_NEVER}};
    struct process process;
    int fds[2];
    char byte;
    check_int(pipe(fds), 0);
    s.sockets[0] = fds[1];
    s.options.sockets = s.sockets;
    server_init(&s);
    process_start(&process, serve_sockets, &s);
    close(fds[1]);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(process.pid, SIGTERM), 0);
    check_int(read(fds[0], &byte, 1), 0); /* nobody has the other end */
    server_open_gate(&s);
    server_check_silent_end(&process);
    close(fds[0]);
    server_deinit(&s);
}

static int linger_at_exit(void *arg)
{
    hem_worker *w = arg;
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    process_say('x');
    raise(SIGTERM);
    raise(SIGINT);
    check_int(hem_worker_wait(w), HEM_EBADF);
    return worker_verdict();
}

static int return_early(hem_worker *w, void *arg)
{
    (void)arg;
    hem_task *t;
    HEM_TRY(hem_spawn(&t, linger_at_exit, w));
    while (strcmp(hem_task_waits_for(t), "sleep") != 0)
        HEM_TRY(hem_yield());
    return 0;
}

static void
a_signal_after_the_worker_has_returned_does_not_kill_it(void **state)
{
    (void)state;
    struct server s = {.worker = return_early, .options = {.grace = HEM_NEVER}};
    struct process process;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'x', WORKERS);
    server_check_silent_end(&process);
    server_deinit(&s);
}

static int wait_for_stop(void *arg)
{
    return hem_worker_wait(arg);
}

static int wait_for_something_else(void *arg)
{
    check_int(hem_worker_wait(arg), HEM_ECANCELED);
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    return 0;
}

static int wait_in_tasks(hem_worker *w, void *arg)
{
    (void)arg;
    hem_task *before, *cancelled, *behind;
    HEM_TRY(hem_spawn(&before, wait_for_stop, w));
    HEM_TRY(hem_spawn(&cancelled, wait_for_something_else, w));
    HEM_TRY(hem_spawn(&behind, wait_for_stop, w));
    while (strcmp(hem_task_waits_for(cancelled), "stop signal") != 0)
        HEM_TRY(hem_yield());
    check(hem_task_cancel(cancelled, NULL));
    while (strcmp(hem_task_waits_for(cancelled), "sleep") != 0)
        HEM_TRY(hem_yield());
    process_say('r');
    check_int(hem_await(before), SIGTERM);
    check_int(hem_await(behind), SIGTERM);
    check(hem_task_cancel(cancelled, NULL));
    check_int(hem_await(cancelled), 0);
    return worker_verdict();
}

static void many_tasks_wait_for_the_stop_and_may_be_cancelled(void **state)
{
    (void)state;
    struct server s = {.worker = wait_in_tasks};
    struct process process;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(process.pid, SIGTERM), 0);
    server_check_silent_end(&process);
    server_deinit(&s);
}

static void a_worker_whose_parent_dies_is_told_to_stop(void **state)
{
    (void)state;
    struct server s = {.worker = worker_until_stopped};
    struct process process;
    struct ending e;
    server_init(&s);
    process_start(&process, server_run, &s);
    server_hear(&process, 'r', WORKERS);
    check_int(kill(process.pid, SIGKILL), 0);
    process_end(&process, &e);
    check_int(e.signo, SIGKILL);
    server_check_signals(&s, SIGTERM);
    server_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(sigterm_stops_all_workers_and_the_server_returns_0),
        LEDGER_TEST(sigint_stops_all_workers_and_the_server_returns_0),
        LEDGER_TEST(a_signal_that_comes_with_the_last_end_stops_the_server),
        LEDGER_TEST(a_worker_that_does_not_stop_is_killed_after_the_grace),
        LEDGER_TEST(a_second_stop_signal_changes_nothing_and_kills_nobody),
        LEDGER_TEST(sigint_from_a_terminal_counts_once),
        LEDGER_TEST(a_signal_before_the_worker_waits_is_not_lost),
        LEDGER_TEST(the_parent_closes_its_sockets_when_workers_begin_to_stop),
        LEDGER_TEST(a_signal_after_the_worker_has_returned_does_not_kill_it),
        LEDGER_TEST(many_tasks_wait_for_the_stop_and_may_be_cancelled),
        LEDGER_TEST(a_worker_whose_parent_dies_is_told_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Prefork servers. hem_prefork() runs in a process of its own, the server,
 * whose exit status 0 says that it returned what was expected. Workers tell
 * that they have come somewhere by a byte (process_say), and leave their pids
 * and the signals they got in shared memory. process_end() waits until all of
 * them have ended.
 */
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WORKERS 3
#define SKIPPED 77

struct shared {
    pid_t pids[WORKERS];
    int signals[WORKERS]; /* first result of hem_worker_wait() */
    int again[WORKERS];   /* and of a later call */
};

struct plan {
    hem_worker_fn *worker;
    hem_prefork_options options; /* num_workers 0: WORKERS */
    int expected;                /* from hem_prefork() */
    int gate[2];                 /* a pipe that workers may read from */
    struct shared *shared;
    int sockets[2]; /* for the option; here the end of a pipe, and 0 */
};

static void plan_init(struct plan *p)
{
    p->shared = mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->shared == MAP_FAILED || pipe(p->gate) < 0)
        abort();
}

/* Let go of the gate. It opens when the server and the test have done so. */
static void open_gate(struct plan *p)
{
    if (p->gate[1] >= 0)
        close(p->gate[1]);
    p->gate[1] = -1;
}

static void plan_deinit(struct plan *p)
{
    munmap(p->shared, sizeof(*p->shared));
    close(p->gate[0]);
    open_gate(p);
}

/* In a worker: stop everything until the gate is open. */
static void pass_gate(const struct plan *p)
{
    char byte;
    check_int(read(p->gate[0], &byte, 1), 0);
}

static int verdict(void)
{
    return check_failures_take() ? HEM_ESTATE : 0;
}

static int serve(void *arg)
{
    struct plan *p = arg;
    open_gate(p);
    if (!p->options.num_workers)
        p->options.num_workers = WORKERS;
    size_t count = ledger_descriptors();
    count -= p->options.sockets != NULL;
    check_int(hem_prefork(p->worker, p, &p->options), p->expected);
    check_int(ledger_descriptors(), count);
    check(waitpid(-1, NULL, WNOHANG) < 0);
    check_int(errno, ECHILD);
    return verdict() < 0;
}

/* Wait until the workers have said `want` `count` times. */
static void hear(struct process *server, char want, int count)
{
    while (count-- > 0) {
        char got = '?';
        if (!check(process_hear(server, &got)) || !check_int(got, want))
            return;
    }
}

static void check_success(struct process *server, struct ending *ret)
{
    process_end(server, ret);
    check_int(ret->signo, 0);
    if (!check_int(ret->status, 0))
        print_error("%s", ret->text);
}

static void check_silent_success(struct process *server)
{
    struct ending e;
    check_success(server, &e);
    check_str(e.text, "");
}

static void check_signals(const struct plan *p, int want)
{
    for (int i = 0; i < WORKERS; i++) {
        check_int(p->shared->signals[i], want);
        check_int(p->shared->again[i], want);
    }
}

/* The usual worker: until it is asked to stop. */
static int serve_until_stopped(hem_worker *w, void *arg)
{
    struct plan *p = arg;
    uint32_t i = hem_worker_index(w);
    p->shared->pids[i] = getpid();
    process_say('r');
    p->shared->signals[i] = hem_worker_wait(w);
    p->shared->again[i] = hem_worker_wait(w);
    return verdict();
}

static void check_stop(int signo)
{
    struct plan p = {.worker = serve_until_stopped};
    struct process server;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS);
    check_int(kill(server.pid, signo), 0);
    check_silent_success(&server);
    check_signals(&p, signo);
    plan_deinit(&p);
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

/* Start a server of lasting workers; when they are ready, send `signo` to
 * number 1. */
static void signal_one(struct plan *p, struct ending *ret, int signo)
{
    struct process server;
    p->worker = serve_until_stopped;
    plan_init(p);
    process_start(&server, serve, p);
    hear(&server, 'r', WORKERS);
    check_int(kill(p->shared->pids[1], signo), 0);
    check_success(&server, ret);
    check_int(p->shared->signals[0], SIGTERM);
    check_int(p->shared->signals[1], 0);
    check_int(p->shared->signals[2], SIGTERM);
}

static void a_killed_worker_ends_the_server_with_its_signal(void **state)
{
    (void)state;
    struct plan p = {.expected = HEM_ESIGNALED};
    struct ending e;
    char want[100];
    signal_one(&p, &e, SIGKILL);
    snprintf(want, sizeof(want),
             "hem: error: worker 1 (pid %d) killed by SIGKILL\n",
             (int)p.shared->pids[1]);
    check_str(e.text, want);
    plan_deinit(&p);
}

static void a_signal_without_a_name_is_told_by_number(void **state)
{
    (void)state;
    struct plan p = {.expected = HEM_ESIGNALED};
    struct ending e;
    signal_one(&p, &e, 40);
    check_contains(e.text, "killed by signal 40\n");
    plan_deinit(&p);
}

static int exit_or_serve(hem_worker *w, void *arg)
{
    if (hem_worker_index(w) == 1) {
        pass_gate(arg); /* until the others listen */
        _exit(3);
    }
    return serve_until_stopped(w, arg);
}

static void a_worker_that_exits_with_a_failure_ends_the_server(void **state)
{
    (void)state;
    struct plan p = {.worker = exit_or_serve,
                     .options = {.name = "http"},
                     .expected = HEM_EEXITED};
    struct process server;
    struct ending e;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS - 1);
    open_gate(&p);
    check_success(&server, &e);
    check_contains(e.text, "hem: error: http 1 (pid ");
    check_contains(e.text, ") exited with status 3\n");
    check_int(p.shared->signals[0], SIGTERM);
    check_int(p.shared->signals[2], SIGTERM);
    plan_deinit(&p);
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
    struct plan p = {.worker = exit_or_be_killed, .expected = HEM_EEXITED};
    struct process server;
    struct ending e;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS - 1);
    open_gate(&p);
    check_success(&server, &e);
    check_contains(e.text, "worker 0 (pid ");
    check_contains(e.text, "worker 1 (pid ");
    check_contains(e.text, "worker 2 (pid ");
    plan_deinit(&p);
}

/* Run a server of `count` workers whose end needs nothing from here. */
static void run_server(hem_worker_fn *worker, uint32_t count, int expected,
                       struct ending *ret)
{
    struct plan p = {.worker = worker,
                     .options = {.num_workers = count},
                     .expected = expected};
    struct process server;
    plan_init(&p);
    process_start(&server, serve, &p);
    check_success(&server, ret);
    plan_deinit(&p);
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
    run_server(fail_to_bind, 1, HEM_EEXITED, &e);
    check_contains(e.text, "worker 0 (pid ");
    check_contains(e.text, ") failed: HEM_EADDRINUSE: ");
    check_contains(e.text, ") exited with status 1\n");
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
    struct plan p = {.worker = fail_when_stopped, .expected = HEM_EEXITED};
    struct process server;
    struct ending e;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS);
    check_int(kill(server.pid, SIGTERM), 0);
    check_success(&server, &e);
    check_contains(e.text, "failed: HEM_EIO: ");
    plan_deinit(&p);
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
    return verdict();
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
    return verdict() < 0;
}

static void a_signal_that_comes_with_the_last_end_stops_the_server(void **state)
{
    (void)state;
    struct process server;
    process_start(&server, serve_in_orders, NULL);
    check_silent_success(&server);
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
        struct plan p = {.worker = never_stop,
                         .options = {.grace = graces[i]},
                         .expected = HEM_ESIGNALED};
        struct process server;
        struct ending e;
        plan_init(&p);
        process_start(&server, serve, &p);
        hear(&server, 'r', WORKERS);
        check_int(kill(server.pid, SIGTERM), 0);
        check_success(&server, &e);
        check_contains(e.text, "worker: grace period over");
        check_contains(e.text, "killed by SIGKILL\n");
        plan_deinit(&p);
    }
}

/* Wait for a stop signal that is, or will be, pending: one that was sent on but
 * not taken. */
static void take_second_signal(int want)
{
    sigset_t set;
    int signo;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    check_int(sigwait(&set, &signo), 0);
    check_int(signo, want);
}

static int want_two_signals(hem_worker *w, void *arg)
{
    const struct plan *p = arg;
    p->shared->pids[hem_worker_index(w)] = getpid();
    process_say('r');
    int signo = hem_worker_wait(w);
    check(signo == SIGTERM || signo == SIGINT);
    process_say('s');
    take_second_signal(signo);
    check_int(hem_worker_wait(w), signo);
    return verdict();
}

static void a_second_stop_signal_is_sent_on_and_kills_nobody(void **state)
{
    (void)state;
    struct plan p = {.worker = want_two_signals,
                     .options = {.grace = HEM_NEVER}};
    struct process server;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS);
    check_int(kill(server.pid, SIGTERM), 0);
    hear(&server, 's', WORKERS);
    check_int(kill(server.pid, SIGTERM), 0);
    check_silent_success(&server);
    plan_deinit(&p);
}

static void sigint_from_a_terminal_counts_once(void **state)
{
    (void)state;
    struct plan p = {.worker = want_two_signals,
                     .options = {.grace = HEM_NEVER}};
    struct process server;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS);
    for (int i = 0; i < WORKERS; i++)
        check_int(kill(p.shared->pids[i], SIGINT), 0);
    hear(&server, 's', WORKERS);
    check_int(kill(server.pid, SIGINT), 0);
    check_silent_success(&server);
    plan_deinit(&p);
}

static int set_up_slowly(hem_worker *w, void *arg)
{
    process_say('r');
    pass_gate(arg);
    return serve_until_stopped(w, arg);
}

static void a_signal_before_the_worker_waits_is_not_lost(void **state)
{
    (void)state;
    struct plan p = {.worker = set_up_slowly, .options = {.grace = HEM_NEVER}};
    struct process server;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS);
    check_int(kill(server.pid, SIGTERM), 0);
    open_gate(&p);
    check_silent_success(&server);
    check_signals(&p, SIGTERM);
    plan_deinit(&p);
}

static int give_up_socket(hem_worker *w, void *arg)
{
    const struct plan *p = arg;
    process_say('r');
    check_int(hem_worker_wait(w), SIGTERM);
    check_int(close(p->sockets[0]), 0);
    pass_gate(p);
    return verdict();
}

static int serve_sockets(void *arg)
{
    struct plan *p = arg;
    int failed = serve(p);
    check_int(close(p->sockets[0]), -1);
    return failed || verdict() < 0;
}

static void
the_parent_closes_its_sockets_when_workers_begin_to_stop(void **state)
{
    (void)state;
    struct plan p = {.worker = give_up_socket, .options = {.grace = HEM_NEVER}};
    struct process server;
    int fds[2];
    char byte;
    check_int(pipe(fds), 0);
    p.sockets[0] = fds[1];
    p.options.sockets = p.sockets;
    plan_init(&p);
    process_start(&server, serve_sockets, &p);
    close(fds[1]);
    hear(&server, 'r', WORKERS);
    check_int(kill(server.pid, SIGTERM), 0);
    check_int(read(fds[0], &byte, 1), 0); /* nobody has the other end */
    open_gate(&p);
    check_silent_success(&server);
    close(fds[0]);
    plan_deinit(&p);
}

static int linger_at_exit(void *arg)
{
    hem_worker *w = arg;
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    process_say('x');
    take_second_signal(SIGTERM);
    check_int(hem_worker_wait(w), HEM_EBADF);
    return verdict();
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
    struct plan p = {.worker = return_early, .options = {.grace = HEM_NEVER}};
    struct process server;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'x', WORKERS);
    check_int(kill(server.pid, SIGTERM), 0);
    check_silent_success(&server);
    plan_deinit(&p);
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
    return verdict();
}

static void many_tasks_wait_for_the_stop_and_may_be_cancelled(void **state)
{
    (void)state;
    struct plan p = {.worker = wait_in_tasks};
    struct process server;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS);
    check_int(kill(server.pid, SIGTERM), 0);
    check_silent_success(&server);
    plan_deinit(&p);
}

static void a_worker_whose_parent_dies_is_told_to_stop(void **state)
{
    (void)state;
    struct plan p = {.worker = serve_until_stopped};
    struct process server;
    struct ending e;
    plan_init(&p);
    process_start(&server, serve, &p);
    hear(&server, 'r', WORKERS);
    check_int(kill(server.pid, SIGKILL), 0);
    process_end(&server, &e);
    check_int(e.signo, SIGKILL);
    check_signals(&p, SIGTERM);
    plan_deinit(&p);
}

static int sleep_an_hour(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    check_int(hem_sleep(3600 * HEM_SEC), 0);
    check_int(hem_now(), 3600 * HEM_SEC);
    check_str(hem_task_name(hem_self()), "worker 0");
    return verdict();
}

static int serve_in_virtual_time(void *arg)
{
    hem_virtual_clock clock = {0};
    hem_run_options run = {.clock = &clock};
    hem_prefork_options opts = {.num_workers = 1, .run = &run};
    check_int(hem_prefork(sleep_an_hour, arg, &opts), 0);
    return verdict() < 0;
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
    return verdict() < 0;
}

static void there_is_a_worker_for_each_cpu_by_default(void **state)
{
    (void)state;
    struct process server;
    char byte = '?';
    process_start(&server, serve_on_one_cpu, NULL);
    check(process_hear(&server, &byte));
    check_int(byte, '0');
    check(!process_hear(&server, &byte));
    check_silent_success(&server);
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
    check_int(hem_prefork(serve_until_stopped, arg, &opts), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signo = 1; signo < NSIG; signo++)
        check_int(sigismember(&after, signo), sigismember(&before, signo));
    sigaction(SIGINT, NULL, &action);
    check(action.sa_handler == on_signal);
    return verdict() < 0;
}

static void mask_and_actions_of_signals_are_as_before(void **state)
{
    (void)state;
    struct plan p = {0};
    struct process server;
    plan_init(&p);
    process_start(&server, serve_with_signals, &p);
    check_silent_success(&server);
    plan_deinit(&p);
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
    struct plan *p = arg;
    open_gate(p);
    limit_descriptors(4); /* epoll, eventfd, signalfd and one pidfd */
    return serve(p);
}

static void a_worker_that_cannot_be_started_stops_the_others(void **state)
{
    (void)state;
    struct plan p = {.worker = serve_until_stopped, .expected = HEM_EMFILE};
    struct process server;
    struct ending e;
    plan_init(&p);
    process_start(&server, serve_with_descriptors, &p);
    check_success(&server, &e);
    check_contains(e.text, "could not be started: HEM_EMFILE: ");
    int stopped = 0; /* one, or more if it had ended by then */
    for (int i = 0; i < WORKERS; i++)
        stopped += p.shared->signals[i] == SIGTERM;
    check(stopped > 0);
    plan_deinit(&p);
}

static int serve_without_descriptors(void *arg)
{
    for (size_t more = 3; more-- > 0;) {
        limit_descriptors(more);
        check_int(hem_prefork(say_index, arg, NULL), HEM_EMFILE);
    }
    return verdict() < 0;
}

static void a_server_without_descriptors_does_not_start(void **state)
{
    (void)state;
    struct process server;
    char byte;
    process_start(&server, serve_without_descriptors, NULL);
    check(!process_hear(&server, &byte));
    check_silent_success(&server);
}

static int serve_without_memory(void *arg)
{
    hem_prefork_options opts = {.num_workers = 1};
    int rc = HEM_ENOMEM;
    size_t n = 0;
    ledger_begin(arg);
    ledger_in_child();
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
    return verdict() < 0;
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
    if (syscall(SYS_pidfd_open, getpid(), 0U) < 0 && errno == ENOSYS)
        return SKIPPED; /* valgrind before 3.20 */
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(sigterm_stops_all_workers_and_the_server_returns_0),
        LEDGER_TEST(sigint_stops_all_workers_and_the_server_returns_0),
        LEDGER_TEST(a_killed_worker_ends_the_server_with_its_signal),
        LEDGER_TEST(a_signal_without_a_name_is_told_by_number),
        LEDGER_TEST(a_worker_that_exits_with_a_failure_ends_the_server),
        LEDGER_TEST(the_first_failure_is_the_result),
        LEDGER_TEST(an_error_of_a_worker_is_logged_by_name),
        LEDGER_TEST(a_worker_that_fails_while_it_stops_is_a_failure),
        LEDGER_TEST(a_server_whose_workers_all_return_ends),
        LEDGER_TEST(a_signal_that_comes_with_the_last_end_stops_the_server),
        LEDGER_TEST(a_worker_that_does_not_stop_is_killed_after_the_grace),
        LEDGER_TEST(a_second_stop_signal_is_sent_on_and_kills_nobody),
        LEDGER_TEST(sigint_from_a_terminal_counts_once),
        LEDGER_TEST(a_signal_before_the_worker_waits_is_not_lost),
        LEDGER_TEST(the_parent_closes_its_sockets_when_workers_begin_to_stop),
        LEDGER_TEST(a_signal_after_the_worker_has_returned_does_not_kill_it),
        LEDGER_TEST(many_tasks_wait_for_the_stop_and_may_be_cancelled),
        LEDGER_TEST(a_worker_whose_parent_dies_is_told_to_stop),
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

/* SPDX-License-Identifier: MIT */
/* A service as the first process of a container: everybody's orphans are its
 * children, and are reaped; how its own have ended is not lost. */
#include "support.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "forked.h"
#include "service/orphans.h"

#define NOT_HERE 77

/* ---- the first process ---- */

static int (*as_first)(void);

/* Its own names of processes, and /proc. */
static int begin_as_first(void)
{
    if (getpid() != 1 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("proc", "/proc", "proc", 0, NULL) < 0)
        return NOT_HERE;
    return as_first() == 0 && check_failures_take() == 0 ? 0 : 1;
}

static int run_as_first(void *arg)
{
    int status;
    const int names = CLONE_NEWPID | CLONE_NEWNS;
    (void)arg;
    if (unshare(names) < 0 && unshare(names | CLONE_NEWUSER) < 0)
        return NOT_HERE;
    pid_t pid = fork();
    if (pid == 0)
        _exit(begin_as_first());
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return 1;
    return WEXITSTATUS(status);
}

static void check_as_first(int (*fn)(void), const char *said)
{
    struct ending e;
    as_first = fn;
    process_run(run_as_first, NULL, &e);
    if (e.status == NOT_HERE)
        skip();
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_contains(e.text, said);
    if (!*said)
        check_str(e.text, "");
    run_assert_checks();
}

/* ---- orphans ---- */

/* A process whose parent is gone, and that ends now or later. Its pid. */
static int make_orphan(const char *body)
{
    char command[128];
    hem_subprocess_output o;
    snprintf(command, sizeof(command), "(%s) >/dev/null & echo $!", body);
    char *argv[] = {"sh", "-c", command, NULL};
    hem_subprocess_run_options options = {.start.out = HEM_PIPE, .check = true};
    check_int(hem_subprocess_run(argv, &options, &o), 0);
    int pid = o.out ? atoi(o.out) : 0;
    hem_subprocess_output_free(&o);
    check(pid > 1);
    return pid;
}

/* Until it is reaped. */
static int wait_gone(int pid)
{
    while (pid > 1 && kill(pid, 0) == 0)
        HEM_TRY(hem_sleep(HEM_MSEC));
    check_int(errno, ESRCH);
    return pid > 1 ? 0 : HEM_ESTATE;
}

static int reap_one(void)
{
    return wait_gone(make_orphan("exit 7"));
}

static int reap_many(void)
{
    int pids[100];
    for (size_t i = 0; i < COUNT_OF(pids); i++)
        pids[i] = make_orphan(i % 2 ? "exit 0" : "exec sh -c 'kill -9 $$'");
    for (size_t i = 0; i < COUNT_OF(pids); i++)
        HEM_TRY(wait_gone(pids[i]));
    return 0;
}

/* One that a subprocess keeps, for its group; one that ends as orphans do. */
static int keep_own(void)
{
    HEM_SUBPROCESS(p);
    hem_child_status status;
    char *argv[] = {"sh", "-c", "exit 9", NULL};
    HEM_TRY(hem_subprocess_start(
        &p, argv, &(hem_subprocess_options){.process_group = HEM_NEW_GROUP}));
    HEM_TRY(reap_one());
    HEM_TRY(reap_one());
    HEM_TRY(hem_subprocess_wait(&p, &status));
    check_int(status.exit_code, 9);
    return hem_subprocess_close(&p);
}

/* As system() and popen() do it: a child that hem does not know of. */
static int keep_others(void)
{
    int status;
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(5);
        check_int(waitpid(pid, &status, 0), pid);
        check_int(WEXITSTATUS(status), 5);
        HEM_TRY(hem_sleep(0));
    }
    return 0;
}

/* ---- a service that does it ---- */

static int (*act)(void);
static hem_restart restart;

static int do_act(void *arg)
{
    (void)arg;
    int rc = act();
    check_int(rc, 0);
    kill(getpid(), SIGTERM);
    return rc;
}

static int context(hem_main *m, void *arg)
{
    (void)arg;
    HEM_SCOPE(s, .timeout = 60 * HEM_SEC);
    HEM_TRY(hem_scope_spawn(&s, NULL, do_act, NULL));
    int signo = hem_main_serve(m, NULL);
    check_int(signo, SIGTERM);
    return hem_scope_close(&s, 0);
}

static int serve(hem_worker *w, void *arg)
{
    (void)arg;
    return hem_worker_wait(w) == SIGTERM ? 0 : HEM_ESTATE;
}

static hem_event worker_ready;
static pid_t worker_pid;
static int worker_signal;

static void see(void *arg, const hem_prefork_event *e)
{
    (void)arg;
    if (e->kind == HEM_WORKER_IS_READY) {
        worker_pid = e->pid;
        hem_event_set(&worker_ready);
    } else if (e->kind == HEM_WORKER_HAS_ENDED && e->end.signal) {
        worker_signal = e->end.signal;
    }
}

static int run_service(void)
{
    hem__orphans_pause = HEM_MSEC;
    hem_event_init(&worker_ready);
    return hem_prefork(serve, NULL,
                       &(hem_prefork_options){.num_workers = 2,
                                              .main = context,
                                              .restart = restart,
                                              .backoff_min = HEM_MSEC,
                                              .on_event = see});
}

static void an_orphan_is_reaped(void **state)
{
    (void)state;
    act = reap_one;
    check_as_first(run_service, "");
}

static void many_orphans_are_reaped(void **state)
{
    (void)state;
    act = reap_many;
    check_as_first(run_service, "");
}

static void a_child_of_hems_is_not_taken_for_one(void **state)
{
    (void)state;
    act = keep_own;
    check_as_first(run_service, "");
}

static void who_waits_for_a_child_by_himself_has_its_end(void **state)
{
    (void)state;
    act = keep_others;
    check_as_first(run_service, "");
}

/* A worker leaves children, and is killed. */
static int kill_workers(void)
{
    for (int i = 0; i < 10; i++) {
        HEM_TRY(hem_event_wait(&worker_ready));
        hem_event_clear(&worker_ready);
        worker_signal = 0;
        check_int(kill(worker_pid, SIGKILL), 0);
        while (!worker_signal)
            HEM_TRY(hem_sleep(HEM_MSEC));
        check_int(worker_signal, SIGKILL);
        HEM_TRY(reap_one());
    }
    return hem_event_wait(&worker_ready);
}

static void hostile_30_workers_killed_are_replaced_in_a_container(void **state)
{
    (void)state;
    act = kill_workers;
    restart = HEM_RESTART_ALWAYS;
    check_as_first(run_service, "killed by SIGKILL");
    restart = HEM_RESTART_STOP;
}

/* Who is not the first, leaves orphans to who is. */
static int start_here(void *arg)
{
    hem__service s = {.pid = getpid()};
    (void)arg;
    HEM_SCOPE(scope);
    check_int(hem__orphans_start(&s, &scope), 0);
    return hem_scope_close(&scope, 0); /* nothing runs in it */
}

static void who_is_not_the_first_reaps_nobody(void **state)
{
    (void)state;
    check_int(hem_run(start_here, NULL, NULL), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_orphan_is_reaped),
        LEDGER_TEST(many_orphans_are_reaped),
        LEDGER_TEST(a_child_of_hems_is_not_taken_for_one),
        LEDGER_TEST(who_waits_for_a_child_by_himself_has_its_end),
        LEDGER_TEST(hostile_30_workers_killed_are_replaced_in_a_container),
        LEDGER_TEST(who_is_not_the_first_reaps_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

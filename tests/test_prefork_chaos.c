/* SPDX-License-Identifier: MIT */
/* What happens to services on bad days: they go on, or end as they should. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "files.h"
#include "prefork.h"

#define RESTARTED                                                              \
    .restart = HEM_RESTART_ALWAYS, .backoff_min = HEM_USEC,                    \
    .backoff_max = HEM_MSEC

static uint64_t random_state;

static void random_begin(void)
{
    const char *seed = getenv("HEM_SEED");
    random_state = seed ? strtoull(seed, NULL, 10) : 0;
}

/* One of `n`. */
static unsigned pick(unsigned n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

/* Stop it, which must go well, whatever it has said. */
static void stop(struct prefork *p)
{
    struct ending e;
    prefork_signal(p, SIGTERM);
    prefork_end(p, &e);
    prefork_free(p);
    run_assert_checks();
}

/* ---- workers ---- */

static void hostile_30_workers_killed_at_random_are_replaced(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {RESTARTED, .num_workers = 4}};
    random_begin();
    prefork_start_ready(&p);
    for (unsigned n = 0; n < 50; n++) {
        check_int(kill(prefork_pid(&p, pick(4)), SIGKILL), 0);
        prefork_await(&p, PREFORK_READY, 5 + n);
    }
    check_int(prefork_count(&p, HEM_WORKER_HAS_ENDED, -1), 50);
    stop(&p);
}

/* When which generation began, in microseconds from the first. */
static int began(void)
{
    static struct timespec first;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (first.tv_sec == 0)
        first = now;
    return (int)((now.tv_sec - first.tv_sec) * 1000000 +
                 (now.tv_nsec - first.tv_nsec) / 1000);
}

#define CRASHES 8

/* Number 0 crashes whenever it is started anew. */
static int crash(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    uint32_t generation = hem_worker_generation(w);
    if (hem_worker_index(w) == 1 || generation == CRASHES)
        return prefork_serve(w, arg);
    atomic_store(&p->shared->numbers[generation], began());
    hem_worker_ready(w);
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

/* 1, 2, 4, ..., 64 ms at least, so a crash costs less and less. */
static void hostile_30_a_worker_that_crashes_in_a_loop_backs_off(void **state)
{
    (void)state;
    struct prefork p = {.worker = crash,
                        .options = {.restart = HEM_RESTART_ALWAYS,
                                    .backoff_min = HEM_MSEC,
                                    .backoff_max = 60 * HEM_SEC}};
    began(); /* of this process, and of all its copies */
    prefork_start(&p);
    prefork_await(&p, PREFORK_ENDED, CRASHES);
    int least = 1000;
    for (int n = 1; n < CRASHES; n++) {
        check(p.shared->numbers[n] - p.shared->numbers[n - 1] >= least);
        least *= 2;
    }
    for (unsigned n = 0; n < CRASHES; n++)
        check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, n)->end.signal,
                  SIGSEGV);
    prefork_await(&p, PREFORK_READY, CRASHES + 2);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 1), 1);
    stop(&p);
}

static int never_end(hem_worker *w, void *arg)
{
    hem_worker_ready(w);
    prefork_pass_gate(arg); /* not before the test is over */
    return 0;
}

static void hostile_30_workers_that_never_end_are_killed(void **state)
{
    (void)state;
    struct prefork p = {.worker = never_end, .expected = HEM_ESIGNALED};
    struct ending e;
    p.options.grace = HEM_MSEC;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_ENDED, 2);
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0)->end.signal,
              SIGKILL);
    prefork_end(&p, &e);
    check_contains(e.text, "grace period over");
    prefork_free(&p);
    run_assert_checks();
}

/* ---- the parent ---- */

static void hostile_30_when_the_parent_is_killed_its_port_is_free(void **state)
{
    (void)state;
    int sockets[2] = {-1, 0};
    hem_address a;
    struct ending e;
    struct prefork p = {.worker = prefork_serve};
    char got;
    check_int(hem_listen_socket(&sockets[0], "127.0.0.1", 0, NULL), 0);
    check_int(hem_address_of_socket(&a, sockets[0]), 0);
    p.options.sockets = sockets;
    prefork_start(&p);
    close(sockets[0]);
    prefork_await(&p, PREFORK_SERVICE_READY, 1);
    prefork_signal(&p, SIGKILL);
    prefork_open_gate(&p);
    while (process_hear(&p.process, &got)) /* until all have ended */
        continue;
    process_end(&p.process, &e);
    check_int(e.signo, SIGKILL);
    check_int(
        hem_listen_socket(&sockets[0], "127.0.0.1", hem_address_port(&a), NULL),
        0);
    close(sockets[0]);
    prefork_free(&p);
    run_assert_checks();
}

/* Until a rolling restart has replaced all: nobody who was killed before is
 * left to be noticed. */
static void reload_all(struct prefork *p)
{
    const hem_prefork_event *last = NULL;
    while (!last || last->error < 0) {
        unsigned n = (unsigned)prefork_count(p, HEM_SERVICE_RELOADS, -1);
        prefork_await(p, PREFORK_RELOADED, n); /* those under way */
        prefork_signal(p, SIGHUP);
        prefork_await(p, PREFORK_RELOADED, n + 1);
        last = prefork_event(p, HEM_SERVICE_RELOADED, -1, n);
    }
}

static void hostile_30_a_thousand_sighups_while_workers_are_killed(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve, .options = {RESTARTED}};
    random_begin();
    prefork_start_ready(&p);
    for (int n = 0; n < 1000; n++) {
        prefork_signal(&p, SIGHUP);
        if (n % 50 == 0)
            (void)kill(prefork_pid(&p, pick(2)), SIGKILL);
    }
    reload_all(&p);
    check(prefork_count(&p, HEM_SERVICE_RELOADS, -1) <= 1001);
    stop(&p);
}

/* ---- the machine ---- */

/* ---- no log ---- */

static pid_t first;

/* A worker is killed, which is logged; when it has a successor, all stop. */
static void kill_one(void *arg, const hem_prefork_event *e)
{
    (void)arg;
    if (e->kind == HEM_WORKER_IS_READY && e->index == 0 && e->generation == 0)
        first = e->pid;
    else if (e->kind == HEM_SERVICE_IS_READY)
        kill(first, SIGKILL);
    else if (e->kind == HEM_WORKER_IS_READY && e->generation > 0)
        kill(getpid(), SIGTERM);
}

/* The whole service with `log` as standard error; -1: closed. */
static int run_with_log(int log)
{
    dup2(log, STDERR_FILENO);
    close(log >= 0 ? log : STDERR_FILENO);
    return hem_prefork(prefork_serve, NULL,
                       &(hem_prefork_options){RESTARTED, .num_workers = 2,
                                              .on_event = kill_one}) != 0;
}

static int run_with_full_log(void *arg)
{
    (void)arg;
    return run_with_log(open("/dev/full", O_WRONLY | O_CLOEXEC));
}

static int run_with_closed_log(void *arg)
{
    (void)arg;
    return run_with_log(-1);
}

static int run_with_log_that_nobody_reads(void *arg)
{
    int ends[2];
    (void)arg;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return 1;
    close(ends[0]);
    return run_with_log(ends[1]);
}

static void check_goes_on(int (*fn)(void *arg))
{
    struct ending e;
    process_run(fn, NULL, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    run_assert_checks();
}

static void hostile_30_a_full_disk_for_the_log_stops_nothing(void **state)
{
    (void)state;
    check_goes_on(run_with_full_log);
}

static void hostile_30_a_closed_log_stops_nothing(void **state)
{
    (void)state;
    check_goes_on(run_with_closed_log);
}

static void hostile_30_a_log_that_nobody_reads_stops_nothing(void **state)
{
    (void)state;
    check_goes_on(run_with_log_that_nobody_reads);
}

/* ---- no disk ---- */

#define NOT_HERE 77

/* A file system of one page, full. */
static bool mount_full(void)
{
    char block[4096] = {0};
    if ((unshare(CLONE_NEWNS) < 0 &&
         unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", file_path(""), "tmpfs", 0, "size=4096") < 0)
        return false;
    int fd = open(file_path("all"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof(block)) > 0)
        continue;
    close(fd);
    return true;
}

static void count_event(void *arg, const hem_prefork_event *e)
{
    (void)e;
    ++*(int *)arg;
}

static int run_without_disk(void *arg)
{
    int events = 0;
    (void)arg;
    if (!mount_full())
        return NOT_HERE;
    check_int(hem_prefork(prefork_serve, NULL,
                          &(hem_prefork_options){.pid_file = file_path("pid"),
                                                 .on_event = count_event,
                                                 .on_event_arg = &events}),
              HEM_ENOSPC);
    check_int(events, 0); /* no worker was started */
    check_int(access(file_path("pid"), F_OK), -1);
    return prefork_verdict() != 0;
}

static void
hostile_30_a_full_disk_for_the_pid_file_is_said_at_once(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_without_disk, NULL, &e);
    if (e.status == NOT_HERE)
        skip();
    check_int(e.signo, 0);
    check_int(e.status, 0);
    run_assert_checks();
}

/* ---- no descriptors, no processes ---- */

static unsigned resource; /* RLIMIT_... */

/* A task of the parent: at SIGUSR1, it has as little as can be of a resource, at
 * the next as much as before. */
static int limit(void *arg)
{
    struct rlimit before, now;
    (void)arg;
    const int signals[] = {SIGUSR1, 0};
    HEM_SIGNAL(told);
    HEM_TRY(hem_signal_open(&told, signals));
    process_say('o');
    check_int(getrlimit(resource, &before), 0);
    now = before;
    now.rlim_cur = resource == RLIMIT_NOFILE ? 3 : 1;
    HEM_TRY(hem_signal_wait(&told));
    check_int(setrlimit(resource, &now), 0);
    process_say('l');
    HEM_TRY(hem_signal_wait(&told));
    check_int(setrlimit(resource, &before), 0);
    return 0;
}

static int serve_and_limit(hem_main *m, void *arg)
{
    HEM_SCOPE(s);
    (void)arg;
    HEM_TRY(hem_scope_spawn(&s, NULL, limit, NULL));
    int rc = hem_main_serve(m, NULL);
    rc = hem_scope_close(&s, rc < 0 ? rc : 0);
    return rc < 0 ? rc : prefork_verdict();
}

/* While it is so, a worker is killed, and its successors cannot be started. */
static void starve(hem_main_fn *context, unsigned what, int error)
{
    struct prefork p = {.worker = prefork_serve,
                        .options = {RESTARTED, .main = context}};
    resource = what;
    prefork_start_ready(&p);
    prefork_await(&p, 'o', 1);
    prefork_signal(&p, SIGUSR1);
    prefork_await(&p, 'l', 1);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_await(&p, PREFORK_ENDED, 5);
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0)->end.signal,
              SIGKILL);
    for (size_t n = 1; n < 5; n++)
        check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, n)->end.error,
                  error);
    prefork_signal(&p, SIGUSR1);
    prefork_await(&p, PREFORK_READY, 3);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 1), 1);
    stop(&p);
}

static void hostile_30_without_descriptors_workers_start_later(void **state)
{
    (void)state;
    starve(serve_and_limit, RLIMIT_NOFILE, HEM_EMFILE);
}

#define NOBODY_ELSE 54321 /* a user that has no other processes */

static bool may_become_nobody_else(void)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(setgid(NOBODY_ELSE) < 0 || setuid(NOBODY_ELSE) < 0);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int serve_as_nobody_else(hem_main *m, void *arg)
{
    const hem_user user = {.uid = NOBODY_ELSE, .gid = NOBODY_ELSE};
    check_int(hem_user_become(&user), 0);
    return serve_and_limit(m, arg);
}

static void hostile_30_when_forks_fail_workers_start_later(void **state)
{
    (void)state;
    if (!may_become_nobody_else())
        skip();
    starve(serve_as_nobody_else, RLIMIT_NPROC, HEM_EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_30_workers_killed_at_random_are_replaced),
        LEDGER_TEST(hostile_30_a_worker_that_crashes_in_a_loop_backs_off),
        LEDGER_TEST(hostile_30_workers_that_never_end_are_killed),
        LEDGER_TEST(hostile_30_when_the_parent_is_killed_its_port_is_free),
        LEDGER_TEST(hostile_30_a_thousand_sighups_while_workers_are_killed),
        LEDGER_TEST(hostile_30_a_full_disk_for_the_log_stops_nothing),
        LEDGER_TEST(hostile_30_a_closed_log_stops_nothing),
        LEDGER_TEST(hostile_30_a_log_that_nobody_reads_stops_nothing),
        FILE_TEST(hostile_30_a_full_disk_for_the_pid_file_is_said_at_once),
        LEDGER_TEST(hostile_30_without_descriptors_workers_start_later),
        LEDGER_TEST(hostile_30_when_forks_fail_workers_start_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

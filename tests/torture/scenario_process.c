/* SPDX-License-Identifier: MIT */
/* Processes: forked, told, waited for, and a prefork server. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forked.h"
#include "service/upgrade.h"
#include "torture.h"

/* Errors of a child that fails. */
#define CHILD_FAILED HEM_ECANCELED, HEM_ENOMEM

static int sleep_here(void *arg)
{
    (void)arg;
    return hem_sleep(60 * HEM_SEC);
}

/* A child with a loop of its own. */
static int run_here(void *arg)
{
    int rc = hem_run(sleep_here, arg, NULL);
    check(rc < 0);
    check_success(rc, CHILD_FAILED);
    in_child();
    return 3;
}

static int return_seven(void *arg)
{
    (void)arg;
    return 7;
}

static int fork_and_wait(void)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, return_seven, NULL, NULL));
    hem_child_status status;
    int rc = hem_child_wait(&c, &status);
    if (rc == 0) {
        check_int(status.exit_code, 7);
        check_int(hem_child_send_signal(&c, SIGTERM), HEM_ESRCH);
    }
    hem_child_close(&c);
    return rc;
}

static int fork_and_kill(void)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, run_here, NULL, NULL));
    hem_child_status status;
    int rc = hem_child_send_signal(&c, SIGKILL);
    if (rc == 0 || rc == HEM_ESRCH) /* it failed, and was reaped */
        rc = hem_child_wait(&c, &status);
    if (rc == 0)
        check(status.signal == SIGKILL || status.exit_code == 3);
    hem_child_close(&c);
    return rc;
}

/* Closing kills it. */
static int fork_and_close(void)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, run_here, NULL, NULL));
    hem_child_close(&c);
    return 0;
}

static int prepare(void *arg)
{
    (void)arg;
    return 0;
}

static int say_ready(void *arg)
{
    check_success(hem_fork_ready());
    return return_seven(arg);
}

/* Ready by its own word, within a time that is long enough. */
static int fork_and_hear(void)
{
    hem_child c;
    HEM_TRY(hem_fork(&c, say_ready, NULL,
                     &(hem_fork_options){.init = prepare,
                                         .ready_by_child = true,
                                         .timeout = 60 * HEM_SEC}));
    int rc = hem_child_wait(&c, NULL);
    hem_child_close(&c);
    return rc;
}

/* One that cannot say that it is ready is killed, or fails. */
#define NEVER_READY HEM_ESIGNALED, HEM_EEXITED

static int fork_main(void *arg)
{
    (void)arg;
    check_success(fork_and_wait(), NEVER_READY);
    check_success(fork_and_kill(), NEVER_READY);
    check_success(fork_and_close(), NEVER_READY);
    check_success(fork_and_hear(), NEVER_READY);
    return 0;
}

static void run_forks(bool polled)
{
    forked_poll(polled);
    check_success(hem_run(fork_main, NULL, NULL), NEVER_READY);
    forked_poll(false);
}

void scenario_fork(void)
{
    run_forks(false);
    run_forks(true);
}

/* What a child in vain, or one that came to nothing, may make of it. */
#define SUBPROCESS_FAILED HEM_ESIGNALED, HEM_EEXITED

static int run_cat(void)
{
    static const mode_t mask = 022;
    static const uid_t root = 0;
    char *argv[] = {"cat", NULL};
    char *add[] = {"A=1", NULL};
    hem_subprocess_fd fd = {2, 9};
    hem_subprocess_limit core = {RLIMIT_CORE, 0, 0};
    hem_subprocess_output o;
    hem_subprocess_run_options r = {
        .start = {.in = HEM_PIPE,
                  .out = HEM_PIPE,
                  .err = HEM_NULL,
                  .fds = &fd,
                  .fd_count = 1,
                  .env_add = add,
                  .cwd = "/",
                  .new_session = true,
                  .user = geteuid() == 0 ? &root : NULL,
                  .umask = &mask,
                  .limits = &core,
                  .limit_count = 1,
                  .nice = 1,
                  .pdeathsig = SIGKILL},
        .input = "abc",
        .input_size = 3,
        .check = true};
    int rc = hem_subprocess_run(argv, &r, &o);
    if (rc == 0 && !faulty()) /* EPIPE: as if the child wants no more */
        check_str(o.out, "abc");
    hem_subprocess_output_free(&o);
    return rc;
}

/* Closing terminates it, or its whole group. */
static int start_and_close(bool whole_group)
{
    hem_subprocess p;
    HEM_TRY(hem_subprocess_shell(
        &p, "exec sleep 60",
        &(hem_subprocess_options){.process_group = HEM_NEW_GROUP,
                                  .whole_group = whole_group,
                                  .grace = HEM_SEC,
                                  .pdeathsig = SIGKILL}));
    return hem_subprocess_close(&p);
}

static int subprocess_main(void *arg)
{
    (void)arg;
    check_success(run_cat(), SUBPROCESS_FAILED);
    check_success(start_and_close(false));
    check_success(start_and_close(true));
    return 0;
}

void scenario_subprocess(void)
{
    check_success(hem_run(subprocess_main, NULL, NULL));
}

/* What goes on when it is ready has to be ended here. */
static int start_upgrade(void)
{
    static char *const argv[] = {"sh", "-c", "echo READY >&3; exec sleep 60",
                                 NULL};
    const hem__upgrade_call call = {
        .argv = argv, .timeout = HEM_SEC, .grace = HEM_SEC};
    pid_t pid;
    int rc = hem__upgrade_run(&call, &pid);
    if (rc == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return rc;
}

static int upgrade_main(void *arg)
{
    (void)arg;
    check_success(start_upgrade(), SUBPROCESS_FAILED, HEM_EINCOMPLETE,
                  HEM_EPROTO);
    return 0;
}

void scenario_upgrade(void)
{
    check_success(hem_run(upgrade_main, NULL, NULL));
}

static int wait_to_stop(hem_worker *w)
{
    int signo = hem_worker_wait(w);
    check(signo < 0 || signo == SIGTERM);
    return signo;
}

/* The second worker asks the parent to stop; one that cannot be told to stop
 * does so by itself. */
static int be_worker(hem_worker *w, void *arg)
{
    (void)arg;
    if (hem_worker_index(w) == 1)
        kill(getppid(), SIGTERM);
    hem_timeout limit;
    int rc = hem_timeout_open(&limit, child_limit());
    if (rc == 0)
        rc = hem_timeout_close(&limit, wait_to_stop(w));
    if (rc == HEM_ETIMEDOUT && faulty())
        rc = 0;
    check_success(rc, CHILD_FAILED);
    in_child();
    return rc;
}

void scenario_prefork(void)
{
    /* What the server does not receive would end this process. */
    signal(SIGTERM, SIG_IGN);
    int rc = hem_prefork(
        be_worker, NULL,
        &(hem_prefork_options){.num_workers = 2, .grace = child_limit() / 2});
    check_success(rc, HEM_ENOMEM, HEM_EEXITED, HEM_ESIGNALED);
    signal(SIGTERM, SIG_DFL);
}

/* SPDX-License-Identifier: MIT */
/* Processes: forked, told, waited for, and a prefork server. */
#include <signal.h>

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
    HEM_TRY(hem_fork(&c, return_seven, NULL));
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
    HEM_TRY(hem_fork(&c, run_here, NULL));
    hem_child_status status;
    int rc = hem_child_send_signal(&c, SIGKILL);
    if (rc == 0)
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
    HEM_TRY(hem_fork(&c, run_here, NULL));
    hem_child_close(&c);
    return 0;
}

static int fork_main(void *arg)
{
    (void)arg;
    check_success(fork_and_wait());
    check_success(fork_and_kill());
    check_success(fork_and_close());
    return 0;
}

void scenario_fork(void)
{
    check_success(hem_run(fork_main, NULL, NULL));
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

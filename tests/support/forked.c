/* SPDX-License-Identifier: MIT */
#include "forked.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "process/child.h"
#include "support.h"

void forked_poll(bool on)
{
    atomic_store(&hem__child_way, on ? HEM__CHILD_POLLED : HEM__CHILD_UNKNOWN);
}

void forked_each_way(int (*run)(hem_fn *fn, void *arg), hem_fn *body)
{
    check_int(run(body, NULL), 0);
    forked_poll(true);
    check_int(run(body, NULL), 0);
    forked_poll(false);
}

void forked_apart(int (*fn)(void *arg), void *arg)
{
    struct ending e;
    process_run(fn, arg, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_str(e.text, "");
}

bool forked_any(void)
{
    return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
}

pid_t forked_as(pid_t wanted)
{
    for (int tries = 0; tries < 50; tries++) {
        FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "we");
        bool set = f && fprintf(f, "%d", (int)wanted - 1) > 0;
        if (!f || fclose(f) != 0 || !set)
            return -1;
        pid_t pid = fork();
        if (pid == 0)
            forked_linger(NULL);
        if (pid == wanted)
            return pid;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return -1;
}

int forked_verdict(void)
{
    return check_failures_take() ? 1 : 0;
}

int forked_return(void *arg)
{
    return *(int *)arg;
}

int forked_linger(void *arg)
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

hem_child_status forked_status(hem_fn *fn, void *arg)
{
    hem_child_status status = {.exit_code = -2};
    struct work work = {fn, arg};
    hem_child c;
    if (check_int(hem_fork(&c, run_work, &work, NULL), 0)) {
        check_int(hem_child_wait(&c, &status), 0);
        hem_child_close(&c);
    }
    return status;
}

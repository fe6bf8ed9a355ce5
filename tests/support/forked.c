/* SPDX-License-Identifier: MIT */
#include "forked.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "support.h"

bool forked_possible(void)
{
    long fd = syscall(SYS_pidfd_open, getpid(), 0U);
    if (fd < 0)
        return errno != ENOSYS;
    close((int)fd);
    return true;
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
    if (check_int(hem_fork(&c, run_work, &work), 0)) {
        check_int(hem_child_wait(&c, &status), 0);
        hem_child_close(&c);
    }
    return status;
}

/* SPDX-License-Identifier: MIT */
#include "process/subprocess_group.h"

#include <signal.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "hem/error.h"
#include "hem/task.h"
#include "loop/fd.h"
#include "process/child.h"

#define FIRST_PAUSE HEM_MSEC
#define LAST_PAUSE  (50 * HEM_MSEC)

/* Whether it is not reaped, by nobody. */
static bool is_there(const hem_subprocess *p)
{
    siginfo_t info = {0};
    int rc =
        hem__sys_wait_pidfd(p->child.fd.fd, &info, WEXITED | WNOHANG | WNOWAIT);
    return rc >= 0 || rc == HEM_EINTR;
}

int hem__group_signal(hem_subprocess *p, int signo)
{
    int rc = hem__sys_pidfd_signal_group(p->child.fd.fd, signo);
    if (rc != HEM_EINVAL)
        return rc;
    return is_there(p) ? hem__sys_kill(-p->child.pid, signo) : HEM_ESRCH;
}

/* The leader counts in its group until it is reaped. */
static void reap_leader(hem_subprocess *p)
{
    if (p->held && hem__child_reap(&p->child, WNOHANG) != HEM_EINTR)
        p->held = false;
}

int hem__group_wait(hem_loop *l, hem_subprocess *p)
{
    uint32_t gen = p->child.fd.gen;
    hem_ns pause = FIRST_PAUSE;
    int rc = 0;
    if (hem__sys_pidfd_signal_group(p->child.fd.fd, 0) == HEM_EINVAL)
        return 0;
    reap_leader(p);
    while (rc == 0 && !p->overdue &&
           hem__sys_pidfd_signal_group(p->child.fd.fd, 0) != HEM_ESRCH) {
        l->fd_waiters++; /* as it is while the leader is waited for */
        rc = hem_sleep(pause);
        l->fd_waiters--;
        if (!hem__fd_is_open(&p->child.fd) || p->child.fd.gen != gen)
            return HEM_EBADF;
        pause = pause < LAST_PAUSE / 2 ? pause * 2 : LAST_PAUSE;
    }
    return rc;
}

/* Not by the table: to close may not fail. */
void hem__group_kill(hem_subprocess *p)
{
    siginfo_t info = {0};
    int fd = p->child.fd.fd;
    long rc = hem__call_pidfd_signal_group(fd, SIGKILL);
    if (rc == HEM_EINVAL &&
        hem__call_wait_pidfd(fd, &info, WEXITED | WNOHANG | WNOWAIT) >= 0)
        (void)hem__call_kill(-p->child.pid, SIGKILL);
}

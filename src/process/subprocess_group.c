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

/* HEM_EINVAL: it cannot be done so. */
static int signal_by_pidfd(const hem_subprocess *p, int signo)
{
    return p->child.pause ? HEM_EINVAL
                          : hem__sys_pidfd_signal_group(p->child.fd.fd, signo);
}

int hem__group_signal(hem_subprocess *p, int signo)
{
    int rc = signal_by_pidfd(p, signo);
    if (rc != HEM_EINVAL)
        return rc;
    return hem__child_is_gone(&p->child) ? HEM_ESRCH
                                         : hem__sys_kill(-p->child.pid, signo);
}

int hem__group_wait(hem_loop *l, hem_subprocess *p)
{
    uint32_t gen = p->child.fd.gen;
    hem_ns pause = FIRST_PAUSE;
    int rc = 0;
    if (signal_by_pidfd(p, 0) == HEM_EINVAL)
        return 0;
    hem__child_reap_held(&p->child); /* it counts until then */
    while (rc == 0 && !p->overdue && signal_by_pidfd(p, 0) != HEM_ESRCH) {
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
    int fd = p->child.fd.fd;
    long rc =
        p->child.pause ? HEM_EINVAL : hem__call_pidfd_signal_group(fd, SIGKILL);
    if (rc == HEM_EINVAL && !hem__child_is_gone(&p->child))
        (void)hem__call_kill(-p->child.pid, SIGKILL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Handles of children. The pidfd is registered with the poller at once, so that
 * waiting cannot fail for want of memory.
 */
#include "process/child.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "loop/fd.h"
#include "loop/fiber.h"

int hem__child_adopt(hem_loop *l, hem_child *c, pid_t pid, int fd)
{
    *c = (hem_child){.pid = pid};
    int rc = hem__fd_init(l, &c->fd, fd);
    if (rc < 0)
        close(fd);
    else
        rc = hem__fd_watch(l, &c->fd, HEM__FD_READ);
    if (rc == 0)
        return 0;
    (void)hem__fd_close(l, &c->fd);
    hem__child_undo(pid);
    return rc;
}

void hem__child_undo(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

int hem__child_take(hem_loop *l, hem_child *c, pid_t pid)
{
    int fd = hem__sys_pidfd_open(pid);
    if (fd >= 0)
        return hem__child_adopt(l, c, pid, fd);
    hem__child_undo(pid);
    return fd;
}

pid_t hem_child_pid(const hem_child *c)
{
    return c->pid;
}

int hem__child_reap(hem_child *c, int flags)
{
    siginfo_t info = {0};
    int rc;
    do {
        rc = hem__sys_wait_pidfd(c->fd.fd, &info, WEXITED | flags);
    } while (rc == HEM_EINTR);
    if (rc < 0)
        return rc;
    if (info.si_pid == 0)
        return HEM_EAGAIN;
    bool exited = info.si_code == CLD_EXITED;
    c->status = (hem_child_status){
        .exit_code = exited ? info.si_status : -1,
        .signal = exited ? 0 : info.si_status,
        .core = info.si_code == CLD_DUMPED,
    };
    c->reaped = true;
    return 0;
}

int hem_child_send_signal(hem_child *c, int signo)
{
    if (!hem__fd_is_open(&c->fd))
        return HEM_EBADF;
    (void)hem__loop_need("hem_child_send_signal");
    if (c->reaped)
        return HEM_ESRCH;
    return hem__sys_pidfd_send_signal(c->fd.fd, signo);
}

int hem_child_wait(hem_child *c, hem_child_status *ret)
{
    if (!hem__fd_is_open(&c->fd))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_child_wait");
    hem__fiber *f = hem__fiber_need(l, "hem_child_wait");
    int rc = hem__fd_is_open(&c->fd) ? hem__io_checkpoint(l, f) : HEM_EBADF;
    while (rc == 0 && !c->reaped) {
        rc = hem__fd_is_open(&c->fd) ? hem__child_reap(c, WNOHANG) : HEM_EBADF;
        if (rc == HEM_EAGAIN) {
            l->outside++; /* virtual time does not overtake it */
            rc = hem__fd_wait(l, f, &c->fd, HEM__FD_READ);
            l->outside--;
        }
    }
    if (rc == 0 && ret)
        *ret = c->status;
    return rc;
}

void hem_child_close(hem_child *c)
{
    if (!c || !hem__fd_is_open(&c->fd))
        return;
    hem_loop *l = hem__loop_need("hem_child_close");
    if (!c->reaped) {
        /* Not by the table: to close may not fail. One that cannot be killed
         * is not waited for. */
        long rc =
            syscall(SYS_pidfd_send_signal, c->fd.fd, SIGKILL, (void *)0, 0U);
        (void)hem__child_reap(c, rc < 0 ? WNOHANG : 0);
    }
    hem__fd_close(l, &c->fd);
}

/* SPDX-License-Identifier: MIT */
/*
 * Children by fork.
 *
 * The fork is made in the loop's own context: the task parks, a callback
 * forks, and wakes it with the result. So the child's function has the whole
 * stack of the thread, and no task's stack is in use in the child. A request
 * to cancel the task calls the fork off while it has not been made; afterwards
 * it stays pending, for returning it would lose the child.
 *
 * All signals are blocked over the fork: none is handled in the child with the
 * parent's handlers, which know the parent's loop.
 *
 * The pidfd is registered with the poller at once, so that waiting cannot fail
 * for want of memory.
 */
#include "process/child.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/list.h"
#include "base/log.h"
#include "base/sys.h"
#include "coro/overflow.h"
#include "loop/fd.h"
#include "loop/fiber.h"
#include "loop/interrupt.h"

#define SIGNAL_MAX 64

struct fork_call {
    hem__job job;      /* makes the fork */
    hem__fiber *fiber; /* who called */
    hem_child *child;
    hem_fn *fn;
    void *arg;
    const sigset_t *blocked; /* in the child; NULL: none */
    int result;              /* valid once `made` */
    bool made;
};

static void default_signals(const sigset_t *blocked)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    for (int signo = 1; signo <= SIGNAL_MAX; signo++)
        (void)sigaction(signo, &sa, NULL); /* those that cannot be set are so */
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, blocked ? blocked : &none, NULL);
}

static int exit_code_of(int rc)
{
    if (rc >= 0)
        return rc <= 255 ? rc : 1;
    hem_log(HEM_LOG_ERROR, "child (pid %d) failed: %s: %s", (int)getpid(),
            hem_errname(rc), hem_strerror(rc));
    return 1;
}

/* What the child inherited in its stdio buffers, or leaves there, would be
 * written twice, or never. Other streams may be locked by a blocked thread. */
static void flush_output(void)
{
    fflush(stdout);
    fflush(stderr);
}

_Noreturn static void be_child(const struct fork_call *call)
{
    hem__overflow_abandon();
    default_signals(call->blocked);
    int code = exit_code_of(call->fn(call->arg));
    flush_output();
    _exit(code);
}

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

/* Take the new child `pid` into `c`, or undo it. */
static int adopt(hem_loop *l, hem_child *c, pid_t pid)
{
    int fd = hem__sys_pidfd_open(pid);
    if (fd >= 0)
        return hem__child_adopt(l, c, pid, fd);
    hem__child_undo(pid);
    return fd;
}

static int make(hem_loop *l, const struct fork_call *call)
{
    sigset_t all, before;
    sigfillset(&all);
    flush_output();
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = hem__sys_fork();
    if (pid == 0)
        be_child(call);
    int rc = pid < 0 ? (int)pid : adopt(l, call->child, pid);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static void run_fork(hem__ready *n)
{
    struct fork_call *call = HEM__CONTAINER(n, struct fork_call, job.ready);
    hem_loop *l = hem__loop;
    call->made = true;
    call->result = make(l, call);
    hem__wake(l, call->fiber, call->result);
}

static bool cancel_fork(hem_loop *l, hem__fiber *f, const char *why)
{
    struct fork_call *call = f->wait_on;
    hem__queue_remove(&l->ready, &call->job);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_fork = {"fork", cancel_fork};

int hem__fork(hem_child *c, hem_fn *fn, void *arg, const sigset_t *blocked)
{
    hem_loop *l = hem__loop_need("hem_fork");
    hem__fiber *f = hem__fiber_need(l, "hem_fork");
    struct fork_call call = {.job = {.ready = {.run = run_fork}},
                             .fiber = f,
                             .child = c,
                             .fn = fn,
                             .arg = arg,
                             .blocked = blocked};
    hem__queue_push_job(&l->ready, &call.job);
    f->wait_on = &call;
    const char *reason = f->reason;
    int rc = hem__park(l, f, &wait_fork);
    if (rc == HEM_ECANCELED && call.made && call.result == 0) {
        f->pending = true;
        f->reason = reason;
        rc = 0;
    }
    return rc;
}

int hem_fork(hem_child *c, hem_fn *fn, void *arg)
{
    return hem__fork(c, fn, arg, NULL);
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

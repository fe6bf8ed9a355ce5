/* SPDX-License-Identifier: MIT */
/*
 * Handles of children. The descriptor is watched from the start on, so that
 * waiting cannot fail for want of memory; the event of the end reaps the child,
 * in the loop, and wakes all who wait.
 *
 *     running --the loop looks: it has ended--> reaped --close--> closed
 *             --the loop looks: it is nobody's child--> lost --close--> closed
 *             --close: killed--> closed
 *
 * A pidfd is there, or it is not: child_polled.c has the other way, behind the
 * same handle.
 */
#include "process/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/sys.h"

atomic_int hem__child_way = HEM__CHILD_UNKNOWN;

static bool may_have_pidfd(void)
{
    int way = atomic_load(&hem__child_way);
    if (way == HEM__CHILD_UNKNOWN) {
        const char *text = getenv("HEM_PIDFD");
        bool no = text && strcmp(text, "0") == 0;
        way = no ? HEM__CHILD_POLLED : HEM__CHILD_PIDFD;
        atomic_store(&hem__child_way, way);
    }
    return way == HEM__CHILD_PIDFD;
}

/* Once refused, always refused. */
static int refuse_pidfds(void)
{
    atomic_store(&hem__child_way, HEM__CHILD_POLLED);
    return HEM_ENOSYS;
}

/* A pidfd of a child that can be waited for by it; it is `fd` if that is one.
 * HEM_ENOSYS: there is none; HEM_ESRCH: nor a child any more. */
static int get_pidfd(pid_t pid, int fd)
{
    if (!may_have_pidfd()) {
        if (fd >= 0)
            close(fd);
        return HEM_ENOSYS;
    }
    if (fd < 0)
        fd = hem__sys_pidfd_open(pid);
    if (fd == HEM_ENOSYS || fd == HEM_EPERM)
        return refuse_pidfds();
    if (fd < 0)
        return fd;
    siginfo_t info;
    const int flags = WEXITED | WNOHANG | WNOWAIT;
    int rc = hem__sys_wait_pidfd(fd, &info, flags);
    if (rc >= 0 || rc == HEM_EINTR)
        return fd;
    close(fd);
    return rc == HEM_ECHILD ? HEM_ESRCH : refuse_pidfds();
}

static void undo(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void on_ready(hem__fd *fd)
{
    hem_child *c = HEM__CONTAINER(fd, hem_child, fd);
    hem__child_look(c);
    if (c->pause && hem__child_runs(c))
        hem__child_look_again(c);
}

static int watch_pidfd(hem_loop *l, hem_child *c, int fd)
{
    int rc = hem__fd_init(l, &c->fd, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return hem__fd_watch(l, &c->fd, HEM__FD_READ);
}

static int watch(hem_loop *l, hem_child *c, int fd)
{
    int pidfd = get_pidfd(c->pid, fd);
    if (pidfd >= 0)
        return watch_pidfd(l, c, pidfd);
    if (pidfd == HEM_ENOSYS)
        return hem__child_open_polled(l, c);
    if (pidfd != HEM_ESRCH)
        return pidfd;
    c->lost = true;
    hem__fd_open_none(l, &c->fd);
    return 0;
}

bool hem__child_is_of(const hem_loop *l, pid_t pid)
{
    for (uint32_t i = 0; i < l->fd_slots; i++) {
        hem__fd *d = l->fds[i].owner;
        if (d && d->on_ready == on_ready &&
            HEM__CONTAINER(d, hem_child, fd)->pid == pid)
            return true;
    }
    return false;
}

int hem__child_adopt(hem_loop *l, hem_child *c, pid_t pid, int fd)
{
    *c = (hem_child){.pid = pid};
    hem__list_init(&c->waiters);
    int rc = watch(l, c, fd);
    if (rc == 0) {
        c->fd.on_ready = on_ready;
        return 0;
    }
    (void)hem__fd_close(l, &c->proc);
    (void)hem__fd_close(l, &c->fd);
    undo(pid);
    return rc;
}

/* Reap it, if it has ended, or wait for that; `flags`: 0 or WNOHANG. HEM_EAGAIN:
 * with WNOHANG, and it has not. HEM_ECHILD: somebody else did. With WNOWAIT it is
 * not reaped, only looked at. */
static int reap(hem_child *c, int flags)
{
    siginfo_t info = {0};
    int rc;
    do {
        rc = c->pause ? hem__child_wait_by_pid(c, &info, WEXITED | flags)
                      : hem__sys_wait_pidfd(c->fd.fd, &info, WEXITED | flags);
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

void hem__child_look(hem_child *c)
{
    if (!hem__child_runs(c))
        return;
    int rc = reap(c, WNOHANG | (c->hold ? WNOWAIT : 0));
    if (rc == HEM_EAGAIN)
        return;
    c->lost = rc < 0;
    c->held = c->hold && rc == 0;
    hem__sync_wake(&c->waiters, SIZE_MAX, "hem_child_wait");
}

void hem__child_reap_held(hem_child *c)
{
    if (c->held)
        (void)reap(c, WNOHANG);
    c->held = false;
}

pid_t hem_child_pid(const hem_child *c)
{
    return c->pid;
}

/* A filter of system calls may allow pidfds, but not to send signals to them. */
static int send_signal(hem_child *c, int signo)
{
    if (c->pause)
        return hem__child_kill_by_pid(c, signo);
    int rc = hem__sys_pidfd_send_signal(c->fd.fd, signo);
    bool refused = rc == HEM_ENOSYS || rc == HEM_EPERM;
    return refused ? hem__child_kill_by_pid(c, signo) : rc;
}

int hem_child_send_signal(hem_child *c, int signo)
{
    if (!hem__child_is_open(c))
        return HEM_EBADF;
    (void)hem__loop_need("hem_child_send_signal");
    return hem__child_runs(c) ? send_signal(c, signo) : HEM_ESRCH;
}

int hem__child_wait_once(hem_child *c, const hem__sync_kind *kind)
{
    struct hem__sync_waiter w;
    uint32_t gen = c->fd.gen;
    HEM_TRY(hem__sync_wait(&c->waiters, &w, kind));
    return hem__child_is_open(c) && c->fd.gen == gen ? 0 : HEM_EBADF;
}

int hem__child_wait_for_end(hem_child *c, const hem__sync_kind *kind)
{
    hem_loop *l = hem__loop_need(kind->function);
    int rc = 0;
    l->outside++;
    while (rc == 0 && hem__child_runs(c))
        rc = hem__child_wait_once(c, kind);
    l->outside--;
    return rc;
}

int hem__child_tell(const hem_child *c, hem_child_status *ret)
{
    if (hem__child_runs(c))
        return HEM_EAGAIN;
    if (c->lost)
        return HEM_ECHILD;
    if (ret)
        *ret = c->status;
    return 0;
}

int hem_child_wait(hem_child *c, hem_child_status *ret)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("child", "hem_child_wait");
    if (!hem__child_is_open(c))
        return HEM_EBADF;
    HEM_TRY(hem__child_wait_for_end(c, &kind));
    return hem__child_tell(c, ret);
}

/* Not by the table: to close may not fail. One that cannot be killed is not
 * waited for. */
static void kill_and_reap(hem_child *c)
{
    long rc = -1;
    if (!c->pause)
        rc = syscall(SYS_pidfd_send_signal, c->fd.fd, SIGKILL, (void *)0, 0U);
    if (rc < 0 && !hem__child_is_gone(c))
        rc = kill(c->pid, SIGKILL);
    (void)reap(c, rc < 0 ? WNOHANG : 0);
}

static void finish(hem_loop *l, hem_child *c)
{
    hem__child_reap_held(c);
    (void)hem__fd_close(l, &c->proc);
    (void)hem__fd_close(l, &c->fd);
    hem__sync_wake(&c->waiters, SIZE_MAX, "hem_child_close");
}

void hem__child_release(hem_child *c)
{
    hem_loop *l = hem__loop_need("hem__child_release");
    hem__child_look(c);
    finish(l, c);
}

void hem_child_close(hem_child *c)
{
    if (!c || !hem__child_is_open(c))
        return;
    hem_loop *l = hem__loop_need("hem_child_close");
    if (hem__child_runs(c))
        kill_and_reap(c);
    finish(l, c);
}

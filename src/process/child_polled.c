/* SPDX-License-Identifier: MIT */
/*
 * Children without a pidfd: a timer of the kernel's takes its place, and at
 * each of its events the child is looked at. It is a descriptor, not a timer of
 * the loop, for a child's end is an event of the outside, whatever the clock of
 * the loop says.
 *
 * All calls name the child by its pid. That is its own until it is reaped, and
 * who else reaps children of this process might set it free: for another
 * process, or even for another child of ours, which waitid() cannot tell from
 * it. So its directory in /proc is kept open: that is of this process, not of
 * the pid, and empty when it has been reaped. Without a /proc the question goes
 * to waitid() alone.
 */
#include <stdio.h>
#include <sys/timerfd.h>

#include "base/sys.h"
#include "process/child.h"

#define PAUSE_FIRST 1 /* milliseconds */
#define PAUSE_LAST  50

static void arm(hem_child *c)
{
    struct itimerspec when = {
        .it_value = {.tv_nsec = (long)(c->pause * HEM_MSEC)}};
    (void)timerfd_settime(c->fd.fd, 0, &when, NULL);
}

static int open_timer(hem_loop *l, hem_child *c)
{
    int fd =
        hem__sys_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return fd;
    int rc = hem__fd_init(l, &c->fd, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return hem__fd_watch(l, &c->fd, HEM__FD_READ);
}

static int open_directory(hem_loop *l, hem_child *c)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d", (int)c->pid);
    int fd = hem__sys_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd == HEM_EMFILE || fd == HEM_ENFILE || fd == HEM_ENOMEM)
        return fd;
    if (fd < 0)
        return 0;
    int rc = hem__fd_init(l, &c->proc, fd);
    if (rc < 0)
        close(fd);
    return rc;
}

int hem__child_open_polled(hem_loop *l, hem_child *c)
{
    c->pause = PAUSE_FIRST;
    HEM_TRY(open_timer(l, c));
    HEM_TRY(open_directory(l, c));
    arm(c);
    return 0;
}

void hem__child_look_again(hem_child *c)
{
    c->pause = c->pause * 2 < PAUSE_LAST ? c->pause * 2 : PAUSE_LAST;
    arm(c);
}

/* Whether its directory is empty. */
static bool has_left(const hem_child *c)
{
    struct stat unused;
    if (!hem__fd_is_open(&c->proc))
        return false;
    int rc = hem__sys_fstatat(c->proc.fd, "stat", &unused, 0);
    return rc == HEM_ENOENT || rc == HEM_ESRCH;
}

static bool is_no_child(const hem_child *c)
{
    siginfo_t info;
    int rc;
    const int flags = WEXITED | WNOHANG | WNOWAIT;
    do {
        rc = c->pause ? hem__sys_wait_pid(c->pid, &info, flags)
                      : hem__sys_wait_pidfd(c->fd.fd, &info, flags);
    } while (rc == HEM_EINTR);
    return rc < 0;
}

bool hem__child_is_gone(const hem_child *c)
{
    return has_left(c) || is_no_child(c);
}

int hem__child_wait_by_pid(const hem_child *c, siginfo_t *info, int flags)
{
    return has_left(c) ? HEM_ECHILD : hem__sys_wait_pid(c->pid, info, flags);
}

int hem__child_kill_by_pid(const hem_child *c, int signo)
{
    return hem__child_is_gone(c) ? HEM_ESRCH : hem__sys_kill(c->pid, signo);
}

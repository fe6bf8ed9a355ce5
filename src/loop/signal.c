/* SPDX-License-Identifier: MIT */
#include "hem/signal.h"

#include <signal.h>
#include <string.h>

#include "base/sys.h"
#include "loop/fd.h"

/* Those that are delivered to the thread that made the mistake, or cannot be
 * caught. */
static bool unfit(int signo)
{
    switch (signo) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
        return true;
    default:
        return signo < 1 || signo > 64;
    }
}

static int to_set(sigset_t *ret, const int *signals)
{
    sigemptyset(ret);
    if (!signals[0])
        return HEM_EINVAL;
    for (; *signals; signals++) {
        if (unfit(*signals) || sigaddset(ret, *signals) < 0)
            return HEM_EINVAL;
    }
    return 0;
}

/* Block the signals of `set` on this thread; returns those that were not. */
static uint64_t block(const sigset_t *set)
{
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, set, &before);
    uint64_t added = 0;
    for (int signo = 1; signo <= 64; signo++) {
        if (sigismember(set, signo) == 1 && sigismember(&before, signo) == 0)
            added |= UINT64_C(1) << (signo - 1);
    }
    return added;
}

int hem_signal_open(hem_signal *s, const int *signals)
{
    hem_loop *l = hem__loop_need("hem_signal_open");
    sigset_t set;
    int rc = to_set(&set, signals);
    if (rc < 0)
        return rc;
    int fd = hem__sys_signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return fd;
    rc = hem__fd_init(l, &s->fd, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    s->added = block(&set);
    return 0;
}

int hem_signal_wait(hem_signal *s)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_signal_wait");
    hem__fiber *f = hem__fiber_need(l, "hem_signal_wait");
    int rc = hem__io_checkpoint(l, f);
    while (rc == 0) {
        if (!hem__fd_is_open(&s->fd))
            return HEM_EBADF; /* closed while others ran */
        struct signalfd_siginfo info;
        ssize_t n = hem__sys_read(s->fd.fd, &info, sizeof(info));
        if (n == (ssize_t)sizeof(info))
            return (int)info.ssi_signo;
        if (n != HEM_EAGAIN && n != HEM_EINTR)
            return n < 0 ? (int)n : HEM_EIO;
        if (n == HEM_EAGAIN)
            rc = hem__fd_wait(l, f, &s->fd, HEM__FD_READ);
    }
    return rc;
}

void hem_signal_close(hem_signal *s)
{
    if (!s || !hem__fd_is_open(&s->fd))
        return;
    hem_loop *l = hem__loop_need("hem_signal_close");
    hem__fd_close(l, &s->fd);
    sigset_t set;
    sigemptyset(&set);
    for (int signo = 1; signo <= 64; signo++) {
        if (s->added & UINT64_C(1) << (signo - 1))
            sigaddset(&set, signo);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

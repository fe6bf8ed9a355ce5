/* SPDX-License-Identifier: MIT */
/*
 * Making children by fork.
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
 * The parent's side of a channel belongs to the loop until the task has it, so
 * that no other child inherits it, whoever forks that.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/sys.h"
#include "coro/overflow.h"
#include "loop/fd.h"
#include "loop/fiber.h"
#include "loop/forks.h"
#include "process/child.h"

#define SIGNAL_MAX 64

struct fork_job {
    hem__job job;      /* makes the fork */
    hem__fiber *fiber; /* who called */
    hem_child *child;
    const hem__fork_call *call;
    hem__fd ours; /* of the channel; open once that is made */
    int theirs;   /* the child's side; -1: no channel */
    int result;   /* valid once `made` */
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

_Noreturn static void be_child(const struct fork_job *j)
{
    hem__forks_abandon();
    hem__overflow_abandon();
    hem__fork_ready_abandon();
    default_signals(j->call->blocked);
    int code = exit_code_of(j->call->fn(j->call->arg, j->theirs));
    flush_output();
    _exit(code);
}

static int open_channel(hem_loop *l, struct fork_job *j)
{
    int fds[2];
    const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
    HEM_TRY(hem__sys_socketpair(AF_UNIX, type, 0, fds));
    int rc = hem__fd_init(l, &j->ours, fds[0]);
    if (rc < 0) {
        close(fds[0]);
        close(fds[1]);
        return rc;
    }
    j->theirs = fds[1];
    return 0;
}

static int make_child(hem_loop *l, const struct fork_job *j)
{
    sigset_t all, before;
    sigfillset(&all);
    flush_output();
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = hem__sys_fork();
    if (pid == 0)
        be_child(j);
    int rc = pid < 0 ? (int)pid : hem__child_adopt(l, j->child, pid, -1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static int make(hem_loop *l, struct fork_job *j)
{
    if (!j->call->channel)
        return make_child(l, j);
    HEM_TRY(open_channel(l, j));
    int rc = make_child(l, j);
    close(j->theirs);
    if (rc < 0)
        (void)hem__fd_close(l, &j->ours);
    return rc;
}

static void run_fork(hem__ready *n)
{
    struct fork_job *j = HEM__CONTAINER(n, struct fork_job, job.ready);
    hem_loop *l = hem__loop;
    j->made = true;
    j->result = make(l, j);
    hem__wake(l, j->fiber, j->result);
}

static bool cancel_fork(hem_loop *l, hem__fiber *f, const char *why)
{
    struct fork_job *j = f->wait_on;
    hem__queue_remove(&l->ready, &j->job);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_fork = {"fork", cancel_fork};

/* Park until the fork is made, or called off. */
static int wait_for_fork(hem_loop *l, struct fork_job *j)
{
    hem__fiber *f = j->fiber;
    hem__queue_push_job(&l->ready, &j->job);
    f->wait_on = j;
    const char *reason = f->reason;
    int rc = hem__park(l, f, &wait_fork);
    if (rc == HEM_ECANCELED && j->made && j->result == 0) {
        f->pending = true;
        f->reason = reason;
        rc = 0;
    }
    return rc;
}

int hem__fork(hem_child *c, const hem__fork_call *call)
{
    hem_loop *l = hem__loop_need("hem_fork");
    struct fork_job j = {.job = {.ready = {.run = run_fork}},
                         .fiber = hem__fiber_need(l, "hem_fork"),
                         .child = c,
                         .call = call,
                         .theirs = -1};
    *c = (hem_child){.pid = 0}; /* closed */
    HEM_TRY(wait_for_fork(l, &j));
    if (call->channel) {
        hem__fd_give_back(l, &j.ours);
        *call->ret_channel = j.ours.fd;
    }
    return 0;
}

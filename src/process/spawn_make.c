/* SPDX-License-Identifier: MIT */
/*
 * Making the child: see spawn.h. Whether memory can be shared is tried out
 * once, by a child that writes a byte and ends, which valgrind and emulators
 * turn into a copy, or refuse. It has no signal at its end, so that nobody's
 * waitpid() sees it.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "coro/annotate.h"
#include "coro/stack.h"
#include "process/spawn.h"

#define SHARING      (CLONE_VM | CLONE_VFORK)
#define CHILD_FAILED 127

atomic_int hem__spawn_way =
    HEM__VFORK_ALLOWED ? HEM__SPAWN_UNKNOWN : HEM__SPAWN_COPIES;

HEM__CORO_BODY static void leave(void)
{
    for (;;)
        syscall(SYS_exit_group, CHILD_FAILED);
}

HEM__CORO_BODY static int mark(void *arg)
{
    *(volatile bool *)arg = true;
    return 0;
}

HEM__CORO_BODY static int run_sharing(void *arg)
{
    hem__spawn_child(arg);
    leave();
    return 0;
}

/* Make a child that runs fn(arg) in this memory, on a stack of the pool. */
static pid_t clone_sharing(hem_loop *l, int (*fn)(void *), void *arg, int flags,
                           int *ret_pidfd)
{
    hem__stack_class *c =
        hem__stack_class_of(&l->stacks, HEM__STACK_DEFAULT_BYTES);
    HEM_TRY(hem__stack_provide(&l->stacks, c));
    hem__stack *stack = hem__stack_get(c);
    void *top = (void *)((uintptr_t)stack->top & ~(uintptr_t)15);
    pid_t pid =
        hem__sys_clone_process(fn, top, SHARING | flags, arg, ret_pidfd);
    hem__stack_put(stack);
    return pid;
}

static int try_out(hem_loop *l)
{
    bool marked = false;
    int unused;
    pid_t pid = clone_sharing(l, mark, &marked, 0, &unused);
    if (pid == HEM_EAGAIN || pid == HEM_ENOMEM)
        return pid;
    if (pid > 0)
        waitpid(pid, NULL, __WALL); /* signals are blocked */
    atomic_store(&hem__spawn_way,
                 marked ? HEM__SPAWN_SHARES : HEM__SPAWN_COPIES);
    return 0;
}

static int make_sharing(hem_loop *l, hem__spawn *s, pid_t *ret_pid,
                        int *ret_pidfd)
{
    int pidfd = -1;
    pid_t pid = clone_sharing(l, run_sharing, s, CLONE_PIDFD | SIGCHLD, &pidfd);
    if (pid < 0)
        return pid;
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

/* The copy tells its failure through the pipe `report`. */
HEM__CORO_BODY static void run_copying(hem__spawn *s, int report)
{
    int fd = hem__sys_fcntl_dup(report, s->beyond);
    s->failure = (hem__spawn_failure){HEM__SPAWN_descriptors, fd};
    if (fd >= 0)
        hem__spawn_child(s);
    (void)!write(fd >= 0 ? fd : report, &s->failure, sizeof(s->failure));
    leave();
}

/* Wait until the copy runs the program, or has failed. */
static int hear(hem__spawn *s, int report)
{
    hem__spawn_failure failure;
    ssize_t n;
    do {
        n = hem__sys_read(report, &failure, sizeof(failure));
    } while (n == HEM_EINTR);
    if (n == (ssize_t)sizeof(failure))
        s->failure = failure;
    return n < 0 ? (int)n : 0;
}

static void undo(pid_t pid, int pidfd)
{
    if (pidfd >= 0)
        close(pidfd);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0); /* signals are blocked */
}

/* The pidfd comes with the child, which may have ended by now and, where
 * SIGCHLD is ignored, be gone. */
static int make_copying(hem__spawn *s, pid_t *ret_pid, int *ret_pidfd)
{
    int report[2], pidfd = -1;
    HEM_TRY(hem__sys_pipe2(report, O_CLOEXEC));
    pid_t pid = hem__sys_fork_bare(&pidfd);
    if (pid == 0)
        run_copying(s, report[1]);
    close(report[1]);
    int rc = pid < 0 ? pid : hear(s, report[0]);
    close(report[0]);
    if (rc < 0) {
        if (pid > 0)
            undo(pid, pidfd);
        return rc;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

int hem__spawn_make(hem_loop *l, hem__spawn *s, pid_t *ret_pid, int *ret_pidfd)
{
    if (atomic_load(&hem__spawn_way) == HEM__SPAWN_UNKNOWN)
        HEM_TRY(try_out(l));
    if (atomic_load(&hem__spawn_way) == HEM__SPAWN_SHARES)
        return make_sharing(l, s, ret_pid, ret_pidfd);
    return make_copying(s, ret_pid, ret_pidfd);
}

/* SPDX-License-Identifier: MIT */
/*
 * Subprocesses: their life. Of their end their hem_child hears.
 */
#include "hem/subprocess.h"

#include <string.h>

#include "base/list.h"
#include "base/sys.h"
#include "hem/failure.h"
#include "hem/task.h"
#include "io/stream.h"
#include "loop/fd.h"
#include "loop/fiber.h"
#include "process/child.h"
#include "process/spawn.h"
#include "process/subprocess_group.h"
#include "sync/waiters.h"

#define SHELL         "/bin/sh"
#define DEFAULT_GRACE (5 * HEM_SEC)

static const hem_subprocess_options defaults;

static bool is_open(const hem_subprocess *p)
{
    return hem__child_is_open(&p->child);
}

static bool runs(const hem_subprocess *p)
{
    return hem__child_runs(&p->child);
}

/* The grace is over: who closes it goes on, others wait again. */
static void on_timer(hem__timer *t)
{
    hem_subprocess *p = HEM__CONTAINER(t, hem_subprocess, timer);
    p->overdue = true;
    hem__sync_wake(&p->child.waiters, SIZE_MAX, "hem_subprocess_close");
}

/* Starting. */

/* A pipe of which the child has an end as `to`, and the parent the other. */
static int open_pipe(hem_loop *l, hem__spawn *s, int to, hem_stream *ours)
{
    int fds[2];
    HEM_TRY(hem__sys_pipe2(fds, O_CLOEXEC));
    int mine = to == STDIN_FILENO ? fds[1] : fds[0];
    int theirs = to == STDIN_FILENO ? fds[0] : fds[1];
    hem__spawn_own(s, theirs);
    int rc = hem__sys_fcntl_set(mine, O_NONBLOCK);
    if (rc == 0)
        rc = hem__stream_init_plain(l, ours, mine, s->options->read_limit);
    if (rc < 0) {
        close(mine);
        return rc;
    }
    hem__spawn_add(s, theirs, to);
    return 0;
}

static int add_null(hem__spawn *s, int to)
{
    if (s->null < 0) {
        s->null = hem__sys_open_null();
        if (s->null < 0)
            return s->null;
        hem__spawn_own(s, s->null);
    }
    hem__spawn_add(s, s->null, to);
    return 0;
}

/* One that is closed, or is to be closed by execve(), is not for a child. */
static int add_inherited(hem__spawn *s, int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || flags & FD_CLOEXEC)
        return add_null(s, fd);
    hem__spawn_add(s, fd, fd);
    return 0;
}

/* What is standard output is standard error as well; it was added last. */
static int add_merged(hem__spawn *s, int to)
{
    if (to != STDERR_FILENO)
        return HEM_EINVAL;
    hem__spawn_add(s, s->map[s->map_count - 1].from, to);
    return 0;
}

/* The child's descriptor `to`; `given` is the one of HEM_FD. */
static int plumb(hem_loop *l, hem__spawn *s, int to, hem_subprocess_io io,
                 int given, hem_stream *ours)
{
    switch (io) {
    case HEM_INHERIT:
        return add_inherited(s, to);
    case HEM_PIPE:
        return open_pipe(l, s, to, ours);
    case HEM_NULL:
        return add_null(s, to);
    case HEM_FD:
        hem__spawn_add(s, given, to);
        return 0;
    case HEM_STDOUT:
        return add_merged(s, to);
    default:
        return HEM_EINVAL;
    }
}

static int plumb_all(hem_loop *l, hem_subprocess *p, hem__spawn *s)
{
    const hem_subprocess_options *o = s->options;
    HEM_TRY(plumb(l, s, STDIN_FILENO, o->in, o->in_fd, &p->in));
    HEM_TRY(plumb(l, s, STDOUT_FILENO, o->out, o->out_fd, &p->out));
    return plumb(l, s, STDERR_FILENO, o->err, o->err_fd, &p->err);
}

static void close_streams(hem_subprocess *p)
{
    (void)hem_stream_close(&p->in);
    (void)hem_stream_close(&p->out);
    (void)hem_stream_close(&p->err);
}

/* With all that a start needs in `s`. */
static int spawn(hem_loop *l, hem_subprocess *p, hem__spawn *s)
{
    pid_t pid;
    int pidfd;
    int rc = plumb_all(l, p, s);
    if (rc == 0)
        rc = hem__spawn_run(l, s, &pid, &pidfd);
    if (rc == 0)
        rc = hem__child_adopt(l, &p->child, pid, pidfd);
    if (rc < 0)
        close_streams(p);
    return rc;
}

static int start(hem_loop *l, hem_subprocess *p, hem__spawn *s)
{
    const hem_subprocess_options *o = s->options;
    if (o->whole_group && !o->new_session && o->process_group != HEM_NEW_GROUP)
        return HEM_EINVAL;
    HEM_TRY(hem__timers_reserve(&l->timers));
    int rc = spawn(l, p, s);
    if (rc < 0) {
        hem__timers_release(&l->timers);
        return rc;
    }
    p->timer.fire = on_timer;
    p->grace = o->grace ? o->grace : DEFAULT_GRACE;
    p->whole_group = o->whole_group;
    p->child.hold = o->whole_group;
    return 0;
}

/* Closed at first, so that it is closed on errors. */
static int begin(hem_subprocess *p)
{
    memset(p, 0, sizeof(*p));
    return hem_yield();
}

int hem_subprocess_start(hem_subprocess *p, char *const argv[],
                         const hem_subprocess_options *opts)
{
    hem_loop *l = hem__loop_need("hem_subprocess_start");
    HEM_TRY(begin(p));
    if (!argv || !argv[0])
        return HEM_EINVAL;
    hem__spawn s;
    HEM_TRY(hem__spawn_init(&s, argv[0], argv, opts ? opts : &defaults));
    int rc = start(l, p, &s);
    hem__spawn_deinit(&s);
    return rc;
}

int hem_subprocess_shell(hem_subprocess *p, const char *command,
                         const hem_subprocess_options *opts)
{
    hem_loop *l = hem__loop_need("hem_subprocess_shell");
    HEM_TRY(begin(p));
    const char *argv[] = {SHELL, "-c", "--", command, NULL};
    hem__spawn s;
    HEM_TRY(hem__spawn_init(&s, SHELL, (char *const *)(uintptr_t)argv,
                            opts ? opts : &defaults));
    int rc = start(l, p, &s);
    hem__spawn_deinit(&s);
    return rc;
}

hem_stream *hem_subprocess_stdin(hem_subprocess *p)
{
    return &p->in;
}

hem_stream *hem_subprocess_stdout(hem_subprocess *p)
{
    return &p->out;
}

hem_stream *hem_subprocess_stderr(hem_subprocess *p)
{
    return &p->err;
}

pid_t hem_subprocess_pid(const hem_subprocess *p)
{
    return p->child.pid;
}

int hem_subprocess_send_signal(hem_subprocess *p, int signo)
{
    if (p->whole_group && is_open(p))
        return hem__group_signal(p, signo);
    return hem_child_send_signal(&p->child, signo);
}

int hem_subprocess_terminate(hem_subprocess *p)
{
    return hem_subprocess_send_signal(p, SIGTERM);
}

int hem_subprocess_kill(hem_subprocess *p)
{
    return hem_subprocess_send_signal(p, SIGKILL);
}

/* Its end. */

static const hem__sync_kind wait_end =
    HEM__SYNC_KIND("subprocess", "hem_subprocess_wait");

int hem_subprocess_poll(hem_subprocess *p, hem_child_status *ret)
{
    if (!is_open(p))
        return HEM_EBADF;
    hem__child_look(&p->child);
    return hem__child_tell(&p->child, ret);
}

int hem_subprocess_wait(hem_subprocess *p, hem_child_status *ret)
{
    if (!is_open(p))
        return HEM_EBADF;
    HEM_TRY(hem__child_wait_for_end(&p->child, &wait_end));
    return hem__child_tell(&p->child, ret);
}

int hem_subprocess_check(const hem_child_status *status)
{
    if (status->signal)
        return hem_fail(HEM_ESIGNALED, "killed by signal %d (%s)",
                        status->signal, strsignal(status->signal));
    if (status->exit_code)
        return hem_fail(HEM_EEXITED, "exit code %d", status->exit_code);
    return 0;
}

/* Closing. */

/* When the child is closed. */
static void finish_rest(hem_loop *l, hem_subprocess *p)
{
    hem__timer_disarm(&l->timers, &p->timer);
    hem__timers_release(&l->timers);
    close_streams(p);
}

static void finish(hem_loop *l, hem_subprocess *p)
{
    if (p->whole_group)
        hem__group_kill(p);
    hem_child_close(&p->child); /* kills and reaps it, and tells all */
    finish_rest(l, p);
}

void hem__subprocess_release(hem_subprocess *p)
{
    hem__child_release(&p->child);
    finish_rest(hem__loop, p);
}

/* Wait as long as the grace lasts, which is that of the first who closes it. The
 * clock passes over it where time is virtual, but gives the child the time that
 * it gives to descriptors. */
static int wait_for_grace(hem_loop *l, hem_subprocess *p)
{
    if (!p->overdue && !hem__timer_armed(&p->timer))
        hem__loop_arm(l, &p->timer, hem__deadline(hem__loop_now(l), p->grace));
    int rc = 0;
    l->fd_waiters++;
    while (rc == 0 && runs(p) && !p->overdue)
        rc = hem__child_wait_once(&p->child, &wait_end);
    l->fd_waiters--;
    return rc;
}

/* Have it end. It is open then, unless the result is HEM_EBADF. */
static int stop(hem_loop *l, hem_subprocess *p)
{
    int rc = hem_subprocess_terminate(p);
    if (rc == 0)
        (void)!hem_subprocess_send_signal(p, SIGCONT);
    if (rc == 0)
        rc = wait_for_grace(l, p);
    if (rc == 0 && !runs(p) && p->whole_group)
        rc = hem__group_wait(l, p);
    if (rc == 0 && runs(p))
        rc = hem_subprocess_kill(p);
    if (rc == 0)
        rc = hem__child_wait_for_end(&p->child, &wait_end);
    return rc == HEM_ESRCH ? 0 : rc; /* somebody else has reaped it */
}

int hem_subprocess_close(hem_subprocess *p)
{
    if (!p)
        return 0;
    if (!is_open(p))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_subprocess_close");
    (void)hem_stream_close(&p->in);
    int rc = runs(p) || p->whole_group ? stop(l, p) : 0;
    if (rc != HEM_EBADF)
        finish(l, p);
    return rc;
}

void hem__subprocess_cleanup(hem_subprocess *p)
{
    if (is_open(p))
        finish(hem__loop_need("HEM_SUBPROCESS"), p);
}

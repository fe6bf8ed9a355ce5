/* SPDX-License-Identifier: MIT */
/* Each function of subprocesses either suspends and is a point of cancellation,
 * or never; those that wait say when they need not. */
#include <signal.h>

#include "shell.h"
#include "support.h"
#include "suspension.h"

static char *const true_argv[] = {"true", NULL};

/* One that lives at the beginning of each case, and one that has ended. To
 * begin them anew suspends, so it is done at the end of those that were not
 * cancelled. */
static hem_subprocess live, ended;

static int begin_live(void)
{
    return shell_linger(&live, NULL);
}

CASE(subprocess)
{
    (void)f;
    hem_subprocess p = {.grace = 0};
    hem_child_status status = {.exit_code = 0};
    check_int(hem_stream_close(hem_subprocess_stdin(&p)), HEM_EBADF);
    check_int(hem_stream_close(hem_subprocess_stdout(&p)), HEM_EBADF);
    check_int(hem_stream_close(hem_subprocess_stderr(&p)), HEM_EBADF);
    check_int(hem_subprocess_pid(&p), 0);
    check_int(hem_subprocess_send_signal(&p, SIGTERM), HEM_EBADF);
    check_int(hem_subprocess_terminate(&p), HEM_EBADF);
    check_int(hem_subprocess_kill(&p), HEM_EBADF);
    check_int(hem_subprocess_poll(&p, &status), HEM_EBADF);
    check_int(hem_subprocess_check(&status), 0);
    hem_subprocess_output o = {.out = NULL};
    hem_subprocess_output_free(&o);
    return 0;
}

CASE(hem_subprocess_start)
{
    (void)f;
    hem_subprocess never;
    if (hem_task_cancelling(hem_self()) > 0)
        return hem_subprocess_start(&never, true_argv, NULL);
    HEM_TRY(hem_subprocess_start(&ended, true_argv, NULL));
    HEM_TRY(hem_subprocess_wait(&ended, NULL));
    return begin_live();
}

CASE(hem_subprocess_shell)
{
    (void)f;
    HEM_SUBPROCESS(p);
    return hem_subprocess_shell(&p, "true", NULL);
}

/* It ends, as the call waits for that; then there is a new one. */
static int ends_live(int rc)
{
    if (rc == HEM_ECANCELED)
        return rc;
    check_int(rc, 0);
    (void)hem_subprocess_close(&live);
    return begin_live();
}

CASE(hem_subprocess_wait)
{
    (void)f;
    if (hem_task_cancelling(hem_self()) == 0)
        check_int(hem_subprocess_kill(&live), 0);
    return ends_live(hem_subprocess_wait(&live, NULL));
}

CASE(at_once_hem_subprocess_wait)
{
    (void)f;
    return hem_subprocess_wait(&ended, NULL);
}

CASE(hem_subprocess_communicate)
{
    (void)f;
    if (hem_task_cancelling(hem_self()) == 0)
        check_int(hem_subprocess_kill(&live), 0);
    return ends_live(hem_subprocess_communicate(&live, NULL, 0, NULL, NULL));
}

CASE(hem_subprocess_run)
{
    (void)f;
    return hem_subprocess_run(true_argv, NULL, NULL);
}

CASE(hem_subprocess_close)
{
    (void)f;
    int rc = hem_subprocess_close(&live);
    check_int(hem_subprocess_poll(&live, NULL), HEM_EBADF);
    return rc < 0 ? rc : begin_live();
}

CASE(at_once_hem_subprocess_close)
{
    (void)f;
    return hem_subprocess_close(&ended);
}

static const struct suspension table[] = {
    NEVER(hem_subprocess_stdin, subprocess),
    NEVER(hem_subprocess_stdout, subprocess),
    NEVER(hem_subprocess_stderr, subprocess),
    NEVER(hem_subprocess_pid, subprocess),
    NEVER(hem_subprocess_send_signal, subprocess),
    NEVER(hem_subprocess_terminate, subprocess),
    NEVER(hem_subprocess_kill, subprocess),
    NEVER(hem_subprocess_poll, subprocess),
    NEVER(hem_subprocess_check, subprocess),
    NEVER(hem_subprocess_output_free, subprocess),
    SUSPENDS(hem_subprocess_start),
    SUSPENDS(hem_subprocess_shell),
    AT_ONCE(hem_subprocess_wait),
    SUSPENDS(hem_subprocess_communicate),
    SUSPENDS(hem_subprocess_run),
    AT_ONCE(hem_subprocess_close),
};

int main(void)
{
    static const char *const headers[] = {"subprocess"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

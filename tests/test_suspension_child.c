/* SPDX-License-Identifier: MIT */
/* Each function of children either suspends and is a point of cancellation, or
 * never; a wait says when it need not. */
#include <signal.h>

#include "forked.h"
#include "support.h"
#include "suspension.h"

/* One that lives at the beginning of each case, and one that has ended. To
 * begin them anew suspends, so it is done at the end of those that were not
 * cancelled. */
static hem_child live, ended;
static int code;

CASE(child)
{
    (void)f;
    hem_child c = {.pid = 0};
    check_int(hem_child_pid(&c), 0);
    check_int(hem_child_send_signal(&c, SIGTERM), HEM_EBADF);
    check_int(hem_fork_ready(), HEM_ESTATE);
    hem_child_close(&c);
    return 0;
}

CASE(hem_fork)
{
    (void)f;
    hem_child never;
    if (hem_task_cancelling(hem_self()) > 0)
        return hem_fork(&never, forked_return, &code, NULL);
    HEM_TRY(hem_fork(&ended, forked_return, &code, NULL));
    HEM_TRY(hem_child_wait(&ended, NULL));
    return hem_fork(&live, forked_linger, NULL, NULL);
}

CASE(hem_child_wait)
{
    (void)f;
    if (hem_task_cancelling(hem_self()) > 0)
        return hem_child_wait(&live, NULL);
    check_int(hem_child_send_signal(&live, SIGKILL), 0);
    check_int(hem_child_wait(&live, NULL), 0);
    hem_child_close(&live);
    return hem_fork(&live, forked_linger, NULL, NULL);
}

CASE(at_once_hem_child_wait)
{
    (void)f;
    return hem_child_wait(&ended, NULL);
}

CASE(hem_child_close)
{
    (void)f;
    hem_child_close(&live);
    hem_child_close(&ended);
    return 0;
}

static const struct suspension table[] = {
    NEVER(hem_child_pid, child),  NEVER(hem_child_send_signal, child),
    NEVER(hem_fork_ready, child), SUSPENDS(hem_fork),
    AT_ONCE(hem_child_wait),      NEVER(hem_child_close, hem_child_close),
};

int main(void)
{
    static const char *const headers[] = {"child"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

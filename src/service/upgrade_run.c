/* SPDX-License-Identifier: MIT */
/* Starting the new program, until it is ready or has failed. */
#include <string.h>

#include "base/sys.h"
#include "hem/failure.h"
#include "hem/gather.h"
#include "hem/stream.h"
#include "hem/timeout.h"
#include "io/stream.h"
#include "process/child.h"
#include "service/upgrade.h"

#define LINE_MAX  64
#define END_AFTER HEM_SEC

struct run {
    const hem__upgrade_call *call;
    hem_subprocess program;
    hem_stream report; /* this side of the socket */
};

/* One that ends closes the socket just before: how it ended says more. */
static int end_of_report(void)
{
    HEM_TRY(hem_sleep(END_AFTER));
    return hem_fail(HEM_EINCOMPLETE,
                    "the new program has closed the socket to report by");
}

/* Until it says that it is ready. */
static int hear(void *arg)
{
    struct run *r = arg;
    static const char ready[] = HEM__UPGRADE_READY;
    char line[sizeof(ready)] = "";
    ssize_t n = hem_stream_read_exactly(&r->report, line, strlen(ready), NULL);
    if (n == 0 || n == HEM_EINCOMPLETE)
        return end_of_report();
    if (n < 0)
        return (int)n;
    if (strcmp(line, ready) != 0)
        return hem_fail(HEM_EPROTO, "the new program says something else than "
                                    "that it is ready");
    return 0;
}

static int judge(const hem_child_status *status)
{
    if (status->signal == 0 && status->exit_code == 0)
        return hem_fail(HEM_EEXITED, "the new program ended, with exit code 0");
    return hem_subprocess_check(status);
}

/* Until it has ended. */
static int mind(void *arg)
{
    struct run *r = arg;
    hem_child_status status;
    HEM_TRY(hem_subprocess_wait(&r->program, &status));
    return judge(&status);
}

static int wait_until_ready(struct run *r)
{
    hem_timeout t = {.state = 0};
    HEM_TRY(hem_timeout_open(&t, r->call->timeout));
    hem_call calls[] = {HEM_CALL(hear, r), HEM_CALL(mind, r)};
    int rc = hem_race(calls, 2, HEM_QUIET);
    return hem_timeout_close(&t, rc);
}

/* Both sides of a socket: `report`, and the new program's. */
static int open_report(hem_loop *l, struct run *r, int *ret_theirs)
{
    int fds[2];
    HEM_TRY(hem__sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    int rc = hem__sys_fcntl_set(fds[0], O_NONBLOCK);
    if (rc == 0)
        rc = hem__stream_init(l, &r->report, fds[0], LINE_MAX);
    if (rc < 0) {
        close(fds[0]);
        close(fds[1]);
        return rc;
    }
    *ret_theirs = fds[1];
    return 0;
}

static int start(hem_loop *l, struct run *r)
{
    hem__upgrade_gift gift;
    int theirs;
    HEM_TRY(open_report(l, r, &theirs));
    int rc = hem__upgrade_gift_init(&gift, r->call, theirs);
    if (rc == 0) {
        rc = hem_subprocess_start(&r->program, gift.argv, &gift.options);
        hem__upgrade_gift_deinit(&gift);
    }
    close(theirs);
    if (rc < 0)
        (void)hem_stream_close(&r->report);
    return rc;
}

static int stop(struct run *r, int rc)
{
    hem_error *held = hem_error_hold(hem_failure());
    (void)hem_subprocess_close(&r->program);
    if (held && held->code == rc)
        (void)hem_fail_again(held);
    hem_error_release(held);
    return rc;
}

int hem__upgrade_run(const hem__upgrade_call *call, pid_t *ret_pid)
{
    struct run r = {.call = call};
    HEM_TRY(start(hem__loop_need("hem__upgrade_run"), &r));
    pid_t pid = hem_subprocess_pid(&r.program);
    if (call->started)
        call->started(call->arg, pid);
    int rc = wait_until_ready(&r);
    if (rc >= 0) {
        hem__subprocess_release(&r.program);
        *ret_pid = pid;
        rc = 0;
    } else {
        rc = stop(&r, rc);
    }
    (void)hem_stream_close(&r.report);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* The start of a new program, cancelled everywhere: it is ready, or there is
 * none. */
#include <signal.h>
#include <sys/wait.h>

#include "cancel_everywhere.h"
#include "forked.h"
#include "service/upgrade.h"
#include "support.h"

struct upgrade {
    pid_t pid;
    pid_t started;
};

static void upgrade_begin(void *state)
{
    (void)state;
}

static void note_start(void *arg, pid_t pid)
{
    ((struct upgrade *)arg)->started = pid;
}

static int upgrade_body(void *arg)
{
    static char *const argv[] = {
        "sh", "-c", "echo READY >&3; exec tail -f /dev/null", NULL};
    struct upgrade *s = arg;
    const hem__upgrade_call call = {
        .argv = argv,
        .timeout = HEM_SEC,
        .grace = HEM_MSEC,
        .started = note_start,
        .arg = s,
    };
    return hem__upgrade_run(&call, &s->pid);
}

static void upgrade_end(void *state, const struct disturbance *d)
{
    struct upgrade *s = state;
    check_int(s->pid != 0, d->rc == 0);
    check(!s->pid || s->pid == s->started);
    if (s->pid) {
        check_int(kill(s->pid, SIGKILL), 0);
        check_int(waitpid(s->pid, NULL, 0), s->pid);
    }
    check(!forked_any());
    if (!d->requests)
        check_int(d->rc, 0);
}

static const struct flow flows[] = {FLOW(upgrade)};

int main(void)
{
    return cancel_everywhere(flows, COUNT_OF(flows));
}

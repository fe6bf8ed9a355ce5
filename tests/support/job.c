/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <stddef.h>

#include "check.h"

static int end(struct job *j, int status)
{
    j->ended = true;
    if (status < 0 && j->says)
        return hem_fail(status, "%s", j->says);
    return status;
}

int job(void *arg)
{
    struct job *j = arg;
    j->began = true;
    int rc = j->takes > 0 ? hem_sleep(j->takes) : 0;
    if (rc == 0)
        return end(j, j->result);
    j->why = hem_task_reason(hem_self());
    if (j->cleans > 0)
        check_int(hem_sleep(j->cleans), 0);
    return end(j, j->declines ? j->result : rc);
}

hem_task *job_spawn(struct job *j)
{
    hem_task *t = NULL;
    check_int(hem_spawn(&t, job, j), 0);
    return t;
}

/* One who cancels others; there are few. */
struct canceller {
    hem_callback callback;
    hem_task *t;
    const char *why;
};

static struct canceller cancellers[8];
static size_t count;

static void cancel_now(void *arg)
{
    struct canceller *c = arg;
    check(hem_task_cancel(c->t, c->why));
}

void cancel_at(hem_task *t, hem_ns when, const char *why)
{
    struct canceller *c =
        &cancellers[count++ % (sizeof(cancellers) / sizeof(*cancellers))];
    c->t = t;
    c->why = why;
    hem_callback_init(&c->callback, cancel_now, c);
    check_int(hem_call_at(&c->callback, when), 0);
}

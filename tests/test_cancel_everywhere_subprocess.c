/* SPDX-License-Identifier: MIT */
/* Subprocesses, cancelled everywhere: no child is left, nor anything else. */
#include <signal.h>

#include "cancel_everywhere.h"
#include "forked.h"
#include "support.h"

#define PIPES                                                                  \
    .in = HEM_PIPE, .out = HEM_PIPE, .err = HEM_PIPE, .grace = HEM_MSEC

static char *const cat[] = {"cat", NULL};

/* Start, communicate, wait, close. */

struct talk {
    hem_subprocess p;
    bool done;
};

static void talk_begin(void *state)
{
    (void)state;
}

static int talk_here(struct talk *s)
{
    hem_subprocess_output o;
    HEM_TRY(hem_subprocess_start(&s->p, cat, &(hem_subprocess_options){PIPES}));
    int rc = hem_subprocess_communicate(&s->p, "hello", 5, &o, NULL);
    if (rc == 0)
        check_str(o.out, "hello");
    hem_subprocess_output_free(&o);
    if (rc == 0)
        rc = hem_subprocess_wait(&s->p, NULL);
    s->done = rc == 0;
    int closed = hem_subprocess_close(&s->p);
    return rc < 0 ? rc : closed;
}

static int talk_body(void *arg)
{
    return talk_here(arg);
}

static void talk_end(void *state, const struct disturbance *d)
{
    struct talk *s = state;
    check(!forked_any());
    check_int(hem_subprocess_close(&s->p), HEM_EBADF);
    if (!d->requests)
        check(s->done);
}

/* Two tasks wait for one that a third one terminates by closing it. */

struct close {
    hem_subprocess p;
    int told;
};

static void close_begin(void *state)
{
    (void)state;
}

static int close_waiter(void *arg)
{
    struct close *s = arg;
    int rc = hem_subprocess_wait(&s->p, NULL);
    s->told += rc == 0 || rc == HEM_EBADF;
    return rc == HEM_EBADF ? 0 : rc;
}

static int close_body(void *arg)
{
    struct close *s = arg;
    HEM_TRY(hem_subprocess_start(&s->p, cat, &(hem_subprocess_options){PIPES}));
    HEM_SCOPE(scope);
    int rc = hem_scope_spawn(&scope, NULL, close_waiter, s);
    if (rc == 0)
        rc = hem_scope_spawn(&scope, NULL, close_waiter, s);
    if (rc == 0) /* virtual time waits for the child */
        rc = hem_yield();
    int closed = hem_subprocess_close(&s->p);
    return hem_scope_close(&scope, rc < 0 ? rc : closed);
}

static void close_end(void *state, const struct disturbance *d)
{
    struct close *s = state;
    check(!forked_any());
    check_int(hem_subprocess_close(&s->p), HEM_EBADF);
    if (!d->requests)
        check_int(s->told, 2);
}

/* All in one, within a time that is long enough. */

struct run {
    bool done;
};

static void run_begin(void *state)
{
    (void)state;
}

static int run_body(void *arg)
{
    struct run *s = arg;
    hem_subprocess_output o;
    hem_subprocess_run_options r = {.start = {PIPES},
                                    .communicate = {.timeout = HEM_SEC},
                                    .input = "x",
                                    .input_size = 1,
                                    .check = true};
    int rc = hem_subprocess_run(cat, &r, &o);
    hem_subprocess_output_free(&o);
    s->done = rc == 0;
    return rc;
}

static void run_end(void *state, const struct disturbance *d)
{
    struct run *s = state;
    check(!forked_any());
    if (!d->requests)
        check(s->done);
}

static const struct flow flows[] = {FLOW(talk), FLOW(close), FLOW(run)};

int main(void)
{
    return cancel_everywhere(flows, COUNT_OF(flows));
}

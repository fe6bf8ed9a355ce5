/* SPDX-License-Identifier: MIT */
/* Children by fork, cancelled everywhere: none is left, nor anything else. */
#include <signal.h>

#include "cancel_everywhere.h"
#include "forked.h"
#include "support.h"

/* Fork, ready by the child's own word; signal, wait, close. */

struct life {
    hem_child child;
    bool done;
};

static void life_begin(void *state)
{
    (void)state;
}

static int say_and_linger(void *arg)
{
    return hem_fork_ready() < 0 ? 1 : forked_linger(arg);
}

/* Behind some turns, so that there are moments at which it is about to run in
 * any order. */
static int fork_ready(hem_child *c)
{
    for (int i = 0; i < 4; i++)
        HEM_TRY(hem_yield());
    return hem_fork(
        c, say_and_linger, NULL,
        &(hem_fork_options){.ready_by_child = true, .timeout = 60 * HEM_SEC});
}

static int life_body(void *arg)
{
    struct life *s = arg;
    hem_child_status status = {.exit_code = 0};
    HEM_TRY(fork_ready(&s->child));
    int rc = hem_child_send_signal(&s->child, SIGTERM);
    if (rc == 0)
        rc = hem_child_wait(&s->child, &status);
    s->done = rc == 0 && status.signal == SIGTERM;
    hem_child_close(&s->child);
    return rc;
}

static void life_end(void *state, const struct disturbance *d)
{
    struct life *s = state;
    check(!forked_any());
    check_int(hem_child_wait(&s->child, NULL), HEM_EBADF);
    if (!d->requests)
        check(s->done);
}

/* Three tasks wait for one that a fourth one closes. */

struct watch {
    hem_child child;
    int told;
};

static void watch_begin(void *state)
{
    (void)state;
}

static int watch_waiter(void *arg)
{
    struct watch *s = arg;
    int rc = hem_child_wait(&s->child, NULL);
    s->told += rc == HEM_EBADF;
    return rc == HEM_EBADF ? 0 : rc;
}

static int watch_body(void *arg)
{
    struct watch *s = arg;
    HEM_TRY(fork_ready(&s->child));
    HEM_SCOPE(scope);
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = hem_scope_spawn(&scope, NULL, watch_waiter, s);
    if (rc == 0) /* virtual time waits for the child */
        rc = hem_yield();
    hem_child_close(&s->child);
    return hem_scope_close(&scope, rc);
}

static void watch_end(void *state, const struct disturbance *d)
{
    struct watch *s = state;
    check(!forked_any());
    if (!d->requests)
        check_int(s->told, 3);
}

/* Forks at once, one of which comes to nothing. */

struct forks {
    hem_child children[3];
};

static void forks_begin(void *state)
{
    (void)state;
}

static int forks_one(void *arg)
{
    hem_child *c = arg;
    HEM_TRY(fork_ready(c));
    int rc = hem_yield();
    hem_child_close(c);
    return rc;
}

static int forks_failing(void *arg)
{
    int code = 1;
    int rc = hem_fork(arg, forked_return, &code,
                      &(hem_fork_options){.ready_by_child = true});
    return rc == HEM_EEXITED ? 0 : rc;
}

static int forks_body(void *arg)
{
    struct forks *s = arg;
    HEM_SCOPE(scope);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(
            &scope, NULL, i == 1 ? forks_failing : forks_one, &s->children[i]));
    return hem_scope_close(&scope, 0);
}

static void forks_end(void *state, const struct disturbance *d)
{
    struct forks *s = state;
    (void)d;
    check(!forked_any());
    for (int i = 0; i < 3; i++)
        check_int(hem_child_wait(&s->children[i], NULL), HEM_EBADF);
}

static const struct flow flows[] = {FLOW(life), FLOW(watch), FLOW(forks)};

int main(void)
{
    return cancel_everywhere(flows, COUNT_OF(flows));
}

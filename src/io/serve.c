/* SPDX-License-Identifier: MIT */
/*
 * hem_serve: a scope with a task for each connection.
 *
 *     accepting <--limit reached, one ends--> full
 *         |  listener closed                    |
 *         v                                     v
 *     draining --all ended, or grace over: aborted--> done
 *
 * A connection's task is started eagerly: it takes the descriptor over from
 * the server and reads its first request at once, so nothing is allocated.
 */
#include <unistd.h>

#include "hem/loop.h"
#include "hem/scope.h"
#include "io/listen.h"

#define DEFAULT_MAX_CONNECTIONS 10000
#define DEFAULT_GRACE           (10 * HEM_SEC)

struct server {
    hem_listener *listener;
    hem_serve_fn *fn;
    void *arg;
    const hem_serve_options *options;
    hem_scope scope;
    uint32_t active; /* connections */
    uint32_t max;
    int next_fd; /* for the task that is being started */
    bool full;   /* the accepting task waits for a connection to end */
};

/* Errors that peers cause; nobody wants a report for each. */
static bool expected(int error)
{
    return error == HEM_ECONNRESET || error == HEM_EPIPE ||
           error == HEM_ETIMEDOUT;
}

static int connection(void *arg)
{
    struct server *sv = arg;
    hem_stream s;
    int fd = sv->next_fd;
    sv->active++;
    int rc = hem__stream_init(hem__loop, &s, fd, sv->listener->limit);
    if (rc < 0)
        close(fd);
    else
        rc = sv->fn(&s, sv->arg);
    (void)hem_stream_close(&s);
    sv->active--;
    if (sv->full)
        hem__listener_resume(sv->listener);
    if (rc >= 0 || sv->options->quiet || expected(rc))
        return 0;
    return rc;
}

/* Start a task for connection `fd`. */
static int start(struct server *sv, int fd)
{
    hem__tcp_tune(fd);
    sv->next_fd = fd;
    int rc = hem_scope_spawn_with(&sv->scope, NULL, connection, sv,
                                  .name = "connection", .eager = true,
                                  .stack_bytes = sv->options->stack_bytes);
    if (rc < 0)
        close(fd);
    return rc;
}

static int wait_for_place(struct server *sv)
{
    sv->full = true;
    int rc = hem__listener_pause(sv->listener, HEM_NEVER);
    sv->full = false;
    return rc;
}

/* Accept until the listener is closed: 0, or HEM_ECANCELED. */
static int accept_all(hem_loop *l, hem__fiber *f, struct server *sv)
{
    int rc = 0;
    while (rc == 0) {
        if (sv->active >= sv->max) {
            rc = wait_for_place(sv);
            continue;
        }
        rc = hem__accept_fd(l, f, sv->listener);
        if (rc >= 0)
            rc = start(sv, rc);
        if (rc == HEM_ENOMEM)
            rc = hem__listener_pause(sv->listener, 10 * HEM_MSEC);
    }
    return rc == HEM_EBADF ? 0 : rc;
}

static void grace_over(void *arg)
{
    struct server *sv = arg;
    hem_scope_abort(&sv->scope, "grace period over");
}

static int drain(struct server *sv)
{
    hem_ns grace = sv->options->grace ? sv->options->grace : DEFAULT_GRACE;
    hem_callback over;
    hem_callback_init(&over, grace_over, sv);
    if (grace < 0)
        grace_over(sv);
    else if (grace != HEM_NEVER && hem_call_later(&over, grace) < 0)
        grace_over(sv); /* without memory for a timer, no grace */
    int rc = hem_scope_close(&sv->scope, 0);
    (void)hem_callback_cancel(&over);
    return rc;
}

int hem_serve(hem_listener *listener, hem_serve_fn *fn, void *arg,
              const hem_serve_options *opts)
{
    static const hem_serve_options defaults;
    if (!hem__fd_is_open(&listener->fd))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_serve");
    hem__fiber *f = hem__fiber_need(l, "hem_serve");
    if (listener->accepting)
        return HEM_EBUSY;
    struct server sv = {.listener = listener,
                        .fn = fn,
                        .arg = arg,
                        .options = opts ? opts : &defaults};
    sv.max = sv.options->max_connections ? sv.options->max_connections
                                         : DEFAULT_MAX_CONNECTIONS;
    /* Later nothing but a close may end it. */
    HEM_TRY(hem__fd_watch(l, &listener->fd, HEM__FD_READ));
    HEM_TRY(hem_scope_open(&sv.scope, NULL));
    listener->accepting = true;
    int rc = accept_all(l, f, &sv);
    listener->accepting = false;
    return rc < 0 ? hem_scope_close(&sv.scope, rc) : drain(&sv);
}

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
#include "hem/serve.h"

#include <unistd.h>

#include "base/list.h"
#include "hem/loop.h"
#include "hem/proxy.h"
#include "hem/scope.h"
#include "hem/timeout.h"
#include "io/listen.h"

#define DEFAULT_MAX_CONNECTIONS 10000
#define DEFAULT_GRACE           (10 * HEM_SEC)
#define DEFAULT_PROXY_TIMEOUT   (10 * HEM_SEC)

struct hem__server {
    hem_listener *listener;
    hem_serve_fn *fn;
    void *arg;
    const hem_serve_options *options;
    hem_scope scope;
    struct hem__list connections;
    uint32_t active; /* how many */
    uint32_t max;
    int next_fd; /* for the task that is being started */
    bool full;   /* the accepting task waits for a connection to end */
};

/* Errors that peers cause; nobody wants a report for each. */
static bool expected(int error)
{
    return error == HEM_ECONNRESET || error == HEM_EPIPE ||
           error == HEM_ETIMEDOUT || error == HEM_ETRUNCATED ||
           error == HEM_ETLS;
}

struct connection { /* on the stack of its task */
    struct hem__list link;
    hem_stream stream;
    bool dropped; /* hem_listener_close_clients() has closed it */
};

/* Have the proxy say for whom it connects. 1: it has; 0: it has not, which is
 * nobody's business. */
static int hear_proxy(const hem_serve_options *o, hem_stream *s)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, o->proxy_timeout ? o->proxy_timeout
                                                  : DEFAULT_PROXY_TIMEOUT));
    int rc = hem_timeout_close(&t, hem_stream_read_proxy(s, NULL));
    if (rc == HEM_ECANCELED || rc == HEM_ENOMEM)
        return rc;
    return rc == 0;
}

static int talk(const struct hem__server *sv, hem_stream *s)
{
    if (sv->options->proxy) {
        int rc = hear_proxy(sv->options, s);
        if (rc <= 0)
            return rc;
    }
    return sv->fn(s, sv->arg);
}

/* As what the task of a connection ends that ended with `rc`. */
static int verdict(const struct hem__server *sv, const struct connection *c,
                   int rc)
{
    if (rc >= 0 || sv->options->quiet || expected(rc))
        return 0;
    return c->dropped && rc == HEM_EBADF ? 0 : rc;
}

static int connection(void *arg)
{
    struct hem__server *sv = arg;
    struct connection c;
    int fd = sv->next_fd;
    c.dropped = false;
    sv->active++;
    hem__list_insert(&sv->connections, &c.link);
    int rc = hem__stream_init(hem__loop, &c.stream, fd, sv->listener->limit);
    if (rc < 0)
        close(fd);
    else
        rc = talk(sv, &c.stream);
    (void)hem_stream_close(&c.stream);
    hem__list_remove(&c.link);
    sv->active--;
    if (sv->full)
        hem__listener_resume(sv->listener);
    return verdict(sv, &c, rc);
}

/* Start a task for connection `fd`. */
static int start(struct hem__server *sv, int fd)
{
    sv->next_fd = fd;
    int rc = hem_scope_spawn_with(&sv->scope, NULL, connection, sv,
                                  .name = "connection", .eager = true,
                                  .stack_bytes = sv->options->stack_bytes);
    if (rc < 0)
        close(fd);
    return rc;
}

static int wait_for_place(struct hem__server *sv)
{
    sv->full = true;
    int rc = hem__listener_pause(sv->listener, HEM_NEVER);
    sv->full = false;
    return rc;
}

/* Accept until the listener is closed: 0, or HEM_ECANCELED. */
static int accept_all(hem_loop *l, hem__fiber *f, struct hem__server *sv)
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
    struct hem__server *sv = arg;
    hem_scope_abort(&sv->scope, "grace period over");
}

static int drain(struct hem__server *sv)
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

/* From its beginning to its end, the server can be found in the listener. */
static int run(hem_loop *l, hem__fiber *f, struct hem__server *sv)
{
    hem_listener *listener = sv->listener;
    listener->server = sv;
    listener->serving = l->id;
    listener->accepting = true;
    int rc = accept_all(l, f, sv);
    listener->accepting = false;
    rc = rc < 0 ? hem_scope_close(&sv->scope, rc) : drain(sv);
    if (listener->server == sv) /* not yet another one */
        listener->serving = 0;
    return rc;
}

int hem_serve(hem_listener *listener, hem_serve_fn *fn, void *arg,
              const hem_serve_options *opts)
{
    static const hem_serve_options defaults;
    if (!hem__listener_is_open(listener))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_serve");
    hem__fiber *f = hem__fiber_need(l, "hem_serve");
    if (listener->accepting)
        return HEM_EBUSY;
    struct hem__server sv = {.listener = listener,
                             .fn = fn,
                             .arg = arg,
                             .options = opts ? opts : &defaults};
    sv.max = sv.options->max_connections ? sv.options->max_connections
                                         : DEFAULT_MAX_CONNECTIONS;
    hem__list_init(&sv.connections);
    HEM_TRY(hem__listener_watch(l, listener));
    HEM_TRY(hem_scope_open(&sv.scope, NULL));
    return run(l, f, &sv);
}

/* The hem_serve() that runs on it, in this process; or NULL. */
static struct hem__server *server_of(const hem_listener *l)
{
    bool here = l->serving && hem__loop && l->serving == hem__loop->id;
    return here ? l->server : NULL;
}

static size_t drop_clients(hem_listener *l, int (*drop)(hem_stream *s))
{
    struct hem__server *sv = server_of(l);
    size_t count = 0;
    if (!sv)
        return 0;
    struct hem__list *head = &sv->connections;
    for (struct hem__list *at = head->next; at != head; at = at->next) {
        struct connection *c = HEM__CONTAINER(at, struct connection, link);
        if (drop(&c->stream) < 0)
            continue; /* it has been closed */
        c->dropped = true;
        count++;
    }
    return count;
}

size_t hem_listener_close_clients(hem_listener *l)
{
    return drop_clients(l, hem_stream_close);
}

size_t hem_listener_abort_clients(hem_listener *l)
{
    return drop_clients(l, hem_stream_abort);
}

size_t hem_listener_connections(const hem_listener *l)
{
    const struct hem__server *sv = server_of(l);
    return sv ? sv->active : 0;
}

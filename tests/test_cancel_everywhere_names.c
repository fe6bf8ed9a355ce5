/* SPDX-License-Identifier: MIT */
/* Cancel at every point of suspension: names and clients. */
#include "cancel_everywhere.h"

#include <sys/socket.h>

#include "attempts.h"
#include "ms.h"
#include "names.h"
#include "net.h"
#include "support.h"
#include "unix_net.h"

#define NAME "many.example"

struct lookup {
    hem_address found[2];
    ssize_t count;
    char name[HEM_HOST_TEXT];
    int length;
};

static void lookup_begin(void *state)
{
    struct lookup *p = state;
    names_begin();
    names_add((struct name){NAME, "192.0.2.1 192.0.2.2", 0, 5 * MS});
    p->length = -1;
}

static int lookup_body(void *state)
{
    struct lookup *p = state;
    p->count = hem_resolve(p->found, 2, NAME, 80, NULL);
    HEM_TRY(p->count);
    HEM_TRY(hem_resolve(p->found, 2, "localhost", 80, NULL));
    int rc = hem_resolve_name(&p->found[1], p->name, sizeof(p->name), NULL);
    if (rc == HEM_ENAME) /* nobody knows 127.0.0.1 */
        rc = 0;
    p->length = rc;
    return rc;
}

static void lookup_end(void *state, const struct disturbance *d)
{
    struct lookup *p = state;
    if (d->requests == 0)
        check_int(d->rc, 0);
    if (d->body)
        check_int(d->rc, HEM_ECANCELED);
    check(p->count != 1);
}

/* A connection after a while: the first address does not answer, the second
 * refuses, the third is slow. */
struct race {
    hem_listener listener;
    hem_stream stream;
    int rc;
};

static void race_begin(void *state)
{
    struct race *p = state;
    attempts_begin(net_listen(&p->listener));
    attempts_add((struct attempt){.host = "192.0.2.1", .after = HEM_NEVER});
    attempts_add((struct attempt){
        .host = "192.0.2.2", .after = 5 * MS, .error = ECONNREFUSED});
    attempts_add((struct attempt){.host = "192.0.2.3", .after = 20 * MS});
    names_begin();
    names_add((struct name){NAME, "192.0.2.1 192.0.2.2 192.0.2.3", 0, 5 * MS});
}

static int race_body(void *state)
{
    struct race *p = state;
    p->rc = hem_connect(
        &p->stream, NAME, 80,
        &(hem_connect_options){.attempt_delay = 10 * MS, .timeout = HEM_SEC});
    return p->rc;
}

static void race_end(void *state, const struct disturbance *d)
{
    struct race *p = state;
    if (d->requests == 0)
        check_int(d->rc, 0);
    check_int(attempts_open(), p->rc == 0 && d->rc == 0);
    int rc = hem_stream_close(&p->stream);
    check_int(rc, p->rc == 0 && d->rc == 0 ? 0 : HEM_EBADF);
    check_int(attempts_open(), 0);
    check_int(hem_listener_close(&p->listener), 0);
    attempts_begin(0);
}

/* A connection to one address that is slow to answer. */
struct address {
    hem_listener listener;
    hem_stream stream;
    int rc;
};

static void address_begin(void *state)
{
    struct address *p = state;
    attempts_begin(net_listen(&p->listener));
    attempts_add((struct attempt){.host = "192.0.2.1", .after = 20 * MS});
    p->rc = 1;
}

static int address_body(void *state)
{
    struct address *p = state;
    hem_address a;
    HEM_TRY(hem_address_parse(&a, "192.0.2.1", 80));
    p->rc = hem_connect_address(&p->stream, &a,
                                &(hem_connect_options){.timeout = HEM_SEC});
    return p->rc;
}

static void address_end(void *state, const struct disturbance *d)
{
    struct address *p = state;
    if (d->requests == 0)
        check_int(d->rc, 0);
    check_int(attempts_open(), p->rc == 0);
    check_int(hem_stream_close(&p->stream), p->rc == 0 ? 0 : HEM_EBADF);
    check_int(attempts_open(), 0);
    check_int(hem_listener_close(&p->listener), 0);
    attempts_begin(0);
}

/* A connection to a Unix socket whose queue is full for a while. */
struct queue {
    hem_stream stream;
    char name[40];
    int server;
    int first; /* it is in the queue until then */
    int rc;
};

static void queue_begin(void *state)
{
    struct queue *p = state;
    snprintf(p->name, sizeof(p->name), "@hem-test-%ld", (long)getpid());
    p->server = unix_bind(p->name);
    check_int(listen(p->server, 0), 0);
    p->first = unix_connect(p->name);
    p->rc = 1;
}

static int accept_first(void *state)
{
    struct queue *p = state;
    HEM_TRY(hem_sleep(30 * MS));
    close(accept(p->server, NULL, NULL));
    return 0;
}

static int queue_body(void *state)
{
    struct queue *p = state;
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY_IN(&s, hem_scope_spawn(&s, NULL, accept_first, p));
    p->rc = hem_connect_unix(&p->stream, p->name,
                             &(hem_connect_options){.timeout = 100 * MS});
    return hem_scope_close(&s, p->rc);
}

static void queue_end(void *state, const struct disturbance *d)
{
    struct queue *p = state;
    if (d->requests == 0)
        check_int(d->rc, 0);
    check_int(hem_stream_close(&p->stream), p->rc == 0 ? 0 : HEM_EBADF);
    close(p->first);
    close(p->server);
}

static const struct flow flows[] = {FLOW(lookup), FLOW(race), FLOW(address),
                                    FLOW(queue)};

int main(void)
{
    return cancel_everywhere(flows, COUNT_OF(flows));
}

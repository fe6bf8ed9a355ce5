/* SPDX-License-Identifier: MIT */
/* Servers, cancelled everywhere: no connection is lost, and none is left. */
#include "support.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "cancel_everywhere.h"
#include "net.h"

/* Two connections at two addresses, accepted one after the other. */

struct accepting {
    hem_listener listener;
    int peers[2];
    int accepted;
};

static void accepting_begin(void *state)
{
    struct accepting *s = state;
    check_int(hem_listen(&s->listener, "127.0.0.1", 0, NULL), 0);
    check_int(hem_listener_add(&s->listener, "127.0.0.2", 0, NULL), 0);
}

static int connect_to(hem_listener *l, size_t n)
{
    hem_address a[2];
    check_int(hem_listener_addresses(l, a, 2), 2);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(connect(fd, (struct sockaddr *)&a[n].storage, a[n].length), 0);
    return fd;
}

static int connect_later(void *arg)
{
    struct accepting *s = arg;
    for (int i = 0; i < 2; i++) {
        HEM_TRY(hem_sleep(HEM_MSEC));
        s->peers[1 - i] = connect_to(&s->listener, (size_t)(1 - i));
    }
    return 0;
}

static int accept_one(struct accepting *s)
{
    HEM_STREAM(stream);
    HEM_TRY(hem_accept(&s->listener, &stream));
    s->accepted++;
    return 0;
}

static int accepting_body(void *arg)
{
    struct accepting *s = arg;
    HEM_SCOPE(children, .timeout = 100 * HEM_MSEC, .move_on = true);
    HEM_TRY(hem_scope_spawn(&children, NULL, connect_later, s));
    int rc = accept_one(s);
    if (rc == 0)
        rc = accept_one(s);
    return hem_scope_close(&children, rc);
}

static void accepting_end(void *state, const struct disturbance *d)
{
    struct accepting *s = state;
    int connected = (s->peers[0] > 0) + (s->peers[1] > 0);
    (void)d;
    while (s->accepted < connected) /* who is not accepted yet, waits */
        check_int(accept_one(s), 0);
    for (int i = 0; i < 2; i++) {
        if (s->peers[i] > 0)
            net_close(s->peers[i]);
    }
    check_int(hem_listener_close(&s->listener), 0);
}

/* A server behind a proxy, one connection, and the end. */

struct serving {
    hem_listener listener;
    int peer;
    int begun, ended;
};

static void serving_begin(void *state)
{
    struct serving *s = state;
    s->peer = net_connect(net_listen(&s->listener));
}

static int echo_once(hem_stream *stream, void *arg)
{
    struct serving *s = arg;
    char buf[8];
    s->begun++;
    ssize_t n = hem_stream_read(stream, buf, sizeof(buf));
    s->ended++;
    return (int)n;
}

static int serve(void *arg)
{
    struct serving *s = arg;
    return hem_serve(&s->listener, echo_once, s,
                     &(hem_serve_options){.proxy = true});
}

/* Unless the server, cancelled, has closed the connection. */
static void say(const struct serving *s, const char *text)
{
    (void)!send(s->peer, text, strlen(text), MSG_NOSIGNAL);
}

static int serving_body(void *arg)
{
    struct serving *s = arg;
    HEM_SCOPE(children);
    HEM_TRY(hem_scope_spawn(&children, NULL, serve, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    say(s, "PROXY TCP4 ");
    HEM_TRY(hem_sleep(HEM_MSEC));
    say(s, "1.1.1.1 2.2.2.2 1 2\r\n");
    HEM_TRY(hem_sleep(HEM_MSEC));
    say(s, "hello");
    HEM_TRY(hem_sleep(HEM_MSEC));
    check_int(hem_listener_close(&s->listener), 0);
    return hem_scope_close(&children, 0);
}

static void serving_end(void *state, const struct disturbance *d)
{
    struct serving *s = state;
    check_int(s->begun, s->ended);
    if (d->requests == 0)
        check_int(s->begun, 1);
    check_int(hem_listener_connections(&s->listener), 0);
    (void)hem_listener_close(&s->listener);
    net_close(s->peer);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(accepting),
        FLOW(serving),
    };
    return cancel_everywhere(flows, COUNT_OF(flows));
}

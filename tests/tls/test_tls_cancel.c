/* SPDX-License-Identifier: MIT */
/* TLS, cancelled everywhere: no byte is lost or sent twice, and a stream that
 * was not closed remains usable. */
#include "cancel_everywhere.h"

#include <sys/socket.h>

#include "pair.h"
#include "support.h"

static hem_tls *client, *server;

/* The other side may never begin. */
static const hem_tls_options hurry = {.host = "localhost",
                                      .handshake_timeout = 100 * HEM_MSEC};

/* A handshake, whichever side is cancelled: both come to an end, closed. */

struct shaking {
    hem_stream a, b;
};

static void shaking_begin(void *state)
{
    struct shaking *s = state;
    check_int(hem_socket_pair(&s->a, &s->b), 0);
}

static int shake_server(void *arg)
{
    struct shaking *s = arg;
    int rc = hem_tls_start_server(&s->b, server, &hurry);
    if (rc == 0)
        rc = pair_expect(&s->b, 0, 10);
    (void)hem_stream_close(&s->b);
    return rc;
}

static int shaking_body(void *arg)
{
    struct shaking *s = arg;
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&scope, NULL, shake_server, s));
    int rc = hem_tls_start_client(&s->a, client, &hurry);
    if (rc == 0)
        rc = pair_send(&s->a, 0, 10);
    (void)hem_stream_close(&s->a);
    return hem_scope_close(&scope, rc);
}

static void shaking_end(void *state, const struct disturbance *d)
{
    struct shaking *s = state;
    (void)hem_stream_close(&s->a); /* unless the body never ran */
    (void)hem_stream_close(&s->b);
    if (!d->requests)
        check_int(d->rc, 0);
    if (d->body)
        check_int(d->rc, HEM_ECANCELED);
}

/* Bytes both ways, by tasks that go on where they were when they are cancelled:
 * all arrive, each once, in order. */

#define AMOUNT ((size_t)6000)
#define CHUNK  ((size_t)3000)

struct moving {
    struct pair p;
    char bytes[2][CHUNK];
};

/* Let the kernel take as little as it can. */
static void narrow(hem_stream *s)
{
    hem_stream_info info;
    int least = 1;
    check_int(hem_stream_get_info(s, &info), 0);
    check_int(setsockopt(info.fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)),
              0);
}

static void moving_begin(void *state)
{
    struct moving *s = state;
    struct pair *p = &s->p;
    p->client = client;
    p->server = server;
    check_int(hem_socket_pair(&p->a, &p->b), 0);
    narrow(&p->a);
    narrow(&p->b);
    pair_shake(p);
    check_int(p->client_rc, 0);
    check_int(p->server_rc, 0);
}

/* Send the pattern; what a cancelled write has sent is what was counted. */
static int send_all(hem_stream *s, char *bytes)
{
    uint64_t before = hem_stream_bytes_written(s);
    size_t sent = 0;
    while (sent < AMOUNT) {
        size_t n = AMOUNT - sent < CHUNK ? AMOUNT - sent : CHUNK;
        for (size_t i = 0; i < n; i++)
            bytes[i] = pair_byte(sent + i);
        ssize_t rc = hem_stream_write(s, bytes, n);
        check(rc == HEM_ECANCELED || rc == (ssize_t)n);
        sent = (size_t)(hem_stream_bytes_written(s) - before);
        if (rc < 0)
            (void)!hem_stream_flush(s);
    }
    return 0;
}

static int send_a(void *arg)
{
    struct moving *s = arg;
    return send_all(&s->p.a, s->bytes[0]);
}

static int receive_all(hem_stream *s)
{
    size_t got = 0;
    while (got < AMOUNT) {
        char buf[2000];
        ssize_t n = hem_stream_read(s, buf, sizeof(buf));
        if (n == HEM_ECANCELED)
            continue;
        if (!check(n > 0))
            return HEM_EINCOMPLETE;
        for (ssize_t i = 0; i < n; i++) {
            if (!check(buf[i] == pair_byte(got + (size_t)i)))
                return HEM_EPROTO;
        }
        got += (size_t)n;
    }
    return 0;
}

static int receive_b(void *arg)
{
    struct moving *s = arg;
    return receive_all(&s->p.b);
}

static int moving_body(void *arg)
{
    struct moving *s = arg;
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    int rc = hem_scope_spawn_with(&scope, NULL, send_a, s, .eager = true);
    if (rc == 0)
        rc = hem_scope_spawn_with(&scope, NULL, receive_b, s, .eager = true);
    if (rc == 0)
        rc = receive_all(&s->p.a);
    return hem_scope_close(&scope, rc);
}

static int answer(void *arg)
{
    struct moving *s = arg;
    return send_all(&s->p.b, s->bytes[1]);
}

/* The same with the other direction at once. */
static int moving_both(void *arg)
{
    struct moving *s = arg;
    HEM_TRY(hem_yield());
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    int rc = hem_scope_spawn_with(&scope, NULL, answer, s, .eager = true);
    if (rc == 0)
        rc = moving_body(s);
    return hem_scope_close(&scope, rc);
}

static void moving_end(void *state, const struct disturbance *d)
{
    struct moving *s = state;
    if (!d->requests)
        check_int(d->rc, 0);
    int rc = hem_stream_close(&s->p.a);
    check(rc == 0 || (evil_io() && rc == HEM_EINCOMPLETE)); /* has one try */
    (void)hem_stream_close(&s->p.b); /* there is nobody to say goodbye to */
}

int main(void)
{
    client = pair_client((hem_tls_config){.insecure = false});
    server = pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
    const struct flow flows[] = {
        FLOW(shaking),
        {"moving", sizeof(struct moving), moving_begin, moving_both,
         moving_end},
    };
    int rc = cancel_everywhere(flows, COUNT_OF(flows));
    hem_tls_destroy(client);
    hem_tls_destroy(server);
    return rc;
}

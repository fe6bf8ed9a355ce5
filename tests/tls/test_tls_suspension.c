/* SPDX-License-Identifier: MIT */
/* Each function of tls.h either suspends and is a point of cancellation, or
 * never. */
#include "suspension.h"

#include "net.h"
#include "pair.h"
#include "support.h"

static hem_tls *client, *server;
static hem_tls_session *session;

static int greet(void *arg)
{
    return hem_tls_start_server(arg, server, NULL);
}

static int greet_back(void *arg)
{
    return hem_tls_start_client(arg, client,
                                &(hem_tls_options){.host = "localhost"});
}

/* A handshake of `s` by `fn`, with the other side by `other` in a task. */
static int shake(hem_fn *fn, hem_fn *other)
{
    hem_stream s, t;
    hem_task *task = NULL;
    bool cancelled = hem_task_cancelling(hem_self()) > 0;
    check_int(hem_socket_pair(&s, &t), 0);
    check_int(hem_spawn(&task, other, &t), 0);
    int rc = fn(&s);
    check_int(hem_stream_close(&s), cancelled ? HEM_EBADF : 0);
    (void)!hem_await(task);
    (void)hem_stream_close(&t);
    return rc;
}

CASE(hem_tls_start_client)
{
    (void)f;
    return shake(greet_back, greet);
}

CASE(hem_tls_start_server)
{
    (void)f;
    return shake(greet, greet_back);
}

static int accept_one(void *arg)
{
    HEM_STREAM(s);
    HEM_TRY(hem_accept(arg, &s));
    return hem_tls_start_server(&s, server, NULL);
}

CASE(hem_tls_connect)
{
    (void)f;
    HEM_LISTENER(l);
    uint16_t port = net_listen(&l);
    hem_task *task = NULL;
    HEM_STREAM(s);
    check_int(hem_spawn(&task, accept_one, &l), 0);
    int rc = hem_tls_connect(&s, "127.0.0.1", port, client, NULL, NULL);
    (void)hem_listener_close(&l);
    (void)!hem_await(task);
    return rc;
}

CASE(tls)
{
    (void)f;
    hem_tls *tls = NULL;
    hem_tls_session *none = NULL;
    hem_stream s = {.limit = 0};
    hem_tls_info info;
    check_int(hem_tls_create_server(&tls, &(hem_tls_config){.sni = NULL}),
              HEM_EINVAL);
    check_int(hem_tls_create_client(&tls, &(hem_tls_config){.insecure = true}),
              0);
    hem_tls_destroy(tls);
    check_int(hem_tls_get_info(&s, &info), HEM_EBADF);
    check_int(hem_tls_session_get(&s, &none), HEM_EBADF);
    check_int(hem_tls_session_load(&none, "x", 1), HEM_EINVAL);
    hem_tls_session_destroy(NULL);
    return 0;
}

CASE(save)
{
    (void)f;
    char bytes[8192];
    check(hem_tls_session_save(session, bytes, sizeof(bytes)) > 0);
    return 0;
}

static int make_session(void *arg)
{
    (void)arg;
    struct pair p = {.client = client, .server = server};
    pair_open_well(&p);
    check_int(pair_send(&p.b, 0, 1), 0);
    check_int(pair_expect(&p.a, 0, 1), 0);
    check_int(hem_tls_session_get(&p.a, &session), 0);
    pair_close(&p);
    return 0;
}

static const struct suspension table[] = {
    NEVER(hem_tls_create_client, tls),   NEVER(hem_tls_create_server, tls),
    NEVER(hem_tls_destroy, tls),         SUSPENDS(hem_tls_start_client),
    SUSPENDS(hem_tls_start_server),      SUSPENDS(hem_tls_connect),
    NEVER(hem_tls_get_info, tls),        NEVER(hem_tls_session_get, tls),
    NEVER(hem_tls_session_save, save),   NEVER(hem_tls_session_load, tls),
    NEVER(hem_tls_session_destroy, tls),
};

int main(void)
{
    static const char *const headers[] = {"tls"};
    client = pair_client((hem_tls_config){.insecure = false});
    server = pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
    check_int(run_virtual(make_session, NULL), 0);
    int rc =
        suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
    hem_tls_session_destroy(session);
    hem_tls_destroy(client);
    hem_tls_destroy(server);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* Servers: one that must go on whatever fails, and one that must end. */
#include "torture.h"

#define CLIENTS    3
#define MESSAGES   5
#define LINE_BYTES 10000

/* A server of lines, and its clients. */

struct server {
    hem_listener listener;
    uint16_t port;
    int connections; /* so far */
    int result;      /* of hem_serve */
    bool ended;
};

static int echo_lines(hem_stream *s, void *arg)
{
    struct server *sv = arg;
    sv->connections++;
    char *line;
    ssize_t n;
    int tries = 3;
    while ((n = hem_stream_read_line(s, &line)) != 0) {
        if (n < 0 && !(lacks(n) && tries-- > 0))
            return (int)n;
        if (n > 0)
            HEM_TRY(hem_stream_write(s, line, (size_t)n));
    }
    return 0;
}

static int serve(void *arg)
{
    struct server *sv = arg;
    sv->result = hem_serve(&sv->listener, echo_lines, sv,
                           &(hem_serve_options){.quiet = true});
    sv->ended = true;
    return 0;
}

/* Short lines, and a long one. */
static size_t make_line(char *line, int client, int message)
{
    int n = snprintf(line, 64, "client %d, message %d", client, message);
    size_t size = (size_t)n;
    if (message == 2) {
        memset(line + size, '.', LINE_BYTES - size);
        size = LINE_BYTES;
    }
    line[size++] = '\n';
    return size;
}

static int exchange(hem_stream *s, int client, int message)
{
    char sent[LINE_BYTES + 1];
    char got[LINE_BYTES + 1];
    char *line = got;
    size_t size = make_line(sent, client, message);
    HEM_TRY(hem_stream_write(s, sent, size));
    ssize_t n;
    if (message % 2)
        n = hem_stream_read_exactly(s, got, size, NULL);
    else if (n = hem_stream_read_until(s, "\n", &line), lacks(n))
        n = hem_stream_read_until(s, "\n", &line);
    if (n == 0)
        return HEM_EINCOMPLETE;
    HEM_TRY(n);
    check_int(n, size);
    check(memcmp(line, sent, size) == 0);
    return 0;
}

static int talk(hem_stream *s, int client)
{
    for (int message = 0; message < MESSAGES; message++)
        HEM_TRY(exchange(s, client, message));
    HEM_TRY(hem_stream_shutdown_write(s));
    char byte;
    ssize_t n = hem_stream_read(s, &byte, 1);
    check(n <= 0);
    return (int)n;
}

static int be_client(uint16_t port, int client)
{
    hem_stream s;
    HEM_TRY(hem_connect(&s, "127.0.0.1", port, NULL));
    int rc = talk(&s, client);
    check_int(hem_stream_close(&s), 0);
    return rc;
}

static int client_task(void *arg)
{
    check_success(be_client(*(uint16_t *)arg, 1), HEM_ECANCELED,
                  TORTURE_PEER_FAILED);
    return 0;
}

static int be_clients(void *arg)
{
    struct server *sv = arg;
    HEM_SCOPE(s);
    for (int i = 0; i < CLIENTS; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, client_task, &sv->port));
    return hem_scope_close(&s, 0);
}

/* The server goes on, and serves who comes when nothing fails any more. */
static void check_serves(struct server *sv)
{
    check_success(in_time(be_clients, sv), HEM_ETIMEDOUT);
    if (!check(!sv->ended))
        return;
    calm();
    check_int(be_client(sv->port, 2), 0);
    check(!sv->ended);
}

static int serve_main(void *arg)
{
    (void)arg;
    struct server sv = {0};
    HEM_TRY(listen_somewhere(&sv.listener, &sv.port, "127.0.0.1"));
    HEM_SCOPE(s);
    int rc = hem_scope_spawn_with(&s, NULL, serve, &sv, .eager = true);
    if (rc == 0 && sv.ended)
        rc = sv.result; /* it did not begin */
    if (check_success(rc))
        check_serves(&sv);
    check_int(hem_listener_close(&sv.listener), 0);
    check_int(hem_scope_close(&s, 0), 0);
    if (rc == 0) {
        check(sv.ended);
        check_int(sv.result, 0);
    }
    return 0;
}

void scenario_serve(void)
{
    check_success(hem_run(serve_main, NULL, NULL));
}

/* The same where the tables of the loop are full once the clients are there,
 * and in virtual time. */

#define CROWDED_FROM 60 /* descriptors below it are in use */

static int crowded_main(void *arg)
{
    return in_crowd(2 + CLIENTS, serve_main, arg);
}

void scenario_crowded(void)
{
    hem_virtual_clock clock = {.grace = 20 * HEM_MSEC};
    int fds[CROWDED_FROM];
    int count = 0;
    while ((fds[count] = dup(STDIN_FILENO)) < CROWDED_FROM && fds[count] >= 0)
        count++;
    close(fds[count]);
    check_success(
        hem_run(crowded_main, NULL, &(hem_run_options){.clock = &clock}));
    while (count > 0)
        close(fds[--count]);
}

/* To close a listener ends its server, whatever fails, with all connections,
 * those that wait for a place among them. */

static int hold(hem_stream *s, void *arg)
{
    struct server *sv = arg;
    sv->connections++;
    char byte;
    return (int)hem_stream_read(s, &byte, 1);
}

static int serve_few(void *arg)
{
    struct server *sv = arg;
    sv->result = hem_serve(
        &sv->listener, hold, sv,
        &(hem_serve_options){.max_connections = 1, .grace = 10 * HEM_MSEC});
    sv->ended = true;
    return 0;
}

static int connect_and_drain(void *arg)
{
    struct server *sv = arg;
    HEM_STREAM(a);
    HEM_STREAM(b);
    int rc = hem_connect(&a, "127.0.0.1", sv->port, NULL);
    if (check_success(rc))
        rc = hem_connect(&b, "127.0.0.1", sv->port, NULL);
    check_success(rc);
    check_int(hem_sleep(5 * HEM_MSEC), 0);
    check_int(hem_listener_close(&sv->listener), 0);
    check_int(hem_sleep(HEM_MSEC), 0);
    char byte;
    ssize_t n = rc < 0 ? 0 : hem_stream_read(&a, &byte, 1);
    check_success(n, TORTURE_PEER_FAILED);
    return 0;
}

static int drain_main(void *arg)
{
    (void)arg;
    struct server sv = {0};
    HEM_TRY(listen_somewhere(&sv.listener, &sv.port, "127.0.0.1"));
    HEM_SCOPE(s);
    int rc = hem_scope_spawn_with(&s, NULL, serve_few, &sv, .eager = true);
    if (rc == 0 && sv.ended)
        rc = sv.result; /* it did not begin */
    if (!check_success(rc)) {
        check_int(hem_listener_close(&sv.listener), 0);
        return rc;
    }
    check_int(connect_and_drain(&sv), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check(sv.ended);
    check_int(sv.result, 0);
    return 0;
}

static int drain_crowded(void *arg)
{
    return in_crowd(2, drain_main, arg);
}

void scenario_drain(void)
{
    check_success(hem_run(drain_crowded, NULL, NULL));
}

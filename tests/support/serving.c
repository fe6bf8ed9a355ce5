/* SPDX-License-Identifier: MIT */
#include "serving.h"

#include "net.h"
#include "support.h"

#define HONEST_MAX 32

int serving_run(void *arg)
{
    struct serving *sv = arg;
    return hem_serve(&sv->listener, sv->fn, sv, &sv->options);
}

hem_task *serving_start(struct serving *sv)
{
    hem_task *t;
    sv->port = net_listen(&sv->listener);
    check_int(hem_spawn(&t, serving_run, sv), 0);
    net_settle();
    return t;
}

void serving_stop(struct serving *sv, hem_task *t)
{
    check_int(hem_listener_close(&sv->listener), 0);
    check_int(hem_await(t), 0);
    check_int(sv->active, 0);
    check_int(sv->begun, sv->ended);
    check_int(hem_listener_connections(&sv->listener), 0);
    check_int(hem_listener_close_clients(&sv->listener), 0);
    check_int(hem_listener_abort_clients(&sv->listener), 0);
}

int serving_echo(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    char buf[64];
    ssize_t n;
    sv->served++;
    while ((n = hem_stream_read(s, buf, sizeof(buf))) > 0)
        HEM_TRY(hem_stream_write(s, buf, (size_t)n));
    return (int)n;
}

int serving_answer(struct serving *sv, hem_stream *s, const char *line, int rc)
{
    sv->late += rc == HEM_ETIMEDOUT;
    if (rc <= 0)
        return rc;
    sv->served++;
    return (int)hem_stream_write(s, line, (size_t)rc);
}

int serving_line(hem_stream *s, void *arg)
{
    char *line;
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 10 * HEM_SEC));
    int rc = hem_timeout_close(&t, (int)hem_stream_read_line(s, &line));
    return serving_answer(arg, s, line, rc);
}

void serving_check_honest(const struct serving *sv, size_t clients)
{
    int peers[HONEST_MAX];
    hem_ns begun = hem_now();
    check(clients <= HONEST_MAX);
    for (size_t i = 0; i < clients; i++) {
        peers[i] = net_connect(sv->port);
        net_say(peers[i], "hello\n");
    }
    for (size_t i = 0; i < clients; i++) {
        net_expect(peers[i], "hello\n", 6);
        net_close(peers[i]);
    }
    check_int(hem_now(), begun);
}

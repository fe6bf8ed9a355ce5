/* SPDX-License-Identifier: MIT */
/* A server on a Unix socket and by TCP at once, asyncio.start_unix_server():
 * it closes its listener when all are served. */
#include <hem.h>
#include <stdio.h>
#include <string.h>

enum { CLIENTS = 2 };

static int count(hem_stream *s, void *listener)
{
    static int served;
    char *line, answer[64];
    ssize_t n = hem_stream_read_line(s, &line);
    HEM_TRY(n);
    int size = snprintf(answer, sizeof(answer), "%.*s is number %d\n",
                        (int)n - 1, line, ++served);
    HEM_TRY(hem_stream_write(s, answer, (size_t)size));
    return served < CLIENTS ? 0 : hem_listener_close(listener);
}

static int serve(void *listener)
{
    return hem_serve(listener, count, listener, NULL);
}

static int ask(hem_stream *s, const char *name)
{
    char *answer;
    HEM_TRY(hem_stream_write(s, name, strlen(name)));
    ssize_t n = hem_stream_read_line(s, &answer);
    HEM_TRY(n);
    printf("%.*s", (int)n, answer);
    return 0;
}

static int main_task(void *arg)
{
    hem_address both[2];
    HEM_LISTENER(l);
    HEM_STREAM(near);
    HEM_STREAM(far);
    (void)arg;
    HEM_TRY(hem_listen_unix(&l, "@hem-example", NULL)); /* or "/run/my.sock" */
    HEM_TRY(hem_listener_add(&l, "127.0.0.1", 0, NULL));
    HEM_TRY(hem_listener_addresses(&l, both, 2));
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve, &l));
    HEM_TRY(hem_connect_unix(&near, "@hem-example", NULL));
    HEM_TRY(ask(&near, "near\n"));
    HEM_TRY(hem_connect_address(&far, &both[1], NULL));
    HEM_TRY(ask(&far, "far\n"));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}
/*
 * Output:
 *     near is number 1
 *     far is number 2
 */

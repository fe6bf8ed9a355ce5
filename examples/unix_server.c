/* SPDX-License-Identifier: MIT */
/* A server on a Unix socket and by TCP, which ends when two are served. */
#include <hem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int echo_line(hem_stream *s, void *listener)
{
    static int served;
    char *line;
    ssize_t n = hem_stream_read_line(s, &line);
    HEM_TRY(n);
    HEM_TRY(hem_stream_write(s, line, (size_t)n));
    return ++served < 2 ? 0 : hem_listener_close(listener);
}

static int serve(void *listener)
{
    return hem_serve(listener, echo_line, listener, NULL);
}

static int ask(hem_stream *s, const char *name)
{
    char *answer;
    HEM_TRY(hem_stream_write(s, name, strlen(name)));
    HEM_TRY(hem_stream_read_line(s, &answer));
    printf("%.*s", (int)strlen(name), answer);
    return 0;
}

static int main_task(void *name)
{
    hem_address both[2];
    HEM_LISTENER(l);
    HEM_STREAM(near);
    HEM_STREAM(far);
    HEM_TRY(hem_listen_unix(&l, name, NULL)); /* or "/run/my.sock" */
    HEM_TRY(hem_listener_add(&l, "127.0.0.1", 0, NULL));
    HEM_TRY(hem_listener_addresses(&l, both, 2));
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve, &l));
    HEM_TRY(hem_connect_unix(&near, name, NULL));
    HEM_TRY(ask(&near, "near\n"));
    HEM_TRY(hem_connect_address(&far, &both[1], NULL));
    HEM_TRY(ask(&far, "far\n"));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    char name[32];
    snprintf(name, sizeof(name), "@hem-%d", (int)getpid());
    return hem_run(main_task, name, NULL) < 0;
}
/*
 * Output:
 *     near
 *     far
 */

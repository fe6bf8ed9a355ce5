/* SPDX-License-Identifier: MIT */
/* The TCP echo server of the asyncio documentation, with its client: a message
 * is echoed, the connection closed. */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static int handle_echo(hem_stream *s, void *arg)
{
    char *message;
    ssize_t n = hem_stream_read_some(s, &message);
    (void)arg;
    HEM_TRY(n);
    printf("server received '%.*s'\n", (int)n, message);
    HEM_TRY(hem_stream_write(s, message, (size_t)n));
    puts("server closes the connection");
    return 0;
}

static int serve_forever(void *listener)
{
    return hem_serve(listener, handle_echo, NULL, NULL);
}

static int echo_client(uint16_t port, const char *message)
{
    HEM_STREAM(s);
    char echo[100];
    HEM_TRY(hem_connect(&s, "127.0.0.1", port, NULL));
    HEM_TRY(hem_stream_write(&s, message, strlen(message)));
    ssize_t n = hem_stream_read(&s, echo, sizeof(echo));
    HEM_TRY(n);
    printf("client received '%.*s'\n", (int)n, echo);
    return 0;
}

static int main_task(void *arg)
{
    hem_address a;
    HEM_LISTENER(l);
    (void)arg;
    HEM_TRY(hem_listen(&l, "127.0.0.1", 0, NULL));
    HEM_TRY(hem_listener_address(&l, &a));
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve_forever, &l));
    HEM_TRY(echo_client(hem_address_port(&a), "Hello World!"));
    hem_listener_close(&l); /* which ends the server */
    return hem_scope_close(&s, 0);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}
/*
 * Output:
 *     server received 'Hello World!'
 *     server closes the connection
 *     client received 'Hello World!'
 */

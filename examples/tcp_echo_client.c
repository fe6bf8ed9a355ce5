/* SPDX-License-Identifier: MIT */
/* The client of asyncio's guide to streams, and a server for it. */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static int echo(hem_stream *s, void *arg)
{
    (void)arg;
    char *data;
    ssize_t n;
    while ((n = hem_stream_read_some(s, &data)) > 0)
        HEM_TRY(hem_stream_write(s, data, (size_t)n));
    return (int)n;
}

static int server(void *listener)
{
    return hem_serve(listener, echo, NULL, NULL);
}

static int tcp_echo_client(const char *message, uint16_t port)
{
    HEM_STREAM(s); /* closed when this function is left */
    HEM_TRY(hem_connect(&s, "127.0.0.1", port, NULL));
    printf("Send: '%s'\n", message);
    HEM_TRY(hem_stream_write(&s, message, strlen(message)));
    char data[100];
    ssize_t n = hem_stream_read(&s, data, sizeof(data));
    HEM_TRY(n);
    printf("Received: '%.*s'\n", (int)n, data);

    printf("Close the connection\n");
    return hem_stream_close(&s);
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_LISTENER(l);
    hem_address a;
    HEM_TRY(hem_listen(&l, "127.0.0.1", 0, NULL));
    HEM_TRY(hem_listener_address(&l, &a));
    HEM_TRY(hem_spawn(NULL, server, &l)); /* ends with its listener */
    HEM_TRY(tcp_echo_client("Hello World!", hem_address_port(&a)));
    return hem_listener_close(&l);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     Send: 'Hello World!'
 *     Received: 'Hello World!'
 *     Close the connection
 */

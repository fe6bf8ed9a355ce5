/* SPDX-License-Identifier: MIT */
/* An echo server: echo_server [PORT]. Ctrl-C ends it, and its connections. */
#include <hem.h>
#include <stdio.h>
#include <stdlib.h>

static int echo(hem_stream *s, void *arg)
{
    (void)arg;
    char *data;
    ssize_t n;
    while ((n = hem_stream_read_some(s, &data)) > 0)
        HEM_TRY(hem_stream_write(s, data, (size_t)n));
    return (int)n;
}

static int serve(void *port)
{
    HEM_LISTENER(l);
    HEM_TRY(hem_listen(&l, "127.0.0.1", *(uint16_t *)port, NULL));
    return hem_serve(&l, echo, NULL, NULL);
}

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 7777;
    int rc = hem_run(serve, &port, NULL);
    if (rc < 0 && rc != HEM_EINTR)
        fprintf(stderr, "echo_server: %s\n", hem_strerror(rc));
    return rc < 0 && rc != HEM_EINTR;
}

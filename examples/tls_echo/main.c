/* SPDX-License-Identifier: MIT */
/* A TLS server that echoes, and a client that verifies it, in one program. */
#include <hem.h>
#include <hem/tls.h>
#include <stdio.h>

#include "certificate.h"

static hem_listener listener;
static hem_tls *server, *client;

static int echo(hem_stream *s, void *arg)
{
    char *line;
    ssize_t n;
    HEM_TRY(hem_tls_start_server(s, arg, NULL));
    while ((n = hem_stream_read_line(s, &line)) > 0)
        HEM_TRY(hem_stream_write(s, line, (size_t)n));
    return n < 0 ? (int)n : hem_stream_aclose(s);
}

static int talk(void *arg)
{
    HEM_STREAM(s);
    uint16_t port = hem_address_port(arg);
    HEM_TRY(hem_tls_connect(&s, "localhost", port, client, NULL, NULL));
    HEM_TRY(hem_stream_write(&s, "hello\n", 6));
    char answer[7] = "";
    HEM_TRY(hem_stream_read_exactly(&s, answer, 6, NULL));
    printf("echo: %s", answer);
    HEM_TRY(hem_stream_aclose(&s));
    return hem_listener_close(&listener); /* which ends the server */
}

static int main_task(void *arg)
{
    hem_address a;
    HEM_TRY(hem_listen(&listener, "127.0.0.1", 0, arg));
    HEM_TRY(hem_listener_address(&listener, &a));
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY_IN(&s, hem_scope_spawn(&s, NULL, talk, &a));
    return hem_scope_close(&s, hem_serve(&listener, echo, server, NULL));
}

int main(void)
{
    char pem[CERTIFICATE_MAX]; /* a real program has files */
    const hem_tls_config c = {.cert_pem = pem, .ca_pem = pem};
    int rc = certificate_make(pem);
    rc = rc ? rc : hem_tls_create_server(&server, &c);
    rc = rc ? rc : hem_tls_create_client(&client, &c);
    rc = rc ? rc : hem_run(main_task, NULL, NULL);
    hem_tls_destroy(server);
    hem_tls_destroy(client);
    return rc < 0;
}
/*
 * Output:
 *     echo: hello
 */

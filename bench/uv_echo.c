/* SPDX-License-Identifier: MIT */
/*
 * An echo server on libuv, as its guide writes it, with a buffer for each
 * connection that lives as long as that.
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include "uv_bench.h"

#define BYTES 65536

struct client {
    uv_tcp_t tcp;
    uv_write_t write;
    char buffer[BYTES];
};

static void on_close(uv_handle_t *h)
{
    free(h->data);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct client *c = h->data;
    *buf = uv_buf_init(c->buffer, BYTES);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *w, int status)
{
    struct client *c = w->data;
    if (status < 0)
        uv_close((uv_handle_t *)&c->tcp, on_close);
    else
        uv_need(uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read),
                "read");
}

/* Write at once what the socket takes, and the rest when it takes more. */
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = s->data;
    if (n == 0)
        return;
    if (n < 0) {
        uv_close((uv_handle_t *)s, on_close);
        return;
    }
    uv_buf_t out = uv_buf_init(buf->base, (unsigned)n);
    int sent = uv_try_write(s, &out, 1);
    if (sent == n)
        return;
    if (sent > 0) {
        out.base += sent;
        out.len -= (size_t)sent;
    }
    uv_read_stop(s);
    c->write.data = c;
    uv_need(uv_write(&c->write, s, &out, 1, on_written), "write");
}

static void on_connection(uv_stream_t *server, int status)
{
    uv_need(status, "accept");
    struct client *c = malloc(sizeof(*c));
    if (!c)
        exit(1);
    uv_need(uv_tcp_init(server->loop, &c->tcp), "tcp");
    c->tcp.data = c;
    uv_need(uv_accept(server, (uv_stream_t *)&c->tcp), "accept");
    uv_tcp_nodelay(&c->tcp, 1);
    uv_need(uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read), "read");
}

int main(void)
{
    (void)bench_raise_descriptors();
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t server;
    struct sockaddr_in a = uv_loopback(0);
    struct sockaddr_storage name;
    int length = sizeof(name);
    uv_need(uv_tcp_init(loop, &server), "tcp");
    uv_need(uv_tcp_bind(&server, (struct sockaddr *)&a, 0), "bind");
    uv_need(uv_listen((uv_stream_t *)&server, 4096, on_connection), "listen");
    uv_need(uv_tcp_getsockname(&server, (struct sockaddr *)&name, &length),
            "name");
    uv_print_port(&name);
    uv_serve_until_term(loop);
    return 0;
}

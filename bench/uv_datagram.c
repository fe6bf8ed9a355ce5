/* SPDX-License-Identifier: MIT */
/*
 * An echo server by datagrams on libuv, which receives many with one system
 * call (UV_UDP_RECVMMSG) and sends at once.
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include "uv_bench.h"

#define BYTES 65536
#define BATCH 20

static char buffer[BYTES * BATCH];

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)h;
    (void)suggested;
    *buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_receive(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
                       const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    if (n <= 0 || !from)
        return;
    uv_buf_t out = uv_buf_init(buf->base, (unsigned)n);
    (void)uv_udp_try_send(udp, &out, 1, from); /* full: it is lost */
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    uv_udp_t udp;
    struct sockaddr_in a = uv_loopback(0);
    struct sockaddr_storage name;
    int length = sizeof(name);
    uv_need(uv_udp_init_ex(loop, &udp, AF_INET | UV_UDP_RECVMMSG), "udp");
    uv_need(uv_udp_bind(&udp, (struct sockaddr *)&a, 0), "bind");
    uv_need(uv_udp_recv_start(&udp, on_alloc, on_receive), "receive");
    uv_need(uv_udp_getsockname(&udp, (struct sockaddr *)&name, &length),
            "name");
    uv_print_port(&name);
    uv_serve_until_term(loop);
    return 0;
}

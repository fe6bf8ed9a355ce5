/* SPDX-License-Identifier: MIT */
/* What the programs share that measure libuv. */
#ifndef UV_BENCH_H
#define UV_BENCH_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <uv.h>

#include "bench.h"

/* What libuv refuses ends the program. */
static inline int uv_need(int rc, const char *what)
{
    if (rc >= 0)
        return rc;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(rc));
    exit(1);
}

static inline struct sockaddr_in uv_loopback(int port)
{
    struct sockaddr_in a;
    uv_need(uv_ip4_addr("127.0.0.1", port, &a), "address");
    return a;
}

static inline void uv_print_port(const struct sockaddr_storage *a)
{
    printf("port %d\n", ntohs(((const struct sockaddr_in *)a)->sin_port));
    fflush(stdout);
}

static inline void uv_terminated(uv_signal_t *handle, int signo)
{
    (void)signo;
    uv_stop(handle->loop);
}

/* Run a server until SIGTERM. */
static inline void uv_serve_until_term(uv_loop_t *loop)
{
    uv_signal_t term;
    signal(SIGPIPE, SIG_IGN);
    uv_need(uv_signal_init(loop, &term), "signal");
    uv_need(uv_signal_start(&term, uv_terminated, SIGTERM), "signal");
    uv_run(loop, UV_RUN_DEFAULT);
    bench_print_usage();
}

static inline double uv_microseconds(uint64_t since, uint64_t count)
{
    return (double)(uv_hrtime() - since) / 1000 / (double)count;
}

#endif

/* SPDX-License-Identifier: MIT */
/* What the servers on hem share: they print their port and serve until
 * SIGTERM. */
#ifndef HEM_SERVER_H
#define HEM_SERVER_H

#include <hem.h>
#include <signal.h>

#include "bench.h"

struct bench_server {
    hem_listener listener;
    hem_serve_fn *fn;
    void *arg;
};

static inline int bench_server_task(void *arg)
{
    struct bench_server *b = arg;
    return hem_serve(&b->listener, b->fn, b->arg,
                     &(hem_serve_options){.grace = -1});
}

static inline int bench_serve_until(hem_signal *end, struct bench_server *b)
{
    hem_address a;
    HEM_TRY(hem_listener_address(&b->listener, &a));
    printf("port %d\n", hem_address_port(&a));
    fflush(stdout);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, bench_server_task, b));
    HEM_TRY(hem_signal_wait(end));
    hem_listener_close(&b->listener);
    return hem_scope_close(&s, 0);
}

/* Serve fn(stream, arg) on a free port. */
static inline int bench_serve(hem_serve_fn *fn, void *arg)
{
    (void)bench_raise_descriptors();
    struct bench_server b = {.fn = fn, .arg = arg};
    hem_signal end;
    HEM_TRY(hem_signal_open(&end, (int[]){SIGTERM, 0}));
    int rc = hem_listen(&b.listener, "127.0.0.1", 0, NULL);
    if (rc >= 0) {
        rc = bench_serve_until(&end, &b);
        hem_listener_close(&b.listener);
    }
    hem_signal_close(&end);
    return rc;
}

/* Report how hem_run() ended; what main() is to return. */
static inline int bench_server_exit(const char *name, int rc)
{
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", name, hem_strerror(rc));
    bench_print_usage();
    return rc < 0;
}

#endif

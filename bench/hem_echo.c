/* SPDX-License-Identifier: MIT */
/*
 * An echo server on hem, as a user of hem would write it.
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include <hem.h>
#include <signal.h>

#include "bench.h"

static int echo(hem_stream *s, void *arg)
{
    (void)arg;
    char *data;
    ssize_t n;
    while ((n = hem_stream_read_some(s, &data)) > 0)
        HEM_TRY(hem_stream_write(s, data, (size_t)n));
    return (int)n;
}

static int server(void *arg)
{
    return hem_serve(arg, echo, NULL, &(hem_serve_options){.grace = -1});
}

static int serve_until(hem_signal *end, hem_listener *l)
{
    hem_address a;
    HEM_TRY(hem_listener_address(l, &a));
    printf("port %d\n", hem_address_port(&a));
    fflush(stdout);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, server, l));
    HEM_TRY(hem_signal_wait(end));
    hem_listener_close(l);
    return hem_scope_close(&s, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    hem_signal end;
    hem_listener l;
    HEM_TRY(hem_signal_open(&end, (int[]){SIGTERM, 0}));
    int rc = hem_listen(&l, "127.0.0.1", 0, NULL);
    if (rc >= 0) {
        rc = serve_until(&end, &l);
        hem_listener_close(&l);
    }
    hem_signal_close(&end);
    return rc;
}

int main(void)
{
    (void)bench_raise_descriptors();
    int rc = hem_run(main_task, NULL, NULL);
    if (rc < 0)
        fprintf(stderr, "hem_echo: %s\n", hem_strerror(rc));
    bench_print_usage();
    return rc < 0;
}

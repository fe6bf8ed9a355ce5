/* SPDX-License-Identifier: MIT */
/*
 * A UDP echo server on hem, as a user of hem would write it. With the argument
 * "many" it receives and sends in batches.
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include <hem.h>
#include <signal.h>
#include <string.h>

#include "bench.h"

#define DATAGRAM_MAX 65536
#define BATCH        32

static int echo(void *arg)
{
    hem_datagram *d = arg;
    static char data[DATAGRAM_MAX];
    for (;;) {
        hem_address from;
        ssize_t n =
            hem_datagram_receive_from(d, data, sizeof(data), &from, NULL);
        HEM_TRY(n);
        HEM_TRY(hem_datagram_send_to(d, data, (size_t)n, &from));
    }
}

static int echo_many(void *arg)
{
    hem_datagram *d = arg;
    static char data[BATCH][DATAGRAM_MAX];
    static hem_datagram_message m[BATCH];
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            m[i].data = data[i];
            m[i].size = DATAGRAM_MAX;
        }
        ssize_t n = hem_datagram_receive_many(d, m, BATCH);
        HEM_TRY(n);
        for (ssize_t i = 0; i < n; i++)
            m[i].size = (size_t)m[i].status;
        HEM_TRY(hem_datagram_send_many(d, m, (size_t)n));
    }
}

static int serve_until(hem_signal *end, hem_datagram *d, hem_fn *server)
{
    hem_address a;
    HEM_TRY(hem_datagram_address(d, &a));
    printf("port %d\n", hem_address_port(&a));
    fflush(stdout);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, server, d));
    HEM_TRY(hem_signal_wait(end));
    hem_scope_abort(&s, NULL);
    return hem_scope_close(&s, 0);
}

static int main_task(void *many)
{
    hem_signal end;
    HEM_DATAGRAM(d);
    HEM_TRY(
        hem_datagram_open(&d, &(hem_datagram_options){.host = "127.0.0.1",
                                                      .receive_buffer = 4 << 20,
                                                      .send_buffer = 4 << 20}));
    HEM_TRY(hem_signal_open(&end, (int[]){SIGTERM, 0}));
    int rc = serve_until(&end, &d, many ? echo_many : echo);
    hem_signal_close(&end);
    return rc;
}

int main(int argc, char **argv)
{
    bool many = argc > 1 && strcmp(argv[1], "many") == 0;
    int rc = hem_run(main_task, many ? argv : NULL, NULL);
    if (rc < 0)
        fprintf(stderr, "hem_datagram: %s\n", hem_strerror(rc));
    bench_print_usage();
    return rc < 0;
}

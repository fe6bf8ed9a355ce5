/* SPDX-License-Identifier: MIT */
/*
 * An echo server by TLS on hem, as a user of hem would write it.
 *
 *     hem_tls_echo CERTIFICATE KEY
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include <hem.h>
#include <hem/tls.h>

#include "bench.h"
#include "hem_server.h"

static int echo(hem_stream *s, void *tls)
{
    HEM_TRY(hem_tls_start_server(s, tls, NULL));
    char *data;
    ssize_t n;
    while ((n = hem_stream_read_some(s, &data)) > 0)
        HEM_TRY(hem_stream_write(s, data, (size_t)n));
    return (int)n;
}

static int main_task(void *arg)
{
    char **files = arg;
    hem_tls *tls;
    hem_tls_config config = {.cert_file = files[0], .key_file = files[1]};
    HEM_TRY(hem_tls_create_server(&tls, &config));
    int rc = bench_serve(echo, tls);
    hem_tls_destroy(tls);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: hem_tls_echo CERTIFICATE KEY\n");
        return 2;
    }
    return bench_server_exit("hem_tls_echo",
                             hem_run(main_task, argv + 1, NULL));
}

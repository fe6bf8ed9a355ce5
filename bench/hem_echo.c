/* SPDX-License-Identifier: MIT */
/*
 * An echo server on hem, as a user of hem would write it.
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include <hem.h>

#include "hem_server.h"

static int echo(hem_stream *s, void *arg)
{
    (void)arg;
    char *data;
    ssize_t n;
    while ((n = hem_stream_read_some(s, &data)) > 0)
        HEM_TRY(hem_stream_write(s, data, (size_t)n));
    return (int)n;
}

static int main_task(void *arg)
{
    return bench_serve(echo, arg);
}

int main(void)
{
    return bench_server_exit("hem_echo", hem_run(main_task, NULL, NULL));
}

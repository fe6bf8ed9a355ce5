/* SPDX-License-Identifier: MIT */
/*
 * What a process costs on libuv: /bin/true, started and waited for.
 *
 *     uv_subprocess COUNT WIDTH      prints `subprocess US us`
 */
#define _GNU_SOURCE 1

#include "uv_bench.h"

static unsigned long left, running;

static void start(uv_loop_t *loop);

static void on_close(uv_handle_t *h)
{
    uv_loop_t *loop = h->loop;
    free(h);
    running--;
    if (left > 0)
        start(loop);
}

static void on_exit_of(uv_process_t *p, int64_t status, int signo)
{
    if (status != 0 || signo != 0)
        exit(1);
    uv_close((uv_handle_t *)p, on_close);
}

static void start(uv_loop_t *loop)
{
    char *arguments[] = {(char *)"/bin/true", NULL};
    uv_process_options_t o = {
        .file = arguments[0], .args = arguments, .exit_cb = on_exit_of};
    uv_process_t *p = malloc(sizeof(*p));
    if (!p)
        exit(1);
    left--;
    running++;
    uv_need(uv_spawn(loop, p, &o), "spawn");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    unsigned long count = strtoul(argv[1], NULL, 10);
    unsigned long width = strtoul(argv[2], NULL, 10);
    uv_loop_t *loop = uv_default_loop();
    left = count;
    uint64_t began = uv_hrtime();
    while (running < width && left > 0)
        start(loop);
    uv_run(loop, UV_RUN_DEFAULT);
    printf("subprocess %.2f us\n", uv_microseconds(began, count));
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Starting programs on libuv: time on the clock, from the start of /bin/true to
 * its end, one after the other and 16 at a time. Prints what hem_subprocess.c
 * does.
 */
#define _GNU_SOURCE 1

#include "uv_bench.h"

#define RUNS 2000

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

static void measure(const char *name, unsigned long width)
{
    uv_loop_t *loop = uv_default_loop();
    left = RUNS;
    uint64_t began = uv_hrtime();
    while (running < width && left > 0)
        start(loop);
    uv_run(loop, UV_RUN_DEFAULT);
    printf("%s %.2f us\n", name, uv_microseconds(began, RUNS));
}

int main(void)
{
    measure("sequential", 1);
    measure("wide_16", 16);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a call on a thread of the pool costs on libuv, there and back.
 *
 *     uv_thread COUNT WIDTH          prints `thread_call US us`
 */
#define _GNU_SOURCE 1

#include "uv_bench.h"

static unsigned long left;

static void nothing(uv_work_t *w)
{
    (void)w;
}

static void next(uv_work_t *w, int status)
{
    uv_need(status, "work");
    if (left == 0)
        return;
    left--;
    uv_need(uv_queue_work(w->loop, w, nothing, next), "work");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    unsigned long count = strtoul(argv[1], NULL, 10);
    unsigned long width = strtoul(argv[2], NULL, 10);
    uv_loop_t *loop = uv_default_loop();
    uv_work_t *works = calloc(width, sizeof(*works));
    if (!works)
        return 1;
    left = count;
    uint64_t began = uv_hrtime();
    for (unsigned long i = 0; i < width && left > 0; i++) {
        left--;
        uv_need(uv_queue_work(loop, &works[i], nothing, next), "work");
    }
    uv_run(loop, UV_RUN_DEFAULT);
    printf("thread_call %.3f us\n", uv_microseconds(began, count));
    free(works);
    return 0;
}

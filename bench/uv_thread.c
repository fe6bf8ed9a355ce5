/* SPDX-License-Identifier: MIT */
/*
 * Calls on threads of the pool on libuv, there and back: one after the other,
 * and 16 at once. Prints what hem_thread.c does, without its CPU time.
 */
#define _GNU_SOURCE 1

#include "uv_bench.h"

#define CALLS 20000
#define WIDE  16

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

static void measure(const char *name, unsigned long width)
{
    uv_work_t works[WIDE];
    left = CALLS;
    uint64_t began = uv_hrtime();
    for (unsigned long i = 0; i < width; i++) {
        left--;
        uv_need(uv_queue_work(uv_default_loop(), &works[i], nothing, next),
                "work");
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    printf("%s %.0f ns\n", name, uv_microseconds(began, CALLS) * 1000);
}

int main(void)
{
    measure("thread_call", 1);
    measure("thread_call_16_wide", WIDE);
    return 0;
}

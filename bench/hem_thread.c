/* SPDX-License-Identifier: MIT */
/*
 * Calls on threads: of a function that does nothing, one after the other, and
 * by 16 tasks at once.
 *
 *     hem_thread
 */
#include "hem_bench.h"
#include "wall.h"

#define CALLS 10000
#define WIDE  16

static int call_some(void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        HEM_TRY(hem_thread_call(bench_nothing, NULL, NULL));
    return 0;
}

static int sequential(void *arg)
{
    (void)arg;
    int calls = CALLS;
    return call_some(&calls);
}

static int wide(void *arg)
{
    (void)arg;
    int calls = CALLS / WIDE;
    HEM_SCOPE(s);
    for (int i = 0; i < WIDE; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, call_some, &calls));
    return hem_scope_close(&s, 0);
}

static int measure(void *arg)
{
    (void)arg;
    HEM_TRY(wall_measure("thread_call", sequential, NULL, CALLS));
    return wall_measure("thread_call_16_wide", wide, NULL, CALLS);
}

int main(int argc, char **argv)
{
    (void)argc;
    return bench_exit(argv, hem_run(measure, NULL, NULL));
}

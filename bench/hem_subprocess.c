/* SPDX-License-Identifier: MIT */
/*
 * Starting programs: time on the clock, from the start of /bin/true to its
 * end, one after the other and 16 at a time, in a process that has touched so
 * much memory before.
 *
 *     hem_subprocess [MIB]
 *
 *     sequential 512.31 us
 *     wide_16 301.20 us
 *     start 287.11 us          the call alone
 *
 * floor_subprocess.c does it with vfork() and waitpid().
 */
#include "floor_subprocess.h"
#include "hem_bench.h"

static char *const argv_true[] = {SUBPROCESS_PROGRAM, NULL};

static int64_t start_ns; /* in hem_subprocess_start() */

static int one(void *arg)
{
    (void)arg;
    HEM_SUBPROCESS(p);
    int64_t before = bench_clock_ns(CLOCK_MONOTONIC);
    HEM_TRY(hem_subprocess_start(&p, argv_true, NULL));
    start_ns += bench_clock_ns(CLOCK_MONOTONIC) - before;
    HEM_TRY(hem_subprocess_wait(&p, NULL));
    return hem_subprocess_close(&p);
}

static int worker(void *arg)
{
    for (int i = 0; i < SUBPROCESS_RUNS / SUBPROCESS_WIDTH; i++)
        HEM_TRY(one(arg));
    return 0;
}

static int sequential(void *arg)
{
    for (int i = 0; i < SUBPROCESS_RUNS; i++)
        HEM_TRY(one(arg));
    return 0;
}

static int wide(void *arg)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    for (int i = 0; i < SUBPROCESS_WIDTH; i++)
        HEM_TRY_IN(&s, hem_scope_spawn(&s, NULL, worker, arg));
    return hem_scope_close(&s, 0);
}

static int main_task(void *arg)
{
    HEM_TRY(subprocess_measure("sequential", sequential, arg));
    subprocess_print("start", start_ns);
    return subprocess_measure("wide_16", wide, arg);
}

int main(int argc, char **argv)
{
    if (subprocess_touch(argc > 1 ? argv[1] : "0") < 0)
        return 1;
    return bench_exit(argv, hem_run(main_task, NULL, NULL));
}

/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks of threads and files share: elapsed time, for what other
 * threads and the kernel do counts, and beside it the CPU time of all threads.
 */
#ifndef WALL_H
#define WALL_H

#include "bench.h"

#define WALL_BATCHES 21

/*
 * Run the batch once to warm up and some times measured; print the medians of
 * one of its `ops` operations, elapsed as `name`, CPU as `name_cpu`.
 */
static inline int wall_measure(const char *name, bench_batch *batch, void *arg,
                               uint64_t ops)
{
    double wall[WALL_BATCHES], cpu[WALL_BATCHES];
    int rc = batch(arg);
    for (size_t i = 0; i < WALL_BATCHES && rc >= 0; i++) {
        int64_t start = bench_clock_ns(CLOCK_MONOTONIC);
        int64_t start_cpu = bench_cpu_ns();
        rc = batch(arg);
        int64_t took = bench_clock_ns(CLOCK_MONOTONIC) - start;
        wall[i] = (double)took / (double)ops;
        cpu[i] = (double)(bench_cpu_ns() - start_cpu) / (double)ops;
    }
    if (rc < 0)
        return rc;
    qsort(wall, WALL_BATCHES, sizeof(wall[0]), bench_compare);
    qsort(cpu, WALL_BATCHES, sizeof(cpu[0]), bench_compare);
    printf("%s %.0f ns\n", name, wall[WALL_BATCHES / 2]);
    printf("%s_cpu %.0f ns\n", name, cpu[WALL_BATCHES / 2]);
    return 0;
}

#endif

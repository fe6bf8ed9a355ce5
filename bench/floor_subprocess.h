/* SPDX-License-Identifier: MIT */
/* What the measurements of subprocesses share. Nothing of hem. */
#ifndef FLOOR_SUBPROCESS_H
#define FLOOR_SUBPROCESS_H

#include <string.h>

#include "bench.h"

#define SUBPROCESS_PROGRAM "/bin/true"
#define SUBPROCESS_RUNS    2000
#define SUBPROCESS_WIDTH   16

/* Take so many MiB of memory, and touch all. */
static inline int subprocess_touch(const char *mib)
{
    size_t size = strtoul(mib, NULL, 10) << 20;
    if (size == 0)
        return 0;
    char *p = malloc(size);
    if (!p)
        return -1;
    memset(p, 1, size);
    return p[size - 1] == 1 ? 0 : -1; /* it stays */
}

static inline void subprocess_print(const char *name, int64_t ns)
{
    printf("%s %.2f us\n", name, (double)ns / SUBPROCESS_RUNS / 1000);
}

/* Print the time of one of the runs that `all` makes. */
static inline int subprocess_measure(const char *name, int (*all)(void *),
                                     void *arg)
{
    int64_t before = bench_clock_ns(CLOCK_MONOTONIC);
    int rc = all(arg);
    if (rc >= 0)
        subprocess_print(name, bench_clock_ns(CLOCK_MONOTONIC) - before);
    return rc;
}

#endif

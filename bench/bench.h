/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: CPU time, the median of some batches, limits.
 * Nothing of hem, so that the floors stay free of it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

/* A measured batch; how many operations it does is between it and its caller.
 * A negative result ends the measurement. */
typedef int bench_batch(void *arg);

/* As many batches as these allow, but one at the least. */
#define BENCH_BATCHES    31
#define BENCH_BATCHES_NS 200000000

static inline int64_t bench_clock_ns(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) < 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t bench_cpu_ns(void)
{
    return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* CPU time of the present batch that does not count. */
static int64_t bench_left_out_ns;

/* Leave out what the batch has done since bench_cpu_ns() returned `start`, and
 * what the readings of the clock take, which is as much as many operations. */
static inline void bench_leave_out(int64_t start)
{
    int64_t end = bench_cpu_ns();
    int64_t reading = bench_cpu_ns() - end;
    bench_left_out_ns += end - start + 2 * reading;
}

static inline int64_t bench_batch_ns(bench_batch *batch, void *arg, int *ret_rc)
{
    bench_left_out_ns = 0;
    int64_t start = bench_cpu_ns();
    *ret_rc = batch(arg);
    return bench_cpu_ns() - start - bench_left_out_ns;
}

/*
 * Run the batch once to warm up and some times measured; put the median CPU
 * time of one of its `ops` operations into `*ret_ns`.
 */
static inline int bench_measure(double *ret_ns, bench_batch *batch, void *arg,
                                uint64_t ops)
{
    double ns[BENCH_BATCHES];
    size_t count = 0;
    int rc = batch(arg);
    int64_t end = bench_cpu_ns() + BENCH_BATCHES_NS;
    while (rc >= 0 && count < BENCH_BATCHES &&
           (count == 0 || bench_cpu_ns() < end))
        ns[count++] = (double)bench_batch_ns(batch, arg, &rc) / (double)ops;
    if (rc < 0)
        return rc;
    qsort(ns, count, sizeof(ns[0]), bench_compare);
    *ret_ns = ns[count / 2];
    return 0;
}

/* Allow as many descriptors as the hard limit does; return how many. */
static inline size_t bench_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    return (size_t)limit.rlim_cur;
}

static inline long long bench_microseconds(struct timeval t)
{
    return (long long)t.tv_sec * 1000000 + t.tv_usec;
}

/* The last line of a server: user and system CPU of its whole life. */
static inline void bench_print_usage(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return;
    printf("cpu_us %lld %lld\n", bench_microseconds(usage.ru_utime),
           bench_microseconds(usage.ru_stime));
    fflush(stdout);
}

#endif

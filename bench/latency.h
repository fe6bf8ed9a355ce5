/* SPDX-License-Identifier: MIT */
/* A histogram of latencies, in nanoseconds, to three percent. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_BITS    5 /* of precision */
#define LATENCY_BUCKETS (64 << LATENCY_BITS)

struct latency {
    uint64_t count;
    uint64_t buckets[LATENCY_BUCKETS];
};

/* Buckets are linear below 2^LATENCY_BITS, and divide each power of two above
 * into 2^LATENCY_BITS. */
static inline size_t latency_bucket(uint64_t ns)
{
    if (ns >> LATENCY_BITS == 0)
        return (size_t)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - LATENCY_BITS;
    return ((size_t)shift << LATENCY_BITS) + (size_t)(ns >> shift);
}

static inline double latency_of_bucket(size_t bucket)
{
    if (bucket >> LATENCY_BITS <= 1)
        return (double)bucket;
    size_t shift = (bucket >> LATENCY_BITS) - 1;
    size_t low = bucket - (shift << LATENCY_BITS);
    return (double)(low << shift);
}

static inline void latency_add(struct latency *l, uint64_t ns)
{
    l->count++;
    l->buckets[latency_bucket(ns)]++;
}

static inline double latency_percentile_us(const struct latency *l,
                                           double fraction)
{
    uint64_t rank = (uint64_t)((double)l->count * fraction), seen = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += l->buckets[i];
        if (seen > rank)
            return latency_of_bucket(i) / 1000;
    }
    return 0;
}

#endif

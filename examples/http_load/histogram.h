/* SPDX-License-Identifier: MIT */
/*
 * Latencies, counted in buckets of which each is 3% wide at most, whatever
 * their number: a histogram with 32 buckets for each power of two.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_BUCKETS = 32 * 38 }; /* up to 2^42 ns, over an hour */

typedef struct histogram {
    uint64_t total; /* sum of `counts` */
    int64_t max;    /* the largest recorded, exact */
    uint64_t counts[HISTOGRAM_BUCKETS];
} histogram;

/* Record a duration in nanoseconds, 0 or more. */
void histogram_record(histogram *h, int64_t ns);

/* Return the duration that `share` (0 to 1) of the recorded do not exceed, 0
 * if none is recorded. */
int64_t histogram_quantile(const histogram *h, double share);

/* Draw it: a row for each range of durations, a bar for its share. */
void histogram_draw(const histogram *h, FILE *out);

/* Write a duration for readers into `buf` of 16 bytes, "1.24 ms", and return
 * it. */
const char *duration_format(char *buf, int64_t ns);

/* Write a number with separators into `buf` of 32 bytes, "12,345", and return
 * it. */
const char *number_format(char *buf, uint64_t n);

#endif

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "histogram.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SUB_BITS = 5, BAR_CELLS = 40, ROWS_MAX = 96 };

/* Values below 2^SUB_BITS have a bucket each; above, the bucket is the power
 * of two and the SUB_BITS bits behind the highest. */
static size_t bucket_of(uint64_t value)
{
    if (value < 1u << SUB_BITS)
        return (size_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SUB_BITS;
    size_t i = ((size_t)shift << SUB_BITS) + (size_t)(value >> shift);
    return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

/* The first value behind the bucket. */
static uint64_t bucket_end(size_t i)
{
    if (i < 2u << SUB_BITS)
        return i + 1;
    size_t shift = (i >> SUB_BITS) - 1;
    return (uint64_t)(i - (shift << SUB_BITS) + 1) << shift;
}

void histogram_record(histogram *h, int64_t ns)
{
    assert(ns >= 0);
    h->counts[bucket_of((uint64_t)ns)]++;
    h->total++;
    if (ns > h->max)
        h->max = ns;
}

int64_t histogram_quantile(const histogram *h, double share)
{
    assert(share >= 0 && share <= 1);
    double wanted = share * (double)h->total;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && h->total > 0; i++) {
        seen += h->counts[i];
        if (seen > 0 && (double)seen >= wanted) {
            int64_t end = (int64_t)bucket_end(i) - 1;
            return end < h->max ? end : h->max;
        }
    }
    return h->max;
}

const char *duration_format(char *buf, int64_t ns)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    double value = (double)ns;
    size_t unit = 0;
    while (value >= 999.5 && unit < 3) {
        value /= 1000;
        unit++;
    }
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(buf, 16, "%.*f %s", unit == 0 ? 0 : decimals, value, units[unit]);
    return buf;
}

const char *number_format(char *buf, uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    char *out = buf;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return buf;
}

static bool terminal_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && *value != '\0')
            return strcasestr(value, "utf-8") != NULL ||
                   strcasestr(value, "utf8") != NULL;
    }
    return false;
}

/* A bar of `eighths` eighths of a cell. */
static void draw_bar(FILE *out, uint64_t eighths, bool utf8)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (!utf8) {
        for (uint64_t i = 0; i < (eighths + 4) / 8; i++)
            fputc('#', out);
        return;
    }
    for (uint64_t i = 0; i < eighths / 8; i++)
        fputs("█", out);
    fputs(parts[eighths % 8], out);
}

/* Fill in the ends of rows that cover all durations, six for each power of
 * ten, from 100 ns on, and sum the buckets into them. Returns how many. */
static size_t make_rows(const histogram *h, int64_t *ends, uint64_t *counts)
{
    static const int64_t steps[] = {10, 15, 22, 33, 47, 68};
    size_t rows = 0;
    for (int64_t unit = 10; rows < ROWS_MAX; unit *= 10)
        for (size_t i = 0; i < 6 && rows < ROWS_MAX; i++)
            ends[rows++] = steps[i] * unit;
    memset(counts, 0, ROWS_MAX * sizeof(*counts));
    size_t row = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        while (row + 1 < rows && (int64_t)bucket_end(i) - 1 >= ends[row])
            row++;
        counts[row] += h->counts[i];
    }
    return rows;
}

void histogram_draw(const histogram *h, FILE *out)
{
    int64_t ends[ROWS_MAX];
    uint64_t counts[ROWS_MAX];
    size_t rows = make_rows(h, ends, counts);
    size_t first = 0, last = 0;
    uint64_t most = 1;
    for (size_t i = rows; i-- > 0;) {
        if (counts[i] == 0)
            continue;
        first = i;
        last = last > 0 ? last : i;
        most = counts[i] > most ? counts[i] : most;
    }
    bool utf8 = terminal_is_utf8();
    for (size_t i = first; i <= last && h->total > 0; i++) {
        char end[16], count[32];
        uint64_t eighths = counts[i] * BAR_CELLS * 8 / most;
        if (counts[i] > 0 && eighths == 0)
            eighths = 1;
        fprintf(out, "  < %7s %10s %5.1f%% %s", duration_format(end, ends[i]),
                number_format(count, counts[i]),
                100.0 * (double)counts[i] / (double)h->total, utf8 ? "│" : "|");
        draw_bar(out, eighths, utf8);
        fputc('\n', out);
    }
}

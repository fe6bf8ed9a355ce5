/* SPDX-License-Identifier: MIT */
/*
 * What programs that put load on a server share: the warm-up, the measurement
 * with the server's CPU clock read before and after, and what is printed.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdlib.h>

#include "bench.h"
#include "latency.h"

struct load_core {
    const char *program; /* for messages */
    /* Make requests until `deadline`; `load` is what holds this. */
    void (*work)(void *load, int64_t deadline);
    void *load;
    size_t count;    /* of clients */
    size_t bytes;    /* of a request */
    size_t answered; /* clients that had an answer */
    int64_t duration;
    clockid_t server; /* its CPU clock */
    bool has_server;  /* it is known */
    bool measuring;   /* warmed up */
    bool may_lose;    /* requests */
    uint64_t lost;    /* of them */
    struct latency latency;
};

static inline void load_die(const char *what)
{
    perror(what);
    exit(1);
}

static inline void load_fail(const struct load_core *l, const char *what)
{
    fprintf(stderr, "%s: %s\n", l->program, what);
    exit(1);
}

static inline int64_t load_now(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/* Of the arguments PORT CLIENTS BYTES SECONDS [SERVER_PID] all but the first. */
static inline void load_parse(struct load_core *l, int argc, char **argv,
                              size_t least, size_t most)
{
    l->count = strtoul(argv[2], NULL, 10);
    l->bytes = strtoul(argv[3], NULL, 10);
    l->duration = (int64_t)(strtod(argv[4], NULL) * 1e9);
    if (l->bytes < least || l->bytes > most || !l->count)
        load_fail(l, "no such size or number of clients");
    l->has_server = argc > 5;
    if (l->has_server && clock_getcpuclockid(atoi(argv[5]), &l->server) != 0)
        load_fail(l, "no such server");
    if (l->count + 16 > bench_raise_descriptors())
        load_fail(l, "too few descriptors: ulimit -n");
}

/* A client has an answer to its request of that number. */
static inline int64_t load_answered(struct load_core *l, uint32_t number,
                                    int64_t started)
{
    int64_t time = load_now();
    if (l->measuring)
        latency_add(&l->latency, (uint64_t)(time - started));
    if (number == 1)
        l->answered++;
    return time;
}

static inline void load_warm_up(struct load_core *l)
{
    int64_t start = load_now();
    l->work(l->load, start + l->duration / 5);
    while (l->answered < l->count) {
        if (load_now() - start > 20 * (int64_t)1000000000)
            load_fail(l, "clients without any answer");
        l->work(l->load, load_now() + 10000000);
    }
}

static inline void load_measure(struct load_core *l)
{
    int64_t cpu = l->has_server ? bench_clock_ns(l->server) : 0;
    int64_t start = load_now();
    l->measuring = true;
    l->work(l->load, start + l->duration);
    double seconds = (double)(load_now() - start) / 1e9;
    if (l->has_server)
        cpu = bench_clock_ns(l->server) - cpu;
    if (l->latency.count == 0)
        load_fail(l, "no request was answered");

    double requests = (double)l->latency.count;
    printf("requests %.0f count\n", requests);
    printf("requests_per_second %.0f 1/s\n", requests / seconds);
    if (l->may_lose)
        printf("lost %llu count\n", (unsigned long long)l->lost);
    printf("latency_p50 %.1f us\n", latency_percentile_us(&l->latency, 0.50));
    printf("latency_p99 %.1f us\n", latency_percentile_us(&l->latency, 0.99));
    if (l->has_server)
        printf("cpu_per_request %.3f us\n", (double)cpu / 1000 / requests);
}

#endif

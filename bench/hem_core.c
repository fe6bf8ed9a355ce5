/* SPDX-License-Identifier: MIT */
/*
 * What hem's core costs, in CPU time of one operation:
 *
 *     hem_core yield          hem_yield() between two tasks
 *     hem_core spawn          spawn a task that ends at once, await it, forget
 *                             its handle
 *     hem_core spawn_scope    open a scope, spawn such a task in it, close it
 *     hem_core timeout        open a timeout and close it before it expires
 *     hem_core sleepers [N]   N tasks (1,000,000) asleep at once: CPU time of
 *                             each from its spawn to its end, resident bytes of
 *                             each, and mappings of the process
 *
 * Prints a line `name value unit` for each figure.
 */
#define _GNU_SOURCE 1

#include <string.h>
#include <unistd.h>

#include "hem_bench.h"

#define YIELDS 100000 /* of each of two tasks in a batch */
#define ROUNDS 100000 /* of other operations in a batch */

static int yielder(void *arg)
{
    (void)arg;
    for (int i = 0; i < YIELDS; i++)
        HEM_TRY(hem_yield());
    return 0;
}

static int two_yielders(void *arg)
{
    (void)arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, yielder, NULL));
    HEM_TRY(hem_scope_spawn(&s, NULL, yielder, NULL));
    return hem_scope_close(&s, 0);
}

static int spawn_and_join(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        hem_task *t;
        HEM_TRY(hem_spawn(&t, bench_nothing, NULL));
        HEM_TRY(hem_await(t));
        hem_task_forget(t);
    }
    return 0;
}

static int spawn_in_scope(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        hem_scope s;
        HEM_TRY(hem_scope_open(&s, NULL));
        int rc = hem_scope_spawn(&s, NULL, bench_nothing, NULL);
        HEM_TRY(hem_scope_close(&s, rc));
    }
    return 0;
}

static int arm_and_cancel(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        hem_timeout t;
        HEM_TRY(hem_timeout_open(&t, 10 * HEM_SEC));
        HEM_TRY(hem_timeout_close(&t, 0));
    }
    return 0;
}

static const struct operation operations[] = {
    {"yield", two_yielders, 2 * YIELDS},
    {"spawn", spawn_and_join, ROUNDS},
    {"spawn_scope", spawn_in_scope, ROUNDS},
    {"timeout", arm_and_cancel, ROUNDS},
    {NULL, NULL, 0},
};

static double resident_bytes(void)
{
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static long mappings(void)
{
    long lines = 0;
    int c;
    FILE *f = fopen("/proc/self/maps", "re");
    if (!f)
        return 0;
    while ((c = getc(f)) != EOF)
        lines += c == '\n';
    fclose(f);
    return lines;
}

/* From the generator of Steele and Vigna. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* Sleep until a point between one and two seconds after `*arg`. */
static int sleeper(void *arg)
{
    static uint64_t state;
    hem_ns start = *(hem_ns *)arg;
    hem_ns until =
        start + HEM_SEC + (hem_ns)(random_next(&state) % (uint64_t)HEM_SEC);
    return hem_sleep(until - hem_now());
}

/* Under a virtual clock, so that all are asleep before the first wakes, however
 * long it takes to spawn them. */
static int measure_sleepers(void *arg)
{
    long count = *(long *)arg;
    double before = resident_bytes();
    int64_t cpu = bench_cpu_ns();
    hem_ns start = hem_now();
    HEM_SCOPE(s);
    for (long i = 0; i < count; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, sleeper, &start));
    HEM_TRY(hem_sleep(HEM_MSEC));
    double bytes = (resident_bytes() - before) / (double)count;
    long maps = mappings();
    if (hem_scope_children(&s) != (size_t)count)
        return hem_fail(HEM_ESTATE, "not all asleep at once");
    HEM_TRY(hem_scope_close(&s, 0));
    cpu = bench_cpu_ns() - cpu;
    printf("sleepers %ld count\n", count);
    printf("sleeper_cpu %.0f ns\n", (double)cpu / (double)count);
    printf("sleeper_resident %.0f bytes\n", bytes);
    printf("sleeper_mappings %ld count\n", maps);
    return 0;
}

static int run_sleepers(long count)
{
    hem_virtual_clock clock = {0};
    return hem_run(measure_sleepers, &count,
                   &(hem_run_options){.clock = &clock});
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "sleepers") != 0)
        return bench_operations(argc, argv, operations);
    return bench_exit(argv, run_sleepers(argc > 2 ? atol(argv[2]) : 1000000));
}

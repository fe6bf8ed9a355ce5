/* SPDX-License-Identifier: MIT */
/*
 * What the programs share that measure hem: each has a table of operations, one
 * of which its first argument names, and prints a line `name value unit`.
 */
#ifndef HEM_BENCH_H
#define HEM_BENCH_H

#include <hem.h>
#include <string.h>

#include "bench.h"

/* An operation, repeated in batches that run in a task. */
struct operation {
    const char *name; /* NULL ends the table */
    bench_batch *batch;
    uint64_t ops; /* in a batch */
};

/* Report how the measurement named by the first argument ended; what main() is
 * to return. */
static inline int bench_exit(char **argv, int rc)
{
    if (rc < 0)
        fprintf(stderr, "%s %s: %s: %s\n", argv[0], argv[1] ? argv[1] : "",
                hem_errname(rc), hem_strerror(rc));
    return rc < 0;
}

static inline int bench_operation(void *arg)
{
    const struct operation *o = arg;
    double ns = 0;
    HEM_TRY(bench_measure(&ns, o->batch, NULL, o->ops));
    printf("%s %.2f ns\n", o->name, ns);
    return 0;
}

/* The main() of a program that has nothing but operations. */
static inline int bench_operations(int argc, char **argv,
                                   const struct operation *all)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s NAME\n", argv[0]);
        return 2;
    }
    for (; all->name; all++) {
        struct operation o = *all;
        if (strcmp(argv[1], o.name) == 0)
            return bench_exit(argv, hem_run(bench_operation, &o, NULL));
    }
    return bench_exit(argv, HEM_EINVAL);
}

/* A child that ends at once. */
static inline int bench_nothing(void *arg)
{
    (void)arg;
    return 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What hem_gather() costs, in CPU time; the same program as in asyncio_core.py:
 *
 *     hem_gather gather_100  gather the results of 100 calls that end at once
 */
#include "hem_bench.h"

#define GATHERS 100
#define CALLS   100

static int gather_100(void *arg)
{
    (void)arg;
    const hem_call one[] = {HEM_CALL(bench_nothing, NULL)};
    hem_call calls[CALLS];
    for (int i = 0; i < GATHERS; i++) {
        for (int k = 0; k < CALLS; k++)
            calls[k] = one[0];
        HEM_TRY(hem_gather(calls, CALLS, HEM_RETURN_ERRORS));
    }
    return 0;
}

static const struct operation operations[] = {
    {"gather_100", gather_100, GATHERS},
    {NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return bench_operations(argc, argv, operations);
}

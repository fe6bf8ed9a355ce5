/* SPDX-License-Identifier: MIT */
/*
 * Generators: functions that give values one by one, and may wait in between.
 * One of them filters what another gives; leaving the block closes both.
 */
#include <hem.h>
#include <stdio.h>

/* A sensor that is read every second. */
static int readings(hem_gen *g, void *arg)
{
    int rc = 0;
    for (int value = *(int *)arg; rc == 0; value = value * 7 % 31) {
        rc = hem_sleep(HEM_SEC);
        if (rc == 0)
            rc = hem_gen_yield(g, &value);
    }
    printf("sensor off: %s\n", hem_errname(rc));
    return rc;
}

static int peaks(hem_gen *g, void *arg)
{
    HEM_GEN(inner, readings, arg);
    void *value;
    int rc;
    while ((rc = hem_gen_next(&inner, &value)) > 0) {
        if (*(int *)value > 20)
            HEM_TRY(hem_gen_yield(g, value));
    }
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    int seed = 3;
    HEM_GEN(g, peaks, &seed);
    for (int i = 0; i < 3; i++) {
        void *value;
        HEM_TRY(hem_gen_next(&g, &value));
        printf("after %d s: %d\n", (int)(hem_now() / HEM_SEC), *(int *)value);
    }
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     after 2 s: 21
 *     after 3 s: 23
 *     after 8 s: 22
 *     sensor off: HEM_ECLOSED
 */

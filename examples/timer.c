/* SPDX-License-Identifier: MIT */
/*
 * Timers: a function every so often, and what becomes of the next tick where
 * one takes longer than the interval: here 2.5 s, every second.
 */
#include <hem.h>
#include <stdio.h>

static hem_ns begin;

static int measure(void *arg)
{
    (void)arg;
    hem_ns from = hem_now() - begin;
    int rc = hem_sleep(2500 * HEM_MSEC);
    printf("  %.1f to %.1f s%s\n", (double)from / 1e9,
           (double)(hem_now() - begin) / 1e9, rc < 0 ? ", cancelled" : "");
    return rc;
}

static int watch(const char *name, hem_timer_policy policy)
{
    puts(name);
    begin = hem_now();
    hem_timer t;
    HEM_TRY(hem_timer_start(&t, HEM_SEC, measure, NULL,
                            &(hem_timer_options){.policy = policy}));
    int rc = hem_sleep(2700 * HEM_MSEC);
    int stopped = hem_timer_stop(&t);
    return rc < 0 ? rc : stopped;
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(watch("accumulate", HEM_TIMER_ACCUMULATE));
    HEM_TRY(watch("cancel", HEM_TIMER_CANCEL));
    return watch("skip", HEM_TIMER_SKIP);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     accumulate
 *       0.0 to 2.5 s
 *       1.0 to 2.7 s, cancelled
 *       2.0 to 2.7 s, cancelled
 *     cancel
 *       0.0 to 1.0 s, cancelled
 *       1.0 to 2.0 s, cancelled
 *       2.0 to 2.7 s, cancelled
 *     skip
 *       0.0 to 2.5 s
 */

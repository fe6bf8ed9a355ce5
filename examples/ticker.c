/* SPDX-License-Identifier: MIT */
/*
 * Two tasks in a scope with a time limit: when it passes, both are cancelled,
 * clean up, and are gone before hem_scope_close() returns.
 */
#include <hem.h>
#include <stdio.h>

struct clock {
    const char *sound;
    hem_ns period;
    hem_ns begin;
    int count;
};

static int tick(void *arg)
{
    struct clock *c = arg;
    int rc;
    while ((rc = hem_sleep(c->period)) == 0) {
        c->count++;
        printf("%6.1f s  %s\n", (double)(hem_now() - c->begin) / 1e9, c->sound);
    }
    printf("          %s stops: %s\n", c->sound, hem_errname(rc));
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    /* Arguments and results of the children: the scope outlives them all. */
    hem_ns now = hem_now();
    struct clock fast = {"tick", 200 * HEM_MSEC, now, 0};
    struct clock slow = {"tock", 500 * HEM_MSEC, now, 0};
    HEM_SCOPE(s, .timeout = 1100 * HEM_MSEC, .move_on = true);
    HEM_TRY(hem_scope_spawn(&s, NULL, tick, &fast));
    HEM_TRY(hem_scope_spawn(&s, NULL, tick, &slow));
    HEM_TRY(hem_scope_close(&s, 0));
    printf("%d ticks, %d tocks\n", fast.count, slow.count);
    return 0;
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

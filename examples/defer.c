/* SPDX-License-Identifier: MIT */
/*
 * Deferred calls: what has to be undone is said where it is done, and happens
 * by whatever way the block is left, the last first.
 */
#include <hem.h>
#include <stdio.h>

static int say(void *arg)
{
    puts(arg);
    return 0;
}

static int hang_up(void *arg)
{
    HEM_TRY(hem_sleep(HEM_SEC)); /* it may wait */
    printf("hang up on %s\n", (const char *)arg);
    return hem_fail(HEM_EPIPE, "they were faster");
}

static int call(const char *who, bool answers)
{
    HEM_DEFER(d);
    puts("lift the receiver");
    HEM_TRY(hem_defer(&d, say, "put it down"));
    if (!answers)
        return HEM_ENOENT;
    HEM_TRY(hem_defer(&d, hang_up, (void *)who));
    printf("talk to %s\n", who);
    return hem_defer_close(&d, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    printf("%s\n", hem_errname(call("Ann", false)));
    printf("%s\n", hem_errname(call("Bob", true)));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     lift the receiver
 *     put it down
 *     HEM_ENOENT
 *     lift the receiver
 *     talk to Bob
 *     hang up on Bob
 *     put it down
 *     HEM_EPIPE
 */

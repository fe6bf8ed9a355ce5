/* SPDX-License-Identifier: MIT */
/* hem_iter_until: a loop over what a function returns, up to a sentinel. */
#include <hem.h>
#include <stdio.h>

/* Tells the time until the next train; 0: it is here. */
static int minutes_left(void *arg)
{
    const hem_ns *due = arg;
    HEM_TRY(hem_sleep(60 * HEM_SEC));
    return (int)((*due - hem_now()) / (60 * HEM_SEC));
}

static int main_task(void *arg)
{
    (void)arg;
    hem_ns due = hem_now() + 240 * HEM_SEC;
    int left;
    int rc;
    while ((rc = hem_iter_until(minutes_left, &due, 0, &left)) > 0)
        printf("%d minutes\n", left);
    HEM_TRY(rc);
    puts("stand back");
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     3 minutes
 *     2 minutes
 *     1 minutes
 *     stand back
 */

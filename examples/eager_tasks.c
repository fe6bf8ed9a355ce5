/* SPDX-License-Identifier: MIT */
/*
 * Eager tasks take their first step inside hem_spawn_with(): one that need not
 * wait is done when the call returns, without a turn of the loop.
 */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static int resolve(void *arg)
{
    const char *host = arg;
    if (strcmp(host, "localhost") == 0)
        return 1; /* known: no need to ask */
    HEM_TRY(hem_sleep(20 * HEM_MSEC));
    return 2;
}

static int lookup(char *host, bool eager)
{
    hem_task *t;
    HEM_TRY(hem_spawn_with(&t, resolve, host, .eager = eager));
    const char *state = hem_task_done(t) ? "done" : hem_task_waits_for(t);
    printf("%-9s  %-5s  %s\n", host, eager ? "eager" : "", state);
    int rc = hem_await(t);
    hem_task_forget(t); /* the handle; the loop would keep it to its end */
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(lookup("localhost", false));
    HEM_TRY(lookup("localhost", true));
    HEM_TRY(lookup("hem.test", true));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     localhost         ready
 *     localhost  eager  done
 *     hem.test   eager  sleep
 */

/* SPDX-License-Identifier: MIT */
/* Tasks that wait for something to happen, and go on together when it does. */
#include <hem.h>
#include <stdio.h>

static hem_event open_for_all;

static int visitor(void *arg)
{
    printf("%s waits\n", (const char *)arg);
    HEM_TRY(hem_event_wait(&open_for_all));
    printf("%s is in, after %.0f seconds\n", (const char *)arg,
           (double)hem_now() / 1e9);
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    hem_event_init(&open_for_all);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, visitor, "Ann"));
    HEM_TRY(hem_scope_spawn(&s, NULL, visitor, "Bob"));
    HEM_TRY(hem_sleep(HEM_SEC));
    puts("opening");
    hem_event_set(&open_for_all);
    HEM_TRY(hem_scope_spawn(&s, NULL, visitor, "Eve")); /* waits no more */
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     Ann waits
 *     Bob waits
 *     opening
 *     Ann is in, after 1 seconds
 *     Bob is in, after 1 seconds
 *     Eve waits
 *     Eve is in, after 1 seconds
 */

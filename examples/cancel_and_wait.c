/* SPDX-License-Identifier: MIT */
/*
 * hem_cancel_and_wait(): cancel a task and see it through. It ended by that, or
 * failed as it cleaned up, or did not want to stop: one can tell.
 */
#include <hem.h>
#include <stdio.h>

static int mail(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_NEVER);
    HEM_TRY(hem_sleep(HEM_SEC)); /* cleaning up may wait */
    return rc;
}

static int disk(void *arg)
{
    return mail(arg) < 0 ? hem_fail(HEM_EIO, "could not sync") : 0;
}

static int old(void *arg)
{
    return mail(arg) < 0 ? 0 : 0; /* swallows it */
}

static int main_task(void *arg)
{
    (void)arg;
    hem_task *t[3];
    HEM_SCOPE(s, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&s, &t[0], mail, NULL));
    HEM_TRY(hem_scope_spawn(&s, &t[1], disk, NULL));
    HEM_TRY(hem_scope_spawn(&s, &t[2], old, NULL));
    HEM_TRY(hem_yield()); /* now they wait */
    printf("one: %d\n", hem_cancel_and_wait(t[0], "maintenance"));
    int rc = hem_cancel_and_wait_all(t, 3, "shutdown");
    printf("all: %s\n", hem_errname(rc));
    const hem_error *e = hem_failure();
    for (size_t i = 0; i < e->count; i++)
        printf("  %s: %s\n", e->errors[i]->task, e->errors[i]->message);
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     one: 0
 *     all: HEM_EGROUP
 *       disk: could not sync
 *       main: task swallowed its cancellation
 */

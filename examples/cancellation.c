/* SPDX-License-Identifier: MIT */
/*
 * Cancellation is a request with a reason, and it is counted. A worker takes
 * "reload" back and goes on; whatever else comes, it cleans up and ends.
 */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static int worker(void *arg)
{
    (void)arg;
    hem_task *self = hem_self();
    const char *why;
    while (hem_sleep(HEM_NEVER) == HEM_ECANCELED && /* the work */
           (why = hem_task_reason(self)) && strcmp(why, "reload") == 0) {
        printf("%s, requests: %d\n", why, hem_task_cancelling(self));
        printf("goes on, requests: %d\n", hem_task_uncancel(self));
    }
    HEM_TRY(hem_sleep(HEM_SEC)); /* an edge: cleaning up may wait */
    return hem_cancelled("stopped in good order");
}

static int never_begun(void *arg)
{
    return puts(arg);
}

static int main_task(void *arg)
{
    (void)arg;
    hem_task *t, *u;
    HEM_TRY(hem_spawn(&t, worker, NULL));
    HEM_TRY(hem_spawn(&u, never_begun, "not printed"));
    hem_task_cancel(u, "changed my mind");
    HEM_TRY(hem_sleep(HEM_SEC));
    hem_task_cancel(t, "reload");
    HEM_TRY(hem_sleep(HEM_SEC));
    hem_task_cancel(t, "stop");
    int rc = hem_await(t);
    printf("%s: %s\n", hem_errname(rc), hem_task_reason(t));
    rc = hem_task_result(u);
    printf("%s: %s\n", hem_errname(rc), hem_task_reason(u));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     reload, requests: 1
 *     goes on, requests: 0
 *     HEM_ECANCELED: stopped in good order
 *     HEM_ECANCELED: changed my mind
 */

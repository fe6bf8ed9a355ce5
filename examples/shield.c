/* SPDX-License-Identifier: MIT */
/*
 * hem_shield(): wait for a task without passing a cancellation on to it. A
 * payment goes on although the customer has closed the page.
 */
#include <hem.h>
#include <stdio.h>

static double seconds(void)
{
    return (double)hem_now() / 1e9;
}

static int charge(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(2 * HEM_SEC));
    printf("%.0f s: charged\n", seconds());
    return 0;
}

static int checkout(void *payments)
{
    hem_task *t;
    HEM_TRY(hem_scope_spawn(payments, &t, charge, NULL));
    int rc = hem_shield(hem_task_future(t));
    printf("%.0f s: checkout ends: %s\n", seconds(),
           rc < 0 ? hem_errname(rc) : "ok");
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_SCOPE(payments);
    HEM_SCOPE(customers);
    hem_task *alice, *bob;
    HEM_TRY(hem_scope_spawn(&customers, &alice, checkout, &payments));
    HEM_TRY(hem_sleep(HEM_SEC));
    HEM_TRY(hem_scope_spawn(&customers, &bob, checkout, &payments));
    HEM_TRY(hem_sleep(500 * HEM_MSEC));
    hem_task_cancel(alice, "page closed");
    HEM_TRY(hem_scope_close(&customers, 0));
    return hem_scope_close(&payments, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     2 s: checkout ends: HEM_ECANCELED
 *     2 s: charged
 *     3 s: charged
 *     3 s: checkout ends: ok
 */

/* SPDX-License-Identifier: MIT */
/*
 * A context manager: one function sets up before a block and tears down after
 * it, and sees how the block ended. This one makes a transaction of the block.
 */
#include <hem.h>
#include <stdio.h>

static int transaction(hem_actx *cm, void *arg)
{
    int *balance = arg;
    int before = *balance;
    HEM_TRY(hem_sleep(HEM_MSEC)); /* both parts may wait */
    int rc = hem_actx_yield(cm, NULL);
    if (rc < 0)
        *balance = before;
    printf("%s at %d\n", rc < 0 ? "rolled back" : "committed", *balance);
    return rc;
}

static int pay(int *balance, const int *amounts, size_t n)
{
    HEM_ACTX(cm);
    HEM_TRY(hem_actx_open(&cm, transaction, balance, NULL));
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        *balance -= amounts[i];
        if (*balance < 0)
            rc = hem_fail(HEM_ELIMIT, "%d are lacking", -*balance);
    }
    return hem_actx_close(&cm, rc);
}

static int main_task(void *arg)
{
    (void)arg;
    const int amounts[] = {30, 40};
    int balance = 100;
    HEM_TRY(pay(&balance, amounts, 2));
    int rc = pay(&balance, amounts, 2);
    if (rc < 0)
        puts(hem_failure_text(rc));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     committed at 30
 *     rolled back at 30
 *     40 are lacking
 */

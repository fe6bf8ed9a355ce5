/* SPDX-License-Identifier: MIT */
/*
 * Nested timeouts: each attempt may take 2 s, all of them together 5 s. Each
 * timeout only answers for itself, so the code can tell which one expired.
 */
#include <hem.h>
#include <stdio.h>

static int attempt(hem_ns server)
{
    printf("%.1f s: asking\n", (double)hem_now() / 1e9);
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 2 * HEM_SEC));
    return hem_timeout_close(&t, hem_sleep(server)); /* its answer */
}

static int ask_until_answered(hem_ns server)
{
    hem_timeout all;
    HEM_TRY(hem_timeout_open(&all, 5 * HEM_SEC));
    int rc;
    while ((rc = attempt(server)) == HEM_ETIMEDOUT)
        server -= HEM_SEC; /* it gets better */
    /* An attempt that `all` interrupts ends as cancelled. */
    printf("%.1f s: the attempt: %s\n", (double)hem_now() / 1e9,
           rc ? hem_errname(rc) : "answered");
    return hem_timeout_close(&all, rc);
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(ask_until_answered(2500 * HEM_MSEC));
    int rc = ask_until_answered(HEM_NEVER);
    printf("all together: %s\n", hem_errname(rc));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     0.0 s: asking
 *     2.0 s: asking
 *     3.5 s: the attempt: answered
 *     3.5 s: asking
 *     5.5 s: asking
 *     7.5 s: asking
 *     8.5 s: the attempt: HEM_ECANCELED
 *     all together: HEM_ETIMEDOUT
 */

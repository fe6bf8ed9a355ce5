/* SPDX-License-Identifier: MIT */
/*
 * Limits: a scope runs two conversions at a time, lets three more wait, and
 * refuses what is beyond. At the end they get ten seconds to finish. aiojobs.
 */
#include <hem.h>
#include <stdio.h>

static int convert(void *arg)
{
    const int *film = arg;
    int rc = hem_sleep((2 + *film) * HEM_SEC);
    printf("%4.1f s: film %d %s\n", (double)hem_now() / 1e9, *film,
           rc < 0 ? hem_errname(rc) : "converted");
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    int films[] = {0, 1, 2, 3, 4, 5, 6};
    HEM_SCOPE(s, .limit = 2, .pending_limit = 3);
    for (int i = 0; i < 7; i++) {
        int rc = hem_scope_spawn(&s, NULL, convert, &films[i]);
        if (rc == HEM_ELIMIT)
            printf("%4.1f s: film %d refused\n", (double)hem_now() / 1e9, i);
        else
            HEM_TRY(rc);
    }
    int rc = hem_scope_drain(&s, 10 * HEM_SEC);
    printf("%4.1f s: %s, %zu children\n", (double)hem_now() / 1e9,
           rc < 0 ? hem_errname(rc) : "all done", hem_scope_children(&s));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *      0.0 s: film 5 refused
 *      0.0 s: film 6 refused
 *      2.0 s: film 0 converted
 *      3.0 s: film 1 converted
 *      6.0 s: film 2 converted
 *      8.0 s: film 3 converted
 *     10.0 s: film 4 HEM_ECANCELED
 *     10.0 s: HEM_ETIMEDOUT, 0 children
 */

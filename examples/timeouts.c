/* SPDX-License-Identifier: MIT */
/*
 * Timeouts: a session may be idle for 10 s, so each message moves that
 * deadline; and it ends after 20 s, come what may.
 */
#include <hem.h>
#include <stdio.h>

static double seconds(hem_ns t)
{
    return (double)t / 1e9;
}

static int receive(hem_ns pause)
{
    HEM_TRY(hem_sleep(pause)); /* the next message */
    printf("%3.0f s: a message\n", seconds(hem_now()));
    return 0;
}

static int session(const hem_ns *pauses, size_t n)
{
    hem_timeout total, idle;
    HEM_TRY(hem_timeout_open_at(&total, hem_now() + 20 * HEM_SEC));
    int rc = hem_timeout_open(&idle, 10 * HEM_SEC);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if ((rc = receive(pauses[i])) == 0)
            rc = hem_timeout_reschedule(&idle, hem_now() + 10 * HEM_SEC);
    rc = hem_timeout_close(&idle, rc);
    rc = hem_timeout_close(&total, rc);
    printf("%3.0f s: %s: %s (%.0f s, %.0f s)\n", seconds(hem_now()),
           hem_errname(rc), hem_timeout_expired(&idle) ? "idle" : "total",
           seconds(hem_timeout_when(&idle)), seconds(hem_timeout_when(&total)));
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    const hem_ns slow[] = {8 * HEM_SEC, 12 * HEM_SEC};
    HEM_TRY(session(slow, 2));
    const hem_ns chatty[] = {9 * HEM_SEC, 9 * HEM_SEC, 9 * HEM_SEC};
    return session(chatty, 3);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *       8 s: a message
 *      18 s: HEM_ETIMEDOUT: idle (18 s, 20 s)
 *      27 s: a message
 *      36 s: a message
 *      38 s: HEM_ETIMEDOUT: total (46 s, 38 s)
 */

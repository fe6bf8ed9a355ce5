/* SPDX-License-Identifier: MIT */
/*
 * Testing what takes hours: on a virtual clock sleeping costs nothing, and
 * happens in the same order each time.
 */
#include <assert.h>
#include <hem.h>
#include <stdio.h>

/* To be tested: tries again after 1 s, 2 s, 4 s, ..., an hour at most. */
static int connect_patiently(int (*try_once)(void *), void *arg)
{
    hem_ns pause = HEM_SEC;
    int rc;
    while ((rc = try_once(arg)) == HEM_ECONNREFUSED) {
        HEM_TRY(hem_sleep(pause));
        pause = pause < 1800 * HEM_SEC ? pause * 2 : 3600 * HEM_SEC;
    }
    return rc;
}

/* A server that comes up at a certain time. */
static int opens_at(void *arg)
{
    return hem_now() < *(const hem_ns *)arg ? HEM_ECONNREFUSED : 0;
}

static int test(void *arg)
{
    (void)arg;
    hem_ns begin = hem_now(), opening = begin + 24 * 3600 * HEM_SEC;
    int rc = connect_patiently(opens_at, &opening);
    hem_ns late = hem_now() - opening;
    assert(rc == 0 && late >= 0 && late < 3600 * HEM_SEC);

    /* A time limit that strikes on the nanosecond. */
    hem_timeout t;
    HEM_TRY(hem_timeout_open_at(&t, opening + 7200 * HEM_SEC));
    rc = hem_timeout_close(&t, hem_sleep(HEM_NEVER));
    assert(rc == HEM_ETIMEDOUT);
    assert(hem_now() == opening + 7200 * HEM_SEC);
    printf("%.0f hours passed\n", (double)(hem_now() - begin) / 3.6e12);
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(test, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

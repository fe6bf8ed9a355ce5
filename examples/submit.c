/* SPDX-License-Identifier: MIT */
/*
 * A child's result as a future: a persistent scope runs queries for others,
 * and hem_scope_submit() gives each a future of its own. Giving up the future
 * does not cancel the query.
 */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static int query(void *arg)
{
    const char *words = arg;
    HEM_TRY(hem_sleep((hem_ns)strlen(words) * 100 * HEM_MSEC));
    printf("%.1f s: %s\n", (double)hem_now() / 1e9, words);
    return strstr(words, "missing") ? HEM_ENOENT : (int)strlen(words);
}

static int ignore(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)s, (void)child, (void)error;
    return 0; /* who waits for the future is told */
}

static int main_task(void *arg)
{
    (void)arg;
    hem_submitted users, orders; /* stay until their children have ended */
    HEM_SCOPE(database, .kind = HEM_PERSISTENT, .on_error = ignore);
    HEM_TRY(hem_scope_submit(&database, &users, query, "select users"));
    HEM_TRY(hem_scope_submit(&database, &orders, query, "select missing"));
    int rc = hem_future_wait(hem_submitted_future(&users));
    printf("users: %d rows\n", rc);
    rc = hem_future_wait(hem_submitted_future(&orders));
    printf("orders: %s\n", hem_errname(rc));
    return hem_scope_close(&database, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     1.2 s: select users
 *     users: 12 rows
 *     1.4 s: select missing
 *     orders: HEM_ENOENT
 */

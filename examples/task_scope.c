/* SPDX-License-Identifier: MIT */
/*
 * A task scope: the failure of a child leaves the others alone, and goes to
 * the error handler at once. A crawler that notes what it could not fetch.
 */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static int fetch(void *arg)
{
    const char *page = arg;
    HEM_TRY(hem_sleep((hem_ns)strlen(page) * 100 * HEM_MSEC));
    if (strstr(page, "old"))
        return hem_fail(HEM_ENOENT, "404: %s", page);
    printf("%.1f s: fetched %s\n", (double)hem_now() / 1e9, page);
    return 0;
}

/* Called in the loop as the child ends; must not wait. */
static int note(void *arg, hem_scope *s, hem_task *child, int error)
{
    int *missing = arg;
    printf("%.1f s: %s, %zu pages left\n", (double)hem_now() / 1e9,
           hem_task_error(child)->message, hem_scope_children(s));
    *missing += error == HEM_ENOENT;
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    char *pages[] = {"/", "/news", "/news/old", "/faq", "/faq/older"};
    int missing = 0;
    HEM_SCOPE(s, .on_error = note, .on_error_arg = &missing);
    for (int i = 0; i < 5; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, fetch, pages[i]));
    HEM_TRY(hem_scope_close(&s, 0)); /* when all have ended */
    printf("%d missing\n", missing);
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     0.1 s: fetched /
 *     0.4 s: fetched /faq
 *     0.5 s: fetched /news
 *     0.9 s: 404: /news/old, 1 pages left
 *     1.0 s: 404: /faq/older, 0 pages left
 *     2 missing
 */

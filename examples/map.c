/* SPDX-License-Identifier: MIT */
/*
 * hem_map(): a function for each item of an array, two at a time, and no more
 * than five a second, as the server's rules want it. aiometer.
 */
#include <hem.h>
#include <stdio.h>

struct page {
    int number;
    hem_ns takes;
    int links; /* the result */
};

static int fetch(void *arg)
{
    struct page *p = arg;
    double begun = (double)hem_now() / 1e9;
    HEM_TRY(hem_sleep(p->takes));
    p->links = p->number * 10;
    printf("page %d: from %.1f to %.1f s\n", p->number, begun,
           (double)hem_now() / 1e9);
    return p->number == 3 ? HEM_ENOENT : 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct page pages[] = {{1, 100 * HEM_MSEC, 0},
                           {2, 900 * HEM_MSEC, 0},
                           {3, 300 * HEM_MSEC, 0},
                           {4, 100 * HEM_MSEC, 0}};
    int status[4];
    hem_map_options o = {.max_at_once = 2,
                         .max_per_second = 5,
                         .return_errors = true,
                         .ret = status};
    HEM_TRY(hem_map(fetch, HEM_ITEMS(pages, 4), &o));
    for (int i = 0; i < 4; i++)
        printf("%d: %s\n", pages[i].links, status[i] ? "missing" : "ok");
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     page 1: from 0.0 to 0.1 s
 *     page 3: from 0.4 to 0.7 s
 *     page 4: from 0.7 to 0.8 s
 *     page 2: from 0.2 to 1.1 s
 *     10: ok
 *     20: ok
 *     30: missing
 *     40: ok
 */

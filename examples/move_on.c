/* SPDX-License-Identifier: MIT */
/*
 * .move_on: a time limit that is no error. A search shows what it has found
 * when the time is over.
 */
#include <hem.h>
#include <stdio.h>

struct shelf {
    const char *name;
    hem_ns takes;
    bool found;
};

static int search(void *arg)
{
    struct shelf *shelf = arg;
    HEM_TRY(hem_sleep(shelf->takes));
    shelf->found = true;
    return 0;
}

static int search_all(struct shelf *shelves, size_t n, hem_ns limit)
{
    HEM_SCOPE(s, .timeout = limit, .move_on = true);
    for (size_t i = 0; i < n; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, search, &shelves[i]));
    HEM_TRY(hem_scope_close(&s, 0)); /* 0, also if the time was over */
    for (size_t i = 0; i < n; i++)
        if (shelves[i].found)
            printf("%s, ", shelves[i].name);
    puts(hem_scope_expired(&s) ? "and maybe more" : "that is all");
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct shelf shelves[] = {{"books", 200 * HEM_MSEC, false},
                              {"films", 900 * HEM_MSEC, false},
                              {"music", 300 * HEM_MSEC, false}};
    HEM_TRY(search_all(shelves, 3, 500 * HEM_MSEC));
    return search_all(shelves, 3, HEM_SEC);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     books, music, and maybe more
 *     books, films, music, that is all
 */

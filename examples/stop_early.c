/* SPDX-License-Identifier: MIT */
/*
 * hem_scope_abort(): whoever has found it stops the search of the others.
 */
#include <hem.h>
#include <stdio.h>

struct search {
    hem_scope *scope;
    const char *found;
};

struct drawer {
    struct search *search;
    const char *name;
    int items;
    int key_at; /* 0: the key is not here */
};

static int look(void *arg)
{
    const struct drawer *d = arg;
    for (int i = 1; i <= d->items; i++) {
        int rc = hem_sleep(HEM_SEC);
        if (rc < 0)
            printf("%s: stopped at %d\n", d->name, i);
        HEM_TRY(rc);
        if (i == d->key_at) {
            d->search->found = d->name;
            hem_scope_abort(d->search->scope, "found");
        }
    }
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct search search = {0};
    struct drawer desk = {&search, "desk", 9, 0};
    struct drawer shelf = {&search, "shelf", 4, 4};
    HEM_SCOPE(s);
    search.scope = &s;
    HEM_TRY(hem_scope_spawn(&s, NULL, look, &desk));
    HEM_TRY(hem_scope_spawn(&s, NULL, look, &shelf));
    HEM_TRY(hem_scope_close(&s, 0));
    return printf("it was in the %s\n", search.found);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     desk: stopped at 5
 *     it was in the shelf
 */

/* SPDX-License-Identifier: MIT */
#include "items.h"

#include "support.h"

int items_running, items_most;

void items_prepare(struct item *items, size_t n, hem_ns takes)
{
    items_running = items_most = 0;
    for (size_t i = 0; i < n; i++)
        items[i] = (struct item){.takes = takes, .begun = -1};
}

int item_work(void *arg)
{
    struct item *x = arg;
    x->begun = hem_now();
    if (++items_running > items_most)
        items_most = items_running;
    int rc = x->takes ? hem_sleep(x->takes) : 0;
    if (rc < 0 && x->cleanup)
        check_int(hem_sleep(x->cleanup), 0);
    items_running--;
    x->ended = hem_now();
    if (rc < 0)
        return rc;
    return x->result < 0 ? hem_fail(x->result, "item") : x->result;
}

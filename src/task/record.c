/* SPDX-License-Identifier: MIT */
/* Records of tasks with handles: some free ones are kept. */
#include "base/alloc.h"
#include "task/task.h"

#define KEPT_MAX 4096

struct hem__record { /* a free record */
    struct hem__record *next;
};

hem_task *hem__record_get(hem__runtime *rt)
{
    struct hem__record *r = rt->records;
    if (!r)
        return hem__alloc(sizeof(hem_task));
    rt->records = r->next;
    rt->record_count--;
    return (hem_task *)(void *)r;
}

void hem__record_put(hem__runtime *rt, hem_task *t)
{
    if (rt->record_count == KEPT_MAX) {
        hem__free(t);
        return;
    }
    struct hem__record *r = (struct hem__record *)(void *)t;
    r->next = rt->records;
    rt->records = r;
    rt->record_count++;
}

void hem__records_free(hem__runtime *rt)
{
    while (rt->records) {
        struct hem__record *r = rt->records;
        rt->records = r->next;
        hem__free(r);
    }
}

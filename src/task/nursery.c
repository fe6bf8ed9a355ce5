/* SPDX-License-Identifier: MIT */
#include "task/task.h"

void hem__nursery_init(hem__nursery *n,
                       void (*ended)(hem__nursery *self, hem_task *child))
{
    hem__list_init(&n->tasks);
    hem__list_init(&n->open);
    n->count = 0;
    n->watched = false;
    n->ended = ended;
    n->failed = NULL;
}

void hem__nursery_cancel(hem_loop *l, hem__nursery *n, const char *why)
{
    /* A request makes ready, it does not run: nobody leaves the list. */
    for (hem__list *e = n->tasks.next; e != &n->tasks; e = e->next) {
        hem_task *t = HEM__CONTAINER(e, hem_task, sibling);
        if (t->future.outcome.state == HEM__PENDING)
            hem__shield_cancel(l, t, t->shields, why);
    }
}

void hem__nursery_release(hem_loop *l, hem__nursery *n)
{
    while (!hem__list_empty(&n->tasks)) {
        hem_task *t = HEM__CONTAINER(n->tasks.next, hem_task, sibling);
        hem__list_unlink(&t->sibling);
        hem__task_free(l, t);
    }
}

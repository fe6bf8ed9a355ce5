/* SPDX-License-Identifier: MIT */
#include "task/task.h"

void hem__nursery_init(hem__nursery *n,
                       void (*ended)(hem__nursery *self, hem_task *child))
{
    hem__list_init(&n->children);
    hem__list_init(&n->kept);
    n->count = 0;
    n->ended = ended;
}

void hem__nursery_cancel(hem_loop *l, hem__nursery *n, const char *why)
{
    /* A request makes ready, it does not run: nobody leaves the list. */
    for (hem__list *e = n->children.next; e != &n->children; e = e->next) {
        hem_task *t = HEM__CONTAINER(e, hem_task, sibling);
        hem__shield_cancel(l, t, t->shields, why);
    }
}

void hem__nursery_release(hem_loop *l, hem__nursery *n)
{
    while (!hem__list_empty(&n->kept)) {
        hem_task *t = HEM__CONTAINER(n->kept.next, hem_task, sibling);
        hem__list_remove(&t->sibling);
        hem__task_free(l, t);
    }
}

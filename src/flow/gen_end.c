/* SPDX-License-Identifier: MIT */
/*
 * Generators that are open when all tasks of a run have ended are closed in
 * tasks, one after the other: each task takes one generator, and sees to it
 * that another task is there for the next before it begins, for its body may
 * wait. So there are as many tasks as there are bodies that wait. The first
 * one was reserved when the first generator began; where memory lacks for
 * others, it closes them all.
 */
#include "base/log.h"
#include "flow/gen.h"

int hem__gen_reserve(hem__runtime *rt)
{
    if (rt->generators.reserve)
        return 0;
    HEM_TRY(hem__timers_reserve(&rt->loop.timers));
    int rc = hem__stack_provide(&rt->loop.stacks, rt->stack_class);
    if (rc < 0) {
        hem__timers_release(&rt->loop.timers);
        return rc;
    }
    rt->generators.reserve = hem__stack_get(rt->stack_class);
    if (!rt->close_generators) {
        rt->close_generators = hem__gen_close_all;
        hem__list_init(&rt->generators.open);
    }
    return 0;
}

/* The next to be closed, taken out of the list; NULL: none. Those that run are
 * in the hands of somebody who is closing them. */
static hem__gen *take(hem__runtime *rt)
{
    hem__list *head = &rt->generators.open;
    for (hem__list *e = head->next; e != head; e = e->next) {
        hem__gen *g = HEM__CONTAINER(e, hem__gen, link);
        if (!g->running) {
            hem__list_remove(&g->link);
            return g;
        }
    }
    return NULL;
}

static int close_one(hem_task *t, hem__gen *g)
{
    t->name = g->self.site->function;
    t->site = g->self.site;
    g->closer = t;
    int rc = hem__gen_step(t, g, NULL, HEM_ECLOSED, NULL);
    if (rc > 0)
        return hem_fail(HEM_EREFUSED, "yielded while it was closed");
    return rc == HEM_ECLOSED ? 0 : rc;
}

static int spawn_closer(hem__runtime *rt);

static int closer(void *arg)
{
    hem__runtime *rt = arg;
    int first = 0;
    bool alone = true;
    while (alone) {
        hem__gen *g = take(rt);
        if (!g)
            break;
        alone = hem__list_empty(&rt->generators.open) || spawn_closer(rt) < 0;
        int rc = close_one((hem_task *)rt->loop.current, g);
        if (first >= 0)
            first = rc;
    }
    return first;
}

/* Also when no task may be spawned any more. */
static int spawn_closer(hem__runtime *rt)
{
    static const hem_site site = {"generators", "hem_run", 0};
    bool closed = rt->closed;
    rt->closed = false;
    int rc = hem__task_spawn(&rt->loop, &rt->nursery, NULL, closer, rt, &site);
    rt->closed = closed;
    if (rc < 0)
        return rc;
    hem_task *t = HEM__CONTAINER(rt->all.prev, hem_task, all);
    t->future.outcome.flags |= HEM__TASK_AT_EXIT;
    rt->at_exit++;
    return 0;
}

void hem__gen_close_all(hem__runtime *rt)
{
    if (rt->generators.reserve) {
        hem__stack_put(rt->generators.reserve);
        rt->generators.reserve = NULL;
        hem__timers_release(&rt->loop.timers);
    }
    if (!hem__list_empty(&rt->generators.open)) {
        int rc = spawn_closer(rt);
        HEM__ASSERT(rc == 0);
    }
}

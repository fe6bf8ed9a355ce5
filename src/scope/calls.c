/* SPDX-License-Identifier: MIT */
#include "scope/calls.h"

#include "task/failure.h"
#include "task/future.h"

static void reset(hem__calls *calls, hem_call *c)
{
    c->order = 0;
    c->status = 0;
    c->reason = NULL;
    c->error = NULL;
    c->calls = calls;
    c->next = NULL;
    c->awaited = c->future;
}

ssize_t hem__calls_check(const hem_call *c, size_t n)
{
    ssize_t functions = 0;
    for (size_t i = 0; i < n; i++) {
        if (!c[i].fn == !c[i].future)
            return HEM_EINVAL;
        functions += c[i].fn != NULL;
    }
    return functions;
}

void hem__calls_init(hem__calls *calls, hem_call *c, size_t n)
{
    calls->first = c;
    calls->count = n;
    calls->done = NULL;
    calls->done_last = &calls->done;
    calls->done_count = 0;
    for (size_t i = 0; i < n; i++)
        reset(calls, &c[i]);
}

bool hem__calls_have(const hem__calls *calls, const hem_task *t)
{
    for (size_t i = 0; i < calls->count; i++) {
        if (calls->first[i].future == &t->future)
            return true;
    }
    return false;
}

/* Get rid of a task that has not begun, and never will: it becomes the loop's
 * own, until its turn comes. */
static void disown(hem_loop *l, hem_task *t)
{
    hem__nursery *n = &hem__runtime_of(l)->nursery;
    hem__list_unlink(&t->sibling);
    t->nursery->count--;
    t->nursery = n;
    n->count++;
    hem__list_insert(&n->tasks, &t->sibling);
    hem__shield_cancel(l, t, t->shields, NULL);
    hem_task_forget(t);
}

static int spawn(hem_scope *s, hem_call *c)
{
    hem_spawn_options o = {
        .name = c->name, .context = c->context, .site = c->site};
    hem_task *t;
    HEM_TRY(hem_scope_spawn_with_at(s, &t, c->fn, c->arg, &o));
    c->awaited = &t->future;
    return 0;
}

int hem__calls_spawn(hem__calls *calls, hem_scope *s, hem_scope_kind kind)
{
    hem_loop *l = hem__loop;
    int rc = hem_scope_open(s, &(hem_scope_options){.kind = kind});
    if (rc < 0)
        return rc;
    size_t i = 0;
    for (; i < calls->count && rc == 0; i++)
        rc = calls->first[i].fn ? spawn(s, &calls->first[i]) : 0;
    if (rc == 0)
        return 0;
    for (i--; i > 0; i--) {
        const hem_call *c = &calls->first[i - 1];
        if (c->fn)
            disown(l, hem__task_of_future(c->awaited));
    }
    (void)!hem_scope_close(s, 0); /* at once: it has no children */
    return rc;
}

bool hem__call_watch(hem_call *c, hem_done_fn *fn)
{
    return hem__future_watch(c->awaited, &c->done, fn, c);
}

void hem__call_done(hem_call *c)
{
    hem__calls *calls = c->calls;
    c->order = ++calls->done_count;
    c->status = c->done.status;
    c->reason = c->status == HEM_ECANCELED ? c->done.why : NULL;
    c->error = c->done.error;
    *calls->done_last = c;
    calls->done_last = &c->next;
}

void hem__calls_unwatch(hem__calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        hem_call *c = &calls->first[i];
        if (c->order > 0)
            continue;
        bool pending = hem__call_pending(c);
        (void)hem_done_remove(&c->done);
        if (!pending)
            hem__call_done(c);
    }
}

/* Move the record of a failed operand into the group. */
static void add_to_group(hem_error *group, hem_call *c, const hem_task *self)
{
    if (!c->error)
        c->error = hem__error_bare(self, c->status);
    size_t count = group ? group->count : 0;
    hem__error_add(group, (hem_error *)(uintptr_t)c->error);
    if (!group || group->count == count)
        c->error = NULL;
}

static void forget(hem_call *c)
{
    hem_error_release((hem_error *)(uintptr_t)c->error);
    c->error = NULL;
}

void hem__calls_group(hem__calls *calls, size_t limit, hem_task *self)
{
    hem_error *group = NULL;
    for (hem_call *c = calls->done; c; c = c->next) {
        if (c->order > limit)
            forget(c);
        if (c->order > limit || c->status >= 0 || c->status == HEM_ECANCELED)
            continue;
        if (!group)
            group = hem__error_group(self);
        add_to_group(group, c, self);
    }
    if (group)
        hem__error_record(self, group);
}

void hem__calls_give(hem__calls *calls, hem_call *c, hem_task *self)
{
    hem_error *e = hem_error_hold(c->error);
    if (c->status == HEM_ECANCELED)
        self->fiber.reason = c->reason;
    hem__calls_forget(calls);
    if (e)
        hem__error_record(self, e);
    c->error = e;
}

void hem__calls_forget(hem__calls *calls)
{
    for (size_t i = 0; i < calls->count; i++)
        forget(&calls->first[i]);
}

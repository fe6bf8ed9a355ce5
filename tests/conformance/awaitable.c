/* SPDX-License-Identifier: MIT */
/* What tasks and futures have in common. */
#include "calls.h"
#include "tasks.h"

static struct task *as_task(const struct thing *t)
{
    return (struct task *)(uintptr_t)t;
}

/* The future that `t` is, or that stands for it; NULL: it is a task. */
static hem_future *future_of(const struct thing *t)
{
    if (t->kind == THING_FUTURE)
        return ((struct future *)(uintptr_t)t)->future;
    struct task *task = as_task(t);
    return task->retired ? &task->after : NULL;
}

hem_future *awaitable_future(struct thing *t)
{
    hem_future *f = future_of(t);
    return f ? f : hem_task_future(as_task(t)->handle);
}

/* The same of a future. */
static struct outcome future_outcome(const struct future *f, int status)
{
    if (f->shielded)
        return awaitable_outcome(f->shielded, status);
    if (f->gathered && status == 0)
        return calls_list(f->gathered);
    struct outcome o = outcome_of(status);
    if (o.kind != OUTCOME_GROUP)
        return o;
    if (f->of)
        return f->of->outcome;
    const hem_error *e = hem_future_error(f->future);
    return e ? outcome_of_error(e) : o;
}

struct outcome awaitable_outcome(const struct thing *t, int status)
{
    if (t->kind == THING_FUTURE)
        return future_outcome((struct future *)(uintptr_t)t, status);
    struct outcome o = outcome_of(status);
    return o.kind == OUTCOME_GROUP ? as_task(t)->outcome : o;
}

struct outcome awaitable_wait(struct thing *t)
{
    hem_future *f = future_of(t);
    int status = f ? hem_future_wait(f) : hem_await(as_task(t)->handle);
    return awaitable_outcome(t, status);
}

bool awaitable_done(const struct thing *t)
{
    const hem_future *f = future_of(t);
    return f ? hem_future_done(f) : hem_task_done(as_task(t)->handle);
}

bool awaitable_cancelled(const struct thing *t)
{
    const hem_future *f = future_of(t);
    return f ? hem_future_cancelled(f) : hem_task_cancelled(as_task(t)->handle);
}

bool awaitable_cancel(struct thing *t, const char *why)
{
    hem_future *f = future_of(t);
    return f ? hem_future_cancel(f, why)
             : hem_task_cancel(as_task(t)->handle, why);
}

void awaitable_on_done(struct thing *t, hem_done *d, hem_done_fn *fn, void *arg)
{
    hem_future *f = future_of(t);
    if (f)
        hem_future_on_done(f, d, fn, arg);
    else
        hem_task_on_done(as_task(t)->handle, d, fn, arg);
}

struct outcome awaitable_result(const struct thing *t)
{
    const hem_future *f = future_of(t);
    int status = f ? hem_future_result(f) : hem_task_result(as_task(t)->handle);
    return awaitable_outcome(t, status);
}

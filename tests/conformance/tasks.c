/* SPDX-License-Identifier: MIT */
#include "tasks.h"

#include <string.h>

#include "arena.h"
#include "run_end.h"
#include "scopes.h"
#include "trace.h"

static struct task *root;

struct task *task_of(const hem_task *t)
{
    const char *name = hem_task_name(t);
    return (struct task *)(void *)((char *)(uintptr_t)name -
                                   offsetof(struct task, name));
}

struct task *task_current(void)
{
    const hem_task *self = hem_self();
    return self ? task_of(self) : NULL;
}

struct task *task_root(void)
{
    return root;
}

/* The task has ended, or is certain to end, with `o`. */
static void write_end(struct task *t, struct outcome o)
{
    t->ended = true;
    t->outcome = o;
    trace_fill(t->place, t->name, arena_format("end %s", outcome_text(o)));
}

/* Let `after` stand for a task whose handle is not valid any more. */
static void settle_after(struct task *t)
{
    int rc = 0;
    if (t->outcome.kind == OUTCOME_CANCELLED)
        (void)hem_future_cancel(&t->after, t->outcome.why);
    else if (outcome_failed(t->outcome))
        rc = hem_future_set_error(&t->after, outcome_status(t->outcome));
    else
        rc = hem_future_set_result(&t->after, outcome_status(t->outcome));
    (void)rc;
}

/* The task has ended, and its function could not say how. */
static void ended_unseen(struct task *t, int status)
{
    struct outcome o = t->outcome;
    if (status == HEM_ECANCELED && o.kind != OUTCOME_CANCELLED) {
        o = outcome_failure(OUTCOME_CANCELLED);
        if (t->handle)
            o.why = hem_task_reason(t->handle);
    }
    write_end(t, o);
    run_end_task_ended(t, true);
}

static void on_end(void *arg, int status)
{
    struct task *t = arg;
    if (!t->ended) {
        if (!t->started)
            t->place = trace_reserve();
        ended_unseen(t, status);
    }
    if (!t->handle)
        settle_after(t);
    if (t == root)
        run_end_begin();
}

/* The turn of the task has come: if it did not start, it was cancelled. */
static void after_first_step(void *arg)
{
    struct task *t = arg;
    if (t->started || t->ended || !t->handle || !hem_task_done(t->handle))
        return;
    t->place = trace_reserve();
    ended_unseen(t, hem_task_result(t->handle));
}

static void watch(struct task *t)
{
    t->watched = true;
    hem_task_on_done(t->handle, &t->on_end, on_end, t);
}

static void watch_first_step(struct task *t)
{
    hem_callback_init(&t->first_step, after_first_step, t);
    (void)!hem_call_soon(&t->first_step);
}

/*
 * The function has ended with `o`. The task ends so as well, unless a request
 * to cancel is pending: that turns a normal end into a cancellation, and only
 * hem knows of it.
 */
static void function_ended(struct task *t, struct outcome o)
{
    t->outcome = o;
    t->place = trace_reserve();
    t->requests = hem_task_cancelling(hem_self());
    if (outcome_failed(o) || t->requests == 0) {
        if (t->watched && t != root)
            (void)hem_done_remove(&t->on_end);
        write_end(t, o);
        run_end_task_ended(t, false);
    }
}

int task_main(void *arg)
{
    struct task *t = arg;
    if (t == root) {
        t->handle = hem_self();
        watch(t);
    }
    t->started = true;
    trace("start");
    struct outcome o = exec_call(t->fn);
    function_ended(t, o);
    if (o.kind == OUTCOME_CANCELLED)
        return hem_cancelled(o.why); /* perhaps not the latest */
    return outcome_status(o);
}

static struct task *create(struct fn *fn, const char *name)
{
    size_t bytes = strlen(name) + 1;
    struct task *t = arena_alloc(sizeof(*t) + bytes);
    t->thing.kind = THING_TASK;
    t->fn = fn;
    memcpy(t->name, name, bytes);
    return t;
}

struct task *task_create_root(struct fn *fn)
{
    root = create(fn, "main");
    run_end_task_created(root);
    return root;
}

static int spawn(struct task *t, bool eager)
{
    if (t->scope)
        return hem_scope_spawn_with(&t->scope->scope, &t->handle, task_main, t,
                                    .name = t->name, .eager = eager);
    return hem_spawn_with(&t->handle, task_main, t, .name = t->name,
                          .eager = eager);
}

struct task *task_create(struct fn *fn, struct scope *scope, bool eager,
                         int *ret_status)
{
    struct task *creator = task_current();
    const char *name =
        arena_format("%s/%s.%d", creator ? creator->name : "loop", fn->name,
                     creator ? creator->created : 0);
    struct task *t = create(fn, name);
    t->creator = creator;
    t->scope = scope;
    run_end_task_created(t);
    *ret_status = spawn(t, eager);
    if (*ret_status < 0) {
        run_end_task_refused(t);
        return NULL;
    }
    if (creator)
        creator->created++;
    if (scope) {
        t->sibling = scope->children;
        scope->children = t;
    }
    if (!t->ended)
        watch(t);
    if (!eager)
        watch_first_step(t);
    return t;
}

void task_retire(struct task *t)
{
    for (; t; t = t->sibling) {
        t->handle = NULL;
        hem_future_init(&t->after);
        if (t->ended)
            settle_after(t);
    }
}

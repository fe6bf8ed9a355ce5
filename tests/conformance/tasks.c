/* SPDX-License-Identifier: MIT */
#include "tasks.h"

#include <string.h>

#include "arena.h"
#include "run_end.h"
#include "scopes.h"
#include "trace.h"

static struct task *root;
static struct task *youngest; /* of all */

struct template
{
    struct template *older;
    struct fn *fn;
    char name[8];
};

static struct template *templates;

/* The task whose name it is, which `name` points into; NULL: there is none. */
static struct task *find(const char *name)
{
    for (struct task *t = youngest; t; t = t->older) {
        if (t->name == name)
            return t;
    }
    return NULL;
}

struct task *task_of(const hem_task *t)
{
    return find(hem_task_name(t));
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
    if (t->fn)
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

void task_retire(struct task *t)
{
    if (t->retired)
        return;
    t->handle = NULL;
    t->retired = true;
    hem_future_init(&t->after);
    if (!t->ended && t->place) { /* cancelled before its first step */
        t->outcome = outcome_failure(OUTCOME_CANCELLED);
        t->requests = 1; /* at least */
    }
    if (t->ended || t->place)
        settle_after(t);
}

void task_retire_all(struct task *t)
{
    for (; t; t = t->sibling)
        task_retire(t);
}

/* The task has ended, and its function was never called. */
static void ended_unseen(struct task *t, int status)
{
    struct outcome o = t->outcome;
    bool valid = t->handle && !t->lost;
    const hem_error *e = valid ? hem_task_error(t->handle) : NULL;
    if (status == HEM_ECANCELED && o.kind != OUTCOME_CANCELLED) {
        o = outcome_failure(OUTCOME_CANCELLED);
        if (valid)
            o.why = hem_task_reason(t->handle);
        t->requests = valid ? hem_task_cancelling(t->handle) : 1;
    } else if (!t->fn) {
        o = e ? outcome_of_error(e) : outcome_of(status);
    }
    write_end(t, o);
    run_end_task_ended(t, true);
}

static void on_end(void *arg, int status)
{
    struct task *t = arg;
    bool unseen = !t->ended;
    if (unseen) {
        if (!t->place)
            t->place = trace_reserve();
        ended_unseen(t, status);
    }
    if (t->lost)
        task_retire(t);
    else if (unseen && t->retired)
        settle_after(t);
    if (t == root)
        run_end_begin();
}

/* The next in the ready queue is the task, whose first step it is: if it was
 * cancelled, it ends here. */
static void before_first_step(void *arg)
{
    struct task *t = arg;
    t->place = trace_reserve();
}

void task_spawned(void *arg, hem_task *hem)
{
    (void)arg;
    const char *name = hem_task_name(hem);
    struct task *t = find(name);
    for (struct template *p = templates; !t && p; p = p->older) {
        if (p->name == name) {
            t = task_prepare(p->fn);
            t->lost = true;
            hem_task_set_name(hem, t->name);
        }
    }
    if (!t)
        return;
    t->handle = hem;
    hem_task_on_done(t->handle, &t->on_end, on_end, t);
    if (t == root)
        return;
    hem_callback_init(&t->first_step, before_first_step, t);
    (void)!hem_call_soon(&t->first_step);
}

/* The function has ended with `o`, and the task so as well, unless a request
 * to cancel is pending: that turns a normal end into a cancellation. The line
 * of one that was submitted tells how the function has ended. */
static void function_ended(struct task *t, struct outcome o)
{
    bool submitted = t->scope && t->scope->kind == SCOPE_PTASKGROUP;
    if (!outcome_failed(o) && !submitted && hem_task_cancel_pending(hem_self()))
        o = outcome_failure(OUTCOME_CANCELLED);
    t->place = trace_reserve();
    t->requests = hem_task_cancelling(hem_self());
    if (t != root)
        (void)hem_done_remove(&t->on_end);
    write_end(t, o);
    if (t->lost)
        task_retire(t);
    run_end_task_ended(t, false);
}

/* Run the function of the current task. */
static struct outcome run(struct task *t)
{
    t->started = true;
    trace("start");
    struct outcome o = exec_call(t->fn);
    function_ended(t, o);
    return o;
}

int task_main(void *arg)
{
    return outcome_returned(run(arg));
}

struct outcome task_run_current(void)
{
    return run(task_current());
}

static struct task *create(struct fn *fn, const char *name)
{
    size_t bytes = strlen(name) + 1;
    struct task *t = arena_alloc(sizeof(*t) + bytes);
    t->thing.kind = THING_TASK;
    t->fn = fn;
    memcpy(t->name, name, bytes);
    t->older = youngest;
    youngest = t;
    run_end_task_created(t);
    return t;
}

struct task *task_create_root(struct fn *fn)
{
    root = create(fn, "main");
    return root;
}

/* A task about to be created by the current one. */
static struct task *prepare(struct fn *fn, const char *label)
{
    struct task *creator = task_current();
    struct task *t =
        create(fn, arena_format("%s/%s.%d", creator ? creator->name : "loop",
                                label, creator ? creator->created++ : 0));
    t->creator = creator;
    return t;
}

struct task *task_prepare(struct fn *fn)
{
    return prepare(fn, fn->name);
}

struct task *task_prepare_label(const char *label)
{
    struct task *t = prepare(NULL, label);
    t->lost = true;
    return t;
}

void task_refuse(struct task *t)
{
    t->ended = true;
    if (t->creator)
        t->creator->created--;
    run_end_task_refused(t);
}

const char *task_template(struct fn *fn)
{
    struct template *p = arena_alloc(sizeof(*p));
    p->fn = fn;
    p->older = templates;
    templates = p;
    return p->name;
}

static int spawn(struct task *t, const hem_spawn_options *opts)
{
    if (t->scope)
        return hem_scope_spawn_with(&t->scope->scope, &t->handle, task_main, t,
                                    .name = t->name, .eager = opts->eager,
                                    .context = opts->context);
    return hem_spawn_with(&t->handle, task_main, t, .name = t->name,
                          .eager = opts->eager, .context = opts->context);
}

struct task *task_create(struct fn *fn, struct scope *scope,
                         const hem_spawn_options *opts, int *ret_status)
{
    struct task *t = task_prepare(fn);
    t->scope = scope;
    *ret_status = spawn(t, opts);
    if (*ret_status < 0) {
        task_refuse(t);
        return NULL;
    }
    if (scope) {
        t->sibling = scope->children;
        scope->children = t;
    }
    return t;
}

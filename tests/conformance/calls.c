/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include "arena.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

static void reserve(struct calls *c, size_t count)
{
    c->calls = arena_alloc((count + 1) * sizeof(*c->calls));
    c->things = arena_alloc((count + 1) * sizeof(struct thing *));
    c->names = arena_alloc((count + 1) * sizeof(const char *));
    c->count = 0;
}

static void add(struct calls *c, hem_call call, struct thing *t,
                const char *name)
{
    c->calls[c->count] = call;
    c->things[c->count] = t;
    c->names[c->count++] = name;
}

static bool bound(const struct activation *a, const struct node *n,
                  size_t first)
{
    for (size_t i = first; i < n->count; i++) {
        const struct operand *o = &n->operands[i];
        if (!o->fn && !names_find(a, o->word))
            return false;
    }
    return true;
}

/* The task or future that operand `o` is, a new task if it is a function. NULL:
 * hem's error. */
static struct thing *resolve(const struct activation *a,
                             const struct operand *o, int *ret_status)
{
    *ret_status = 0;
    if (!o->fn)
        return names_find(a, o->word);
    struct task *t =
        task_create(o->fn, NULL, &(hem_spawn_options){0}, ret_status);
    return t ? &t->thing : NULL;
}

static bool has(const struct calls *c, const struct thing *t)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->things[i] == t)
            return true;
    }
    return false;
}

static int take(struct calls *ret, const struct activation *a,
                const struct node *n, size_t first, bool once)
{
    reserve(ret, n->count);
    if (!bound(a, n, first))
        return CALLS_UNBOUND;
    for (size_t i = first; i < n->count; i++) {
        int rc;
        struct thing *t = resolve(a, &n->operands[i], &rc);
        if (!t)
            return rc;
        if (!once || !has(ret, t))
            add(ret, (hem_call)HEM_CALL_FUTURE(awaitable_future(t)), t,
                n->operands[i].word);
    }
    return 0;
}

int calls_take(struct calls *ret, const struct activation *a,
               const struct node *n, size_t first)
{
    return take(ret, a, n, first, false);
}

int calls_take_each_once(struct calls *ret, const struct activation *a,
                         const struct node *n, size_t first)
{
    return take(ret, a, n, first, true);
}

struct thing *calls_awaitable(const struct activation *a, const struct node *n,
                              size_t i, int *ret_status)
{
    struct thing *t = resolve(a, &n->operands[i], ret_status);
    if (!t && *ret_status == 0)
        trace("%s unbound", n->statement->name);
    return t;
}

void calls_functions(struct calls *ret, const struct node *n,
                     hem_context *context)
{
    reserve(ret, n->count);
    for (size_t i = 0; i < n->count; i++) {
        struct task *t = task_prepare(n->operands[i].fn);
        add(ret,
            (hem_call)HEM_CALL(task_main, t, .name = t->name,
                               .context = context),
            &t->thing, n->operands[i].word);
    }
}

void calls_retire(struct calls *c)
{
    for (size_t i = c->count; i-- > 0;) {
        struct task *t = (struct task *)c->things[i];
        if (t->handle)
            task_retire(t);
        else
            task_refuse(t);
    }
}

struct outcome calls_outcome(const struct calls *c, const hem_call *call)
{
    if (call->status == HEM_EGROUP && call->error)
        return outcome_of_error(call->error);
    struct outcome o =
        awaitable_outcome(c->things[call - c->calls], call->status);
    if (o.kind == OUTCOME_CANCELLED)
        o.why = call->reason;
    return o;
}

/* How the loop ends whose body ended with `f`: hem said `status`. */
static struct flow close_loop(hem_as_completed *it, struct flow f, int status)
{
    const char *reason = hem_task_reason(hem_self());
    int rc = hem_as_completed_close(it, status);
    if (rc == HEM_ECANCELED && hem_task_reason(hem_self()) != reason)
        return flow_raise(outcome_of(rc)); /* interrupted while it waited */
    return flow_leave(f, rc);
}

struct flow calls_loop(struct activation *a, const struct node *n,
                       const struct calls *c, hem_as_completed *it)
{
    struct outcome outer = a->item;
    struct flow f = flow_next();
    hem_call *call;
    int rc;
    while ((rc = hem_as_completed_next(it, &call)) > 0) {
        exec_count(n);
        a->item = calls_outcome(c, call);
        trace("next %s", outcome_text(a->item));
        f = exec_body(a, n->body);
        if (!flow_again(&f))
            break;
    }
    a->item = outer;
    if (rc < 0)
        return close_loop(it, flow_raise(outcome_of(rc)), rc);
    return close_loop(it, f, flow_raised(f));
}

struct outcome calls_list(const struct calls *c)
{
    struct outcome *members = arena_alloc((c->count + 1) * sizeof(*members));
    for (size_t i = 0; i < c->count; i++)
        members[i] = calls_outcome(c, &c->calls[i]);
    return outcome_list(members, c->count);
}

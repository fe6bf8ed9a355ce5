/* SPDX-License-Identifier: MIT */
/* Locks, events, semaphores, conditions: corpus/SPEC.md, section 6.12. */
#include <hem.h>

#include "arena.h"
#include "statement.h"
#include "sync_objects.h"
#include "trace.h"

#define LOCKS                                                                  \
    (1U << OBJECT_LOCK | 1U << OBJECT_SEMAPHORE | 1U << OBJECT_BOUNDED |       \
     1U << OBJECT_CONDITION)
#define EVENT     (1U << OBJECT_EVENT)
#define CONDITION (1U << OBJECT_CONDITION)
#define BARRIER   (1U << OBJECT_BARRIER)

static hem_lock *lock_of(struct object *o)
{
    if (!o->state) {
        o->state = arena_alloc(sizeof(hem_lock));
        hem_lock_init(o->state);
    }
    return o->state;
}

static hem_semaphore *semaphore_of(struct object *o)
{
    if (!o->state) {
        o->state = arena_alloc(sizeof(hem_semaphore));
        hem_semaphore_init(o->state, &(hem_semaphore_options){
                                         .value = (size_t)o->n,
                                         .bounded = o->kind == OBJECT_BOUNDED});
    }
    return o->state;
}

static hem_condition *condition_of(struct object *o)
{
    if (!o->state) {
        o->state = arena_alloc(sizeof(hem_condition));
        hem_condition_init(o->state, o->lock ? lock_of(o->lock) : NULL);
    }
    return o->state;
}

static hem_event *event_of(struct object *o)
{
    if (!o->state) {
        o->state = arena_alloc(sizeof(hem_event));
        hem_event_init(o->state);
    }
    return o->state;
}

static int acquire(struct object *o)
{
    switch (o->kind) {
    case OBJECT_LOCK:
        return hem_lock_acquire(lock_of(o));
    case OBJECT_CONDITION:
        return hem_condition_acquire(condition_of(o));
    default:
        return hem_semaphore_acquire(semaphore_of(o));
    }
}

static int release(struct object *o)
{
    switch (o->kind) {
    case OBJECT_LOCK:
        return hem_lock_release(lock_of(o));
    case OBJECT_CONDITION:
        return hem_condition_release(condition_of(o));
    default:
        return hem_semaphore_release(semaphore_of(o));
    }
}

static bool locked(struct object *o)
{
    switch (o->kind) {
    case OBJECT_LOCK:
        return hem_lock_locked(lock_of(o));
    case OBJECT_CONDITION:
        return hem_condition_locked(condition_of(o));
    default:
        return hem_semaphore_locked(semaphore_of(o));
    }
}

static struct flow run_acquire(struct activation *a, const struct node *n)
{
    (void)a;
    return exec_done_on(n, outcome_of(acquire(n->operands[0].object)));
}

static struct flow run_release(struct activation *a, const struct node *n)
{
    (void)a;
    return exec_done_on(n, outcome_of(release(n->operands[0].object)));
}

static struct flow run_locked(struct activation *a, const struct node *n)
{
    (void)a;
    trace("locked %s %d", n->operands[0].word, locked(n->operands[0].object));
    return flow_next();
}

/* The body of `with`, its object acquired. */
static struct flow run_held(struct activation *a, const struct node *n,
                            struct outcome entered)
{
    struct object *o = n->operands[0].object;
    trace("with %s enter %s", n->operands[0].word, outcome_text(entered));
    struct flow f = exec_body(a, n->body);
    int rc = o->kind == OBJECT_BARRIER ? 0 : release(o);
    return rc < 0 ? flow_raise(outcome_of(rc)) : f;
}

static struct flow run_with(struct activation *a, const struct node *n)
{
    struct object *o = n->operands[0].object;
    struct outcome entered =
        o->kind == OBJECT_BARRIER ? barrier_pass(o) : outcome_of(acquire(o));
    struct flow f = flow_of(entered);
    if (f.kind == FLOW_NEXT)
        f = run_held(a, n, entered);
    trace("with %s exit %s", n->operands[0].word, outcome_text(flow_body(f)));
    return f;
}

static struct flow run_set(struct activation *a, const struct node *n)
{
    (void)a;
    hem_event_set(event_of(n->operands[0].object));
    trace("set %s", n->operands[0].word);
    return flow_next();
}

static struct flow run_clear(struct activation *a, const struct node *n)
{
    (void)a;
    hem_event_clear(event_of(n->operands[0].object));
    trace("clear %s", n->operands[0].word);
    return flow_next();
}

static struct flow run_is_set(struct activation *a, const struct node *n)
{
    (void)a;
    trace("is_set %s %d", n->operands[0].word,
          hem_event_is_set(event_of(n->operands[0].object)));
    return flow_next();
}

static struct flow run_wait_event(struct activation *a, const struct node *n)
{
    (void)a;
    int rc = hem_event_wait(event_of(n->operands[0].object));
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_cwait(struct activation *a, const struct node *n)
{
    (void)a;
    int rc = hem_condition_wait(condition_of(n->operands[0].object));
    return exec_done_on(n, outcome_of(rc));
}

static bool cell_reached(void *arg)
{
    const struct node *n = arg;
    return n->operands[1].object->n >= n->operands[2].number;
}

static struct flow run_cwait_for(struct activation *a, const struct node *n)
{
    (void)a;
    int rc = hem_condition_wait_for(condition_of(n->operands[0].object),
                                    cell_reached, (void *)(uintptr_t)n);
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_notify(struct activation *a, const struct node *n)
{
    (void)a;
    size_t count = n->count > 1 ? (size_t)n->operands[1].number : 1;
    int rc = hem_condition_notify(condition_of(n->operands[0].object), count);
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_notify_all(struct activation *a, const struct node *n)
{
    (void)a;
    int rc =
        hem_condition_notify(condition_of(n->operands[0].object), SIZE_MAX);
    return exec_done_on(n, outcome_of(rc));
}

// clang-format off
const struct statement lock_statements[] = {
    {"acquire",    "O",   NULL, 0, LOCKS, run_acquire},
    {"release",    "O",   NULL, ST_SYNC | ST_ACTION, LOCKS, run_release},
    {"locked",     "O",   NULL, ST_SYNC | ST_ACTION, LOCKS, run_locked},
    {"with",       "O",   NULL, ST_BLOCK, LOCKS | BARRIER, run_with},
    {"set",        "O",   NULL, ST_SYNC | ST_ACTION, EVENT, run_set},
    {"clear",      "O",   NULL, ST_SYNC | ST_ACTION, EVENT, run_clear},
    {"is_set",     "O",   NULL, ST_SYNC | ST_ACTION, EVENT, run_is_set},
    {"wait_event", "O",   NULL, 0, EVENT, run_wait_event},
    {"cwait",      "O",   NULL, 0, CONDITION, run_cwait},
    {"cwait_for",  "OCI", NULL, 0, CONDITION, run_cwait_for},
    {"notify",     "OI?", NULL, ST_SYNC | ST_ACTION, CONDITION, run_notify},
    {"notify_all", "O",   NULL, ST_SYNC | ST_ACTION, CONDITION, run_notify_all},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
#include "task/task.h"

#include "base/alloc.h"
#include "base/log.h"

/* What a switch to a stack needs at its top: alignment. */
#define RECORD_BYTES ((sizeof(hem_task) + 15) & ~(size_t)15)

static void fire_sleep(hem__timer *timer)
{
    hem_task *t = HEM__CONTAINER(timer, hem_task, timer);
    hem__wake(hem__loop, &t->fiber, 0);
}

static bool cancel_sleep(hem_loop *l, hem__fiber *f, const char *why)
{
    hem_task *t = (hem_task *)f;
    hem__timer_disarm(&l->timers, &t->timer);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_sleep = {"sleep", cancel_sleep};

int hem_sleep(hem_ns d)
{
    hem_loop *l = hem__loop_need("hem_sleep");
    hem_task *t = hem__task_need(l, "hem_sleep");
    if (d <= 0)
        return hem__defer(l, &t->fiber);
    if (d != HEM_NEVER)
        hem__loop_arm(l, &t->timer, hem__deadline(hem__loop_now(l), d));
    return hem__park(l, &t->fiber, &wait_sleep);
}

int hem_yield(void)
{
    hem_loop *l = hem__loop_need("hem_yield");
    return hem__defer(l, hem__fiber_need(l, "hem_yield"));
}

hem_task *hem_self(void)
{
    hem_loop *l = hem__loop;
    return l ? (hem_task *)l->current : NULL;
}

static void release_error(hem_task *t)
{
    hem__free(t->error);
    t->error = NULL;
}

void hem__task_free(hem_loop *l, hem_task *t)
{
    hem__runtime *rt = hem__runtime_of(l);
    if (hem__task_failed(t) && !(t->outcome.flags & HEM__TASK_RETRIEVED))
        hem__report(l, HEM_REPORT_NEVER_RETRIEVED, t);
    release_error(t);
    if (t->fiber.stack)
        hem__stack_put(&l->stacks, t->fiber.stack);
    if (t->outcome.flags & HEM__TASK_HANDLE)
        hem__record_put(rt, t);
}

/* Settle the outcome of the current task, whose function returned `status`,
 * and tell everybody. */
static void conclude(hem_loop *l, hem_task *t, int status)
{
    hem__fiber *f = &t->fiber;
    if (status >= 0 && f->pending) {
        status = HEM_ECANCELED;
        f->reason = f->why;
    }
    if (status >= 0 && t->error)
        release_error(t);
    t->outcome.why = f->reason;
    l->current = NULL;
    hem__list_unlink(&t->all);
    hem__list_unlink(&t->sibling);
    t->nursery->count--;
    hem__timers_release(&l->timers);
    hem__outcome_settle(l, &t->outcome,
                        status == HEM_ECANCELED ? HEM__CANCELLED : HEM__DONE,
                        status);
    t->nursery->ended(t->nursery, t);
}

/* The task has ended: its record is kept for those who have a handle, or for
 * the end of the run, or freed. Returns its stack, NULL if that is needed. */
static hem__stack *retire(hem_loop *l, hem_task *t)
{
    hem__runtime *rt = hem__runtime_of(l);
    hem__stack *s = t->fiber.stack;
    bool handle = t->outcome.flags & HEM__TASK_HANDLE;
    if (t->outcome.flags & HEM__TASK_AT_EXIT) {
        if (--rt->at_exit == 0)
            hem__loop_stop(l);
        if (hem__task_failed(t)) {
            hem__list_insert(&rt->failed, &t->all);
            if (!handle)
                return NULL;
            t->fiber.stack = NULL;
            return s;
        }
    }
    t->fiber.stack = NULL;
    if (handle && !(t->outcome.flags & HEM__TASK_FORGOTTEN))
        hem__list_insert(&t->nursery->kept, &t->sibling);
    else
        hem__task_free(l, t);
    return s;
}

static void check_balance(const hem_task *t)
{
    if (t->shields || t->fiber.timeouts)
        hem__abort("task \"%s\", spawned at %s:%d, returned with an open %s",
                   t->name, t->file, t->line,
                   t->shields ? "scope or shield" : "timeout");
}

/* The body of every task, and its end. Not instrumented, for the annotation of
 * the end frees what instrumented code would return by. */
__attribute__((no_sanitize_address)) static hem__next task_main(void *arg,
                                                                int value)
{
    hem_task *t = arg;
    hem_loop *l = hem__loop;
    hem__coro_entered(&t->fiber.coro);
    int status = value < 0 ? value : t->fn(t->arg);
    check_balance(t);
    conclude(l, t, status);
    hem__coro last = t->fiber.coro; /* the record may go */
    hem__stack *s = retire(l, t);
    if (s)
        hem__stack_put(&l->stacks, s);
    return hem__leave_for_good(l, &last);
}

/* A record for a task on stack `s`; `*ret_top` is where its stack ends. */
static hem_task *place_record(hem__runtime *rt, hem__stack *s, bool handle,
                              char **ret_top)
{
    char *top = s->top - s->colour;
    if (handle) {
        *ret_top = top;
        return hem__record_get(rt);
    }
    *ret_top = top - RECORD_BYTES;
    return (hem_task *)(void *)*ret_top;
}

static void init(hem_task *t, hem_fn *fn, void *arg,
                 const hem_spawn_options *opts)
{
    t->fiber.ready.run = NULL;
    t->fiber.wait = NULL;
    t->fiber.reason = NULL;
    t->fiber.wake = 0;
    t->fiber.pending = false;
    t->fiber.timeouts = 0;
    hem__outcome_init(&t->outcome);
    t->timer.index = 0;
    t->timer.fire = fire_sleep;
    t->shields = NULL;
    t->fn = fn;
    t->arg = arg;
    t->error = NULL;
    t->name = opts->name ? opts->name : opts->function;
    t->file = opts->file;
    t->line = opts->line;
    t->count = 0;
}

/* Make a task that is linked nowhere. */
static int create(hem_loop *l, hem_task **ret, bool handle,
                  const hem_spawn_options *opts)
{
    hem__runtime *rt = hem__runtime_of(l);
    int size_class = rt->stack_class;
    if (opts->stack_bytes) {
        size_class = hem__stack_class_of(opts->stack_bytes);
        if (size_class < 0)
            return size_class;
    }
    int rc = hem__timers_reserve(&l->timers);
    if (rc < 0)
        return rc;
    hem__stack *s;
    rc = hem__stack_get(&l->stacks, &s, size_class);
    if (rc < 0)
        goto fail_stack;
    char *top;
    hem_task *t = place_record(rt, s, handle, &top);
    if (!t) {
        rc = HEM_ENOMEM;
        goto fail_record;
    }
    t->fiber.stack = s;
    hem__coro_prepare(&t->fiber.coro, hem__stack_bottom(s), top, task_main, t);
    *ret = t;
    return 0;

fail_record:
    hem__stack_put(&l->stacks, s);
fail_stack:
    hem__timers_release(&l->timers);
    return rc;
}

/* Run the first step of `t`, not in the ready queue, before anything else. */
static void step_now(hem_loop *l, hem_task *t)
{
    hem__fiber *self = l->current;
    if (!self) { /* in a callback: back to the loop's context after it */
        uint32_t budget = l->budget;
        l->budget = 0;
        l->current = &t->fiber;
        hem__coro_switch(&l->coro, &t->fiber.coro, 0);
        l->budget = budget;
        return;
    }
    const char *reason = self->reason;
    self->wake = 0;
    hem__queue_push_front(&l->ready, &self->ready);
    l->urgent++;
    l->current = &t->fiber;
    if (hem__coro_switch(&self->coro, &t->fiber.coro, 0) < 0) {
        self->pending = true; /* this call is no cancel point */
        self->reason = reason;
    }
    l->urgent--;
}

int hem__task_spawn(hem_loop *l, hem__nursery *n, hem_task **ret, hem_fn *fn,
                    void *arg, const hem_spawn_options *opts)
{
    hem__runtime *rt = hem__runtime_of(l);
    if (rt->closed)
        return HEM_EREFUSED;
    hem_task *t;
    int rc = create(l, &t, ret != NULL, opts);
    if (rc < 0)
        return rc;
    init(t, fn, arg, opts);
    t->nursery = n;
    n->count++;
    hem__list_insert(&n->children, &t->sibling);
    hem__list_insert(&rt->all, &t->all);
    if (ret) {
        t->outcome.flags = HEM__TASK_HANDLE;
        *ret = t;
    }
    if (opts->eager)
        step_now(l, t);
    else
        hem__queue_push(&l->ready, &t->fiber.ready);
    return 0;
}

int hem_spawn_at(hem_task **ret, hem_fn *fn, void *arg,
                 const hem_spawn_options *opts)
{
    hem_loop *l = hem__loop_need("hem_spawn");
    return hem__task_spawn(l, &hem__runtime_of(l)->nursery, ret, fn, arg, opts);
}

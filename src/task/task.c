/* SPDX-License-Identifier: MIT */
#include "task/task.h"

#include "base/alloc.h"
#include "base/log.h"
#include "task/failure.h"

/* Stacks end at a multiple of 16. */
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
    hem_error_release(t->error);
    t->error = NULL;
}

void hem__task_bury(hem_loop *l, hem_task *t)
{
    if (hem__task_failed(t) && !(t->future.outcome.flags & HEM__TASK_RETRIEVED))
        hem__report(l, HEM_REPORT_NEVER_RETRIEVED, t);
    release_error(t);
}

/* The record of the current task, which has ended with `status`: it goes to
 * those who wait, or, if it is of something else, away. */
__attribute__((noinline)) static void settle_error(hem_task *t, int status)
{
    if (t->error && t->error->code != status)
        release_error(t);
    if (status < 0)
        hem__error_tell(t->error, status, &t->future.outcome.waiters);
}

/* Settle the outcome of the current task, whose function returned `status`,
 * and tell everybody. */
static inline void conclude(hem_loop *l, hem_task *t, int status)
{
    hem__fiber *f = &t->fiber;
    hem__nursery *n = t->nursery;
    if (status >= 0 && f->pending) {
        status = HEM_ECANCELED;
        f->reason = f->why;
    }
    if (t->error || status < 0)
        settle_error(t, status);
    hem__bindings_release(t->own.bindings);
    t->future.outcome.why = f->reason;
    l->current = NULL;
    hem__list_unlink(&t->all);
    n->count--;
    hem__timers_release(&l->timers);
    hem__outcome_settle(l, &t->future.outcome,
                        status == HEM_ECANCELED ? HEM__CANCELLED : HEM__DONE,
                        status);
    if (status < 0 || n->count == 0 || n->watched) {
        l->concluding = &t->fiber;
        n->ended(n, t);
        l->concluding = NULL;
    }
}

/* The end of a task that the end of the run cancelled: the record of one that
 * failed is kept for the report, with its stack if it is there. */
static hem__stack *retire_at_exit(hem_loop *l, hem_task *t)
{
    hem__runtime *rt = hem__runtime_of(l);
    hem__stack *s = t->fiber.stack;
    bool handle = t->future.outcome.flags & HEM__TASK_HANDLE;
    if (--rt->at_exit == 0)
        hem__loop_stop(l);
    if (hem__task_failed_at_exit(t)) {
        hem__list_unlink(&t->sibling);
        hem__list_insert(&rt->failed, &t->all);
        return handle ? s : NULL;
    }
    if (!handle || (t->future.outcome.flags & HEM__TASK_FORGOTTEN)) {
        hem__list_unlink(&t->sibling);
        hem__task_free(l, t);
    }
    return s;
}

/* The task has ended: its record stays for those who have a handle, or is
 * freed. Returns its stack, NULL if that is needed. */
static inline hem__stack *retire(hem_loop *l, hem_task *t)
{
    uint8_t flags = t->future.outcome.flags;
    hem__stack *s = t->fiber.stack;
    if (flags & HEM__TASK_AT_EXIT)
        return retire_at_exit(l, t);
    if ((flags & (HEM__TASK_HANDLE | HEM__TASK_FORGOTTEN)) !=
        HEM__TASK_HANDLE) {
        hem__list_unlink(&t->sibling);
        hem__task_free(l, t);
    }
    return s;
}

_Noreturn __attribute__((cold)) static void unbalanced(const hem_task *t)
{
    hem__abort("%s returned with an open %s", hem__task_title(t),
               t->shields ? "scope or shield" : "timeout");
}

/* The body of every task, and its end. */
HEM__CORO_BODY static hem__next task_main(void *arg, int value)
{
    hem_task *t = arg;
    hem_loop *l = hem__loop;
    hem__coro_entered(&t->fiber.coro);
    int status = value < 0 ? value : t->fn(t->arg);
    if (status < 0 && t->nursery->failed)
        status = t->nursery->failed(t->nursery, t, status);
    if (t->shields || t->timeouts)
        unbalanced(t);
    conclude(l, t, status);
    hem__coro last = t->fiber.coro; /* the record may go */
    hem__stack *s = retire(l, t);
    if (s)
        hem__stack_put(s);
    return hem__leave_for_good(l, &last);
}

static inline void init(hem_task *t, hem_fn *fn, void *arg,
                        const hem_site *site)
{
    t->fiber.ready.run = NULL;
    t->fiber.wait = NULL;
    t->fiber.reason = NULL;
    t->fiber.wake = 0;
    t->fiber.pending = false;
    hem__outcome_init(&t->future.outcome);
    t->future.cancel = hem__task_cancel_future;
    t->future.error = NULL;
    t->timer.index = 0;
    t->timer.seq = 0;
    t->timer.fire = fire_sleep;
    t->shields = NULL;
    t->timeouts = NULL;
    t->fn = fn;
    t->arg = arg;
    t->error = NULL;
    t->context = &t->own;
    t->name = site->function;
    t->site = site;
    t->count = 0;
    t->expected = 0;
}

/* Whether a task can be made out of what is there. */
static inline bool provided(const hem__runtime *rt, const hem__stack_class *c,
                            bool handle)
{
    const hem__timers *ts = &rt->loop.timers;
    return c->warm > 0 && ts->reserved < ts->capacity &&
           (rt->records || !handle) && !rt->slow;
}

/* See to it that it can. Unchanged, but for reserves, on failure. */
static int provide(hem__runtime *rt, hem__stack_class *c, bool handle)
{
    hem__timers *ts = &rt->loop.timers;
    if (rt->closed)
        return HEM_EREFUSED;
    if (ts->reserved == ts->capacity)
        HEM_TRY(hem__timers_grow(ts));
    HEM_TRY(hem__stack_provide(&rt->loop.stacks, c));
    if (rt->records || !handle)
        return 0;
    hem_task *t = hem__alloc(sizeof(*t));
    if (!t)
        return HEM_ENOMEM;
    hem__record_put(rt, t);
    return 0;
}

/* Make a task of what is there, linked nowhere: its record is from the cache,
 * or at the top of its stack. */
static inline hem_task *create(hem__runtime *rt, hem__stack_class *c,
                               bool handle)
{
    rt->loop.timers.reserved++;
    hem__stack *s = hem__stack_get(c);
    char *top = s->top;
    hem_task *t;
    if (handle) {
        t = hem__record_get(rt);
    } else {
        top -= RECORD_BYTES;
        t = (hem_task *)(void *)top;
    }
    t->fiber.stack = s;
    hem__coro_prepare(&t->fiber.coro, s->bottom, top, task_main, t);
    return t;
}

static inline void link_task(hem__runtime *rt, hem__nursery *n, hem_task *t)
{
    t->nursery = n;
    n->count++;
    hem__list_insert(&n->tasks, &t->sibling);
    hem__list_insert(&rt->all, &t->all);
}

/* Run the first step of `t`, not in the ready queue, before anything else. (The
 * hook for spawned tasks may have cancelled it.) */
static void step_now(hem_loop *l, hem_task *t)
{
    hem__fiber *self = l->current;
    if (!self) { /* in a callback: back to the loop's context after it */
        uint32_t budget = l->budget, urgent = l->urgent;
        l->budget = 0;
        hem__loop_step(l, &t->fiber.ready);
        while (l->urgent > urgent) /* it has made an eager task itself */
            hem__loop_step(l, hem__queue_pop(&l->ready));
        l->budget = budget;
        return;
    }
    const char *reason = self->reason;
    self->wake = 0;
    hem__queue_push_front(&l->ready, &self->ready);
    l->urgent++;
    l->current = &t->fiber;
    if (hem__coro_switch(&self->coro, &t->fiber.coro,
                         hem__fiber_take(&t->fiber)) < 0) {
        self->pending = true; /* this call is no cancel point */
        self->reason = reason;
    }
    l->urgent--;
}

/* Make a task of what is there, and all but ready. */
__attribute__((always_inline)) static inline hem_task *
spawn(hem__runtime *rt, hem__nursery *n, hem_task **ret, hem_fn *fn, void *arg,
      const hem_site *site, hem__stack_class *c)
{
    hem_task *t = create(rt, c, ret != NULL);
    const hem_task *self = (const hem_task *)rt->loop.current;
    init(t, fn, arg, site);
    t->own.bindings = self ? hem__bindings_hold(self->context->bindings) : NULL;
    t->own.id = 0;
    link_task(rt, n, t);
    if (ret) {
        t->future.outcome.flags = HEM__TASK_HANDLE;
        *ret = t;
    }
    return t;
}

static void tell_spawn(hem__runtime *rt, hem_task *t)
{
    const hem_run_options *o = rt->options;
    if (o->on_spawn)
        o->on_spawn(o->on_spawn_arg, t);
}

/* The slow way: reserves are to be provided first. */
__attribute__((noinline)) static int spawn_slowly(hem_loop *l, hem__nursery *n,
                                                  hem_task **ret, hem_fn *fn,
                                                  void *arg,
                                                  const hem_site *site)
{
    hem__runtime *rt = hem__runtime_of(l);
    HEM_TRY(provide(rt, rt->stack_class, ret != NULL));
    hem_task *t = spawn(rt, n, ret, fn, arg, site, rt->stack_class);
    tell_spawn(rt, t);
    hem__queue_push(&l->ready, &t->fiber.ready);
    return 0;
}

/* Without a call on its way, for speed. */
__attribute__((always_inline)) static inline int
spawn_fast(hem_loop *l, hem__nursery *n, hem_task **ret, hem_fn *fn, void *arg,
           const hem_site *site)
{
    hem__runtime *rt = hem__runtime_of(l);
    if (!provided(rt, rt->stack_class, ret != NULL))
        return spawn_slowly(l, n, ret, fn, arg, site);
    hem_task *t = spawn(rt, n, ret, fn, arg, site, rt->stack_class);
    hem__queue_push(&l->ready, &t->fiber.ready);
    return 0;
}

int hem__task_spawn(hem_loop *l, hem__nursery *n, hem_task **ret, hem_fn *fn,
                    void *arg, const hem_site *site)
{
    return spawn_fast(l, n, ret, fn, arg, site);
}

/* Make a task with options, all but ready. */
static int spawn_with(hem_loop *l, hem__nursery *n, hem_task **ret, hem_fn *fn,
                      void *arg, const hem_spawn_options *opts,
                      hem_task **ret_task)
{
    hem__runtime *rt = hem__runtime_of(l);
    hem__stack_class *c = rt->stack_class;
    if (opts->stack_bytes)
        c = hem__stack_class_of(&l->stacks, opts->stack_bytes);
    if (!c)
        return HEM_EINVAL;
    HEM_TRY(provide(rt, c, ret != NULL));
    hem_task *t = spawn(rt, n, ret, fn, arg, opts->site, c);
    if (opts->name)
        t->name = opts->name;
    if (opts->context)
        t->context = opts->context;
    tell_spawn(rt, t);
    *ret_task = t;
    return 0;
}

int hem__task_spawn_with(hem_loop *l, hem__nursery *n, hem_task **ret,
                         hem_fn *fn, void *arg, const hem_spawn_options *opts)
{
    hem_task *t;
    HEM_TRY(spawn_with(l, n, ret, fn, arg, opts, &t));
    if (opts->eager && !l->concluding)
        step_now(l, t);
    else
        hem__queue_push(&l->ready, &t->fiber.ready);
    return 0;
}

int hem__task_spawn_parked(hem_loop *l, hem__nursery *n, hem_task **ret,
                           hem_fn *fn, void *arg, const hem_spawn_options *opts,
                           const hem__wait *wait, hem__list *queue)
{
    hem_task *t;
    HEM_TRY(spawn_with(l, n, ret, fn, arg, opts, &t));
    t->fiber.wait = wait;
    hem__list_insert(queue, &t->fiber.waiter.link);
    return 0;
}

int hem_spawn_at(hem_task **ret, hem_fn *fn, void *arg, const hem_site *site)
{
    hem_loop *l = hem__loop_need("hem_spawn");
    return spawn_fast(l, &hem__runtime_of(l)->nursery, ret, fn, arg, site);
}

int hem_spawn_with_at(hem_task **ret, hem_fn *fn, void *arg,
                      const hem_spawn_options *opts)
{
    hem_loop *l = hem__loop_need("hem_spawn");
    return hem__task_spawn_with(l, &hem__runtime_of(l)->nursery, ret, fn, arg,
                                opts);
}

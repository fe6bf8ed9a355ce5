/* SPDX-License-Identifier: MIT */
#include "flow/gen.h"

#include "base/log.h"
#include "flow/kept.h"
#include "hem/timeout.h"

void hem_gen_init_at(hem_gen *g, hem_gen_fn *fn, void *arg,
                     const hem_gen_options *opts)
{
    static const hem_site nowhere = {"generator", "", 0};
    *g = (hem_gen){.fn = fn, .arg = arg, .site = &nowhere};
    if (!opts)
        return;
    g->stack_bytes = opts->stack_bytes;
    if (opts->site)
        g->site = opts->site;
}

/* The generator of the caller's struct has ended, or never will begin. */
static void forget(hem_gen *g)
{
    g->fn = NULL;
    g->live = NULL;
}

/* Whether it has begun, in this loop: what began in another went with that. */
static bool is_live(const hem_loop *l, const hem_gen *g)
{
    return g->live && l && g->loop_id == l->id;
}

bool hem_gen_done(const hem_gen *g)
{
    if (!g->live)
        return !g->fn;
    return !is_live(hem__loop, g) || g->live->ended;
}

_Noreturn __attribute__((cold)) static void unbalanced(const hem__gen *g,
                                                       const char *what)
{
    const hem_site *site = g->self.site;
    hem__abort("generator \"%s\", made at %s:%d, returned with an open %s",
               site->function, site->file, site->line, what);
}

static bool on_stack(const hem__gen *g, const void *p)
{
    return (const char *)p >= g->stack->bottom && (const hem__gen *)p < g;
}

/* The body has returned: nothing may be open that is on its stack. */
static void check_closed(const hem__gen *g)
{
    const hem_task *t = (const hem_task *)hem__loop->current;
    for (const hem__shield *s = t->shields; s; s = s->outer) {
        if (on_stack(g, s))
            unbalanced(g, "scope or shield");
    }
    for (const hem_timeout *o = t->timeouts; o; o = o->outer) {
        if (on_stack(g, o))
            unbalanced(g, "timeout");
    }
}

/* The step is over. */
static inline void leave(hem_task *t, hem__gen *g)
{
    t->fiber.stack = g->outer;
    g->running = false;
}

/* The body has returned. */
static void end(hem__gen *g)
{
    check_closed(g);
    leave((hem_task *)hem__loop->current, g);
    hem__list_unlink(&g->link);
    g->ended = true;
    if (g->handle) {
        forget(g->handle);
        hem__stack_put(g->stack);
    }
}

HEM__CORO_BODY static hem__next gen_main(void *arg, int value)
{
    hem__gen *g = arg;
    (void)value;
    hem__coro_entered(&g->coro);
    int status = g->self.fn(&g->self, g->self.arg);
    end(g);
    return hem__coro_finish(&g->coro, &g->caller, status < 0 ? status : 0);
}

/* Give it a stack. Unchanged, but for reserves, on failure. */
static int begin(hem_loop *l, hem_gen *g)
{
    hem__runtime *rt = hem__runtime_of(l);
    hem__stack_class *c = rt->stack_class;
    if (g->stack_bytes)
        c = hem__stack_class_of(&l->stacks, g->stack_bytes);
    if (!c)
        return HEM_EINVAL;
    if (rt->closed)
        return HEM_EREFUSED;
    HEM_TRY(hem__gen_reserve(rt));
    HEM_TRY(hem__stack_provide(&l->stacks, c));
    hem__stack *s = hem__stack_get(c);
    hem__gen *live = (hem__gen *)(void *)s->top - 1;
    live = (hem__gen *)((uintptr_t)live & ~(uintptr_t)15);
    g->loop_id = l->id;
    *live = (hem__gen){.stack = s, .self = *g};
    live->self.live = live;
    hem__coro_prepare(&live->coro, s->bottom, live, gen_main, live);
    hem__list_insert(&rt->generators.open, &live->link);
    g->live = live;
    return 0;
}

/* A step of one that has begun. */
__attribute__((always_inline)) static inline int
step(hem_loop *l, hem_task *t, hem_gen *g, int thrown, void **ret)
{
    hem__gen *live = g->live;
    if (!is_live(l, g))
        return HEM_EREFUSED;
    if (live->ended) {
        forget(g);
        return 0;
    }
    if (live->running || g == &live->self)
        return HEM_EREFUSED;
    return hem__gen_step(t, live, g, thrown, ret);
}

/* The first step. */
__attribute__((noinline)) static int first_step(hem_loop *l, hem_task *t,
                                                hem_gen *g, void **ret)
{
    if (!g->fn)
        return 0;
    HEM_TRY(begin(l, g));
    return step(l, t, g, 0, ret);
}

int hem_gen_next(hem_gen *g, void **ret)
{
    hem_loop *l = hem__loop_need("hem_gen_next");
    hem_task *t = hem__task_need(l, "hem_gen_next");
    return g->live ? step(l, t, g, 0, ret) : first_step(l, t, g, ret);
}

int hem_gen_throw(hem_gen *g, int error, void **ret)
{
    hem_loop *l = hem__loop_need("hem_gen_throw");
    hem_task *t = hem__task_need(l, "hem_gen_throw");
    if (error >= 0)
        return HEM_EINVAL;
    if (g->live)
        return step(l, t, g, error, ret);
    bool ended = !g->fn;
    forget(g);
    return ended ? 0 : error;
}

int hem_gen_close(hem_gen *g)
{
    if (!g)
        return 0;
    hem_loop *l = hem__loop_need("hem_gen_close");
    hem_task *t = hem__task_need(l, "hem_gen_close");
    if (!g->live) {
        forget(g);
        return 0;
    }
    hem__kept kept = hem__keep(t);
    int rc = step(l, t, g, HEM_ECLOSED, NULL);
    if (rc == 0 || rc == HEM_ECLOSED) {
        hem__kept_restore(&kept, t);
        return 0;
    }
    hem__kept_drop(&kept);
    return rc > 0 ? HEM_EREFUSED : rc;
}

void hem__gen_cleanup(hem_gen *g)
{
    if (hem_gen_done(g) || !g->live)
        return;
    hem_task *t = hem__task_need(hem__loop_need("HEM_GEN"), "HEM_GEN");
    const hem_site *site = g->site;
    if (g->live->running && !g->live->handle && g->live->closer != t) {
        /* The end of the run closes it, and the one that this block is in. */
        hem__kept ending = hem__keep(t);
        int ended = hem_await(g->live->closer);
        hem__kept_restore_untold(&ending, t, ended);
        return;
    }
    if (g->live->running)
        hem__abort("HEM_GEN: %s leaves the block of generator \"%s\", which is "
                   "running",
                   hem__task_title(t), site->function);
    hem__kept kept = hem__keep(t);
    int rc = hem_gen_close(g);
    hem__kept_restore_untold(&kept, t, rc);
    if (!hem_gen_done(g))
        hem_log(HEM_LOG_WARNING,
                "generator \"%s\", made at %s:%d, yielded while it was closed",
                site->function, site->file, site->line);
}

int hem_gen_yield(hem_gen *g, const void *value)
{
    hem_loop *l = hem__loop_need("hem_gen_yield");
    hem_task *t = hem__task_need(l, "hem_gen_yield");
    hem__gen *live = g->live;
    if (!is_live(l, g) || t->fiber.stack != live->stack)
        hem__abort("hem_gen_yield: %s is not in the body of the generator",
                   hem__task_title(t));
    if (t->context != live->context)
        hem__abort("hem_gen_yield: %s yields within hem_context_run()",
                   hem__task_title(t));
    if (live->ret)
        *live->ret = (void *)(uintptr_t)value;
    leave(t, live);
    return hem__coro_switch(&live->coro, &live->caller, 1);
}

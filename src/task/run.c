/* SPDX-License-Identifier: MIT */
/*
 * hem_run: from the making of a loop to its end.
 *
 * The end has asyncio.run's order: the loop runs until the main task is done;
 * all tasks that are left get a request to cancel, in order of creation, and
 * the loop runs until they are done; those that failed are reported; generators
 * that are open are closed; a few turns for callbacks follow. Tasks spawned
 * during all this are then cancelled and awaited as well, with no more to be
 * spawned.
 */
#include "hem/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "coro/overflow.h"
#include "loop/interrupt.h"
#include "loop/post.h"
#include "task/task.h"

#define LAST_TURNS 4

static void nobody_told(hem__nursery *n, hem_task *child)
{
    (void)n;
    const uint8_t claims = HEM__TASK_HANDLE | HEM__TASK_FORGOTTEN;
    bool has_owner = (child->future.outcome.flags & claims) == HEM__TASK_HANDLE;
    bool claimed =
        child->future.outcome.flags & (HEM__TASK_RETRIEVED | HEM__TASK_AT_EXIT);
    if (hem__task_failed(child) && !has_owner && !claimed)
        hem__report(hem__loop, HEM_REPORT_NEVER_RETRIEVED, child);
}

static uint64_t seed_of(const hem_run_options *opts)
{
    if (opts->seed)
        return opts->seed;
    const char *text = getenv("HEM_SEED");
    return text ? strtoull(text, NULL, 0) : 0;
}

static hem_ns slow_step_of(const hem_run_options *opts)
{
    if (opts->slow_step)
        return opts->slow_step;
    const char *text = getenv("HEM_DEBUG");
    long long ms = text ? strtoll(text, NULL, 0) : 0;
    if (ms <= 0)
        return 0;
    return ms < HEM_NEVER / HEM_MSEC ? ms * HEM_MSEC : HEM_NEVER;
}

/* Take a step, and say so if it takes long. */
static void watch_step(hem_loop *l, hem__ready *n)
{
    const hem_task *t = n->run ? NULL : (const hem_task *)n;
    hem_ns limit = hem__runtime_of(l)->slow_step;
    char name[100] = ""; /* the record may go */
    const hem_site *site = t ? t->site : NULL;
    if (t)
        strncat(name, t->name, sizeof(name) - 1);
    hem_ns begin = hem__loop_now(l);
    hem__loop_step(l, n);
    hem_ns took = hem__loop_now(l) - begin;
    if (took < limit)
        return;
    long long ms = took / HEM_MSEC;
    if (site)
        hem_log(HEM_LOG_WARNING, "%s held the loop for %lld ms",
                hem__title(name, site->file, site->line), ms);
    else
        hem_log(HEM_LOG_WARNING, "a callback held the loop for %lld ms", ms);
}

static void overflow_who(hem__overflow_victim *ret)
{
    hem_loop *l = hem__loop;
    const hem_task *t = l ? (const hem_task *)l->current : NULL;
    if (!t)
        return;
    *ret = (hem__overflow_victim){.stack = t->fiber.stack,
                                  .name = t->name,
                                  .file = t->site->file,
                                  .line = t->site->line};
}

static int runtime_init(hem__runtime *rt, const hem_run_options *opts)
{
    if (opts->stack_bytes > HEM__STACK_MAX_BYTES)
        return HEM_EINVAL;
    rt->slow_step = slow_step_of(opts);
    hem__loop_config config = {.clock = opts->clock,
                               .seed = seed_of(opts),
                               .watch_step =
                                   rt->slow_step > 0 ? watch_step : NULL};
    int rc = hem__loop_init(&rt->loop, &config);
    if (rc < 0)
        return rc;
    rc = hem__overflow_watch(overflow_who);
    if (rc < 0) {
        hem__loop_deinit(&rt->loop);
        return rc;
    }
    hem__nursery_init(&rt->nursery, nobody_told);
    hem__list_init(&rt->all);
    hem__list_init(&rt->unowned);
    hem__list_init(&rt->failed);
    rt->options = opts;
    rt->slow = opts->on_spawn != NULL;
    rt->stack_class = hem__stack_class_of(
        &rt->loop.stacks,
        opts->stack_bytes ? opts->stack_bytes : HEM__STACK_DEFAULT_BYTES);
    return 0;
}

static void runtime_deinit(hem__runtime *rt)
{
    hem__loop_drain(&rt->loop);
    while (!hem__list_empty(&rt->unowned)) {
        hem__nursery *n = HEM__CONTAINER(rt->unowned.next, hem__nursery, open);
        hem__list_remove(&n->open);
        hem__nursery_release(&rt->loop, n);
        n->ended(n, NULL);
    }
    hem__nursery_release(&rt->loop, &rt->nursery);
    hem__loop_deinit(&rt->loop);
    hem__overflow_unwatch();
    while (rt->records) {
        struct hem__record *r = rt->records;
        rt->records = r->next;
        hem__free(r);
    }
}

static void on_interrupt(hem_loop *l)
{
    hem__runtime *rt = hem__runtime_of(l);
    if (!rt->main || hem_task_done(rt->main))
        return;
    rt->interrupted = true;
    hem_task_cancel(rt->main, "SIGINT");
}

static void stop_loop(void *arg, int status)
{
    (void)status;
    hem__loop_stop(arg);
}

/* Report a task that failed when it was cancelled. Its handle, if there is one,
 * stays valid to the end. */
static void report_failed(hem__runtime *rt, hem_task *t)
{
    hem__list_remove(&t->all);
    hem__report(&rt->loop, HEM_REPORT_AT_EXIT, t);
    if (t->future.outcome.flags & HEM__TASK_HANDLE) {
        hem__list_insert(&rt->nursery.tasks, &t->sibling);
        return;
    }
    hem__stack *s = t->fiber.stack;
    hem__task_free(&rt->loop, t);
    hem__stack_put(s);
}

/* Run until all tasks that are AT_EXIT are done. */
static void run_at_exit(hem__runtime *rt)
{
    if (rt->at_exit)
        hem__loop_run(&rt->loop);
    while (!hem__list_empty(&rt->failed))
        report_failed(rt, HEM__CONTAINER(rt->failed.next, hem_task, all));
}

/* Cancel all tasks there are and run until they are done. */
static void cancel_all(hem__runtime *rt)
{
    rt->at_exit = 0;
    for (hem__list *e = rt->all.next; e != &rt->all; e = e->next) {
        hem_task *t = HEM__CONTAINER(e, hem_task, all);
        t->future.outcome.flags |= HEM__TASK_AT_EXIT;
        rt->at_exit++;
        hem_task_cancel(t, NULL);
    }
    run_at_exit(rt);
}

/* Close the generators that tasks have left open: asyncio's
 * shutdown_asyncgens(). */
static void close_generators(hem__runtime *rt)
{
    if (!rt->close_generators)
        return;
    rt->close_generators(rt);
    run_at_exit(rt);
}

struct last_turns {
    hem_callback callback;
    hem_loop *loop;
    int left;
};

static void last_turn(void *arg)
{
    struct last_turns *turns = arg;
    if (--turns->left == 0 || hem_call_soon(&turns->callback) < 0)
        hem__loop_stop(turns->loop);
}

static void run_last_turns(hem__runtime *rt)
{
    struct last_turns turns = {.loop = &rt->loop, .left = LAST_TURNS};
    hem_callback_init(&turns.callback, last_turn, &turns);
    if (hem_call_soon(&turns.callback) == 0)
        hem__loop_run(&rt->loop);
}

struct root {
    hem__runtime *rt;
    hem_fn *fn;
    void *arg;
    hem_done done;
};

/* Those who wait for main are told before the loop stops, as in asyncio, whose
 * loop finishes the turn. */
static int run_root(void *arg)
{
    struct root *r = arg;
    int rc = r->fn(r->arg);
    (void)hem_done_remove(&r->done);
    hem_task_on_done(r->rt->main, &r->done, stop_loop, &r->rt->loop);
    return rc;
}

static int run_main(hem__runtime *rt, hem_fn *main, void *arg)
{
    const hem_run_options *o = rt->options;
    static const hem_site site = {"main", "hem_run", 0};
    hem_task *t;
    hem_spawn_options spawn = {.name = o->name, .site = &site};
    struct root root = {.rt = rt, .fn = main, .arg = arg};
    int rc = hem_spawn_with_at(&t, run_root, &root, &spawn);
    if (rc < 0)
        return rc;
    rt->main = t;
    if (!o->keep_sigint)
        hem__interrupt_catch(&rt->loop, on_interrupt);
    hem_task_on_done(t, &root.done, stop_loop, &rt->loop);
    hem__loop_run(&rt->loop);
    rt->ending = true;
    cancel_all(rt);
    close_generators(rt);
    hem__posts_close(&rt->loop); /* who posts without end does not delay it */
    run_last_turns(rt);
    rt->closed = rt->slow = true;
    cancel_all(rt);
    close_generators(rt);
    hem__interrupt_release(&rt->loop);
    hem__interrupt_finish();
    if (hem_task_error(t))
        hem__report(&rt->loop, HEM_REPORT_MAIN, t);
    rc = hem_task_result(t);
    return rt->interrupted && rc == HEM_ECANCELED ? HEM_EINTR : rc;
}

/* A page of its own: what every switch touches must not share the low bits of
 * its address with the records and frames at the tops of stacks, or loads wait
 * for stores that they have nothing to do with. */
#define RUNTIME_ALIGNMENT ((uintptr_t)4096)

int hem_run(hem_fn *main, void *arg, const hem_run_options *opts)
{
    static const hem_run_options defaults;
    if (hem__loop)
        return HEM_EREFUSED;
    void *memory = hem__calloc(sizeof(hem__runtime) + RUNTIME_ALIGNMENT);
    if (!memory)
        return HEM_ENOMEM;
    hem__runtime *rt =
        (hem__runtime *)(((uintptr_t)memory + RUNTIME_ALIGNMENT - 1) &
                         ~(RUNTIME_ALIGNMENT - 1));
    int rc = runtime_init(rt, opts ? opts : &defaults);
    if (rc == 0) {
        rt->loop.memory = memory;
        rc = run_main(rt, main, arg);
        runtime_deinit(rt);
        hem_loop_release(&rt->loop);
        return rc;
    }
    hem__free(memory);
    return rc;
}

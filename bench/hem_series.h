/* SPDX-License-Identifier: MIT */
/*
 * The things of which hem_scale.c does many: functions that do `n` of them, and
 * the table that names them.
 */
#ifndef HEM_SERIES_H
#define HEM_SERIES_H

#include "hem_crowd.h"

static int with_child(void *arg)
{
    (void)arg;
    hem_scope s;
    HEM_TRY(hem_scope_open(&s, NULL));
    return hem_scope_close(&s, hem_scope_spawn(&s, NULL, bench_nothing, NULL));
}

static int siblings(size_t n)
{
    for (size_t i = 0; i < n; i++)
        HEM_TRY(with_child(NULL));
    return 0;
}

static int nested(size_t n)
{
    if (n == 0)
        return 0;
    hem_scope s;
    HEM_TRY(hem_scope_open(&s, NULL));
    return hem_scope_close(&s, nested(n - 1));
}

/* Spawn `n` children that run fn(arg). */
static int spawn_all(hem_scope *s, size_t n, hem_fn *fn, void *arg)
{
    for (size_t i = 0; i < n; i++)
        HEM_TRY(hem_scope_spawn(s, NULL, fn, arg));
    return 0;
}

/* Run `n` children of one scope. */
static int run_all(size_t n, hem_fn *fn)
{
    HEM_SCOPE(s);
    HEM_TRY(spawn_all(&s, n, fn, NULL));
    return hem_scope_close(&s, 0);
}

static int parallel(size_t n)
{
    return run_all(n, with_child);
}

static int children(size_t n)
{
    return run_all(n, bench_nothing);
}

static int handles(size_t n)
{
    HEM_SCOPE(s);
    for (size_t i = 0; i < n; i++) {
        hem_task *t;
        HEM_TRY(hem_scope_spawn(&s, &t, bench_nothing, NULL));
    }
    return hem_scope_close(&s, 0);
}

/* Run `n` tasks until each waits; that does not count. */
static int wait_all(hem_scope *s, size_t n, hem_fn *fn, void *arg)
{
    int64_t start = bench_cpu_ns();
    HEM_TRY(spawn_all(s, n, fn, arg));
    HEM_TRY(hem_yield());
    bench_leave_out(start);
    return 0;
}

static int abort_all(size_t n)
{
    HEM_SCOPE(s);
    HEM_TRY(wait_all(&s, n, crowd_sleep, NULL));
    hem_scope_abort(&s, NULL);
    return hem_scope_close(&s, 0);
}

static int pass_lock_on(void *arg)
{
    HEM_TRY(hem_lock_acquire(arg));
    return hem_lock_release(arg);
}

static int lock(size_t n)
{
    hem_lock l;
    hem_lock_init(&l);
    HEM_TRY(hem_lock_acquire(&l));
    HEM_SCOPE(s);
    HEM_TRY(wait_all(&s, n, pass_lock_on, &l));
    return hem_scope_close(&s, hem_lock_release(&l));
}

static int wait_event(void *arg)
{
    return hem_event_wait(arg);
}

static int event(size_t n)
{
    hem_event e;
    hem_event_init(&e);
    HEM_SCOPE(s);
    HEM_TRY(wait_all(&s, n, wait_event, &e));
    hem_event_set(&e);
    return hem_scope_close(&s, 0);
}

static int get_item(void *arg)
{
    void *item;
    return hem_queue_get(arg, &item);
}

static int serve_all(hem_queue *q, size_t n)
{
    HEM_SCOPE(s);
    HEM_TRY(wait_all(&s, n, get_item, q));
    for (size_t i = 0; i < n; i++)
        HEM_TRY(hem_queue_put(q, q));
    return hem_scope_close(&s, 0);
}

static int queue(size_t n)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    int rc = serve_all(&q, n);
    hem_queue_deinit(&q);
    return rc;
}

static int expire(void *arg)
{
    (void)arg;
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 0));
    return hem_timeout_close(&t, 0);
}

static int timeouts(size_t n)
{
    return run_all(n, expire);
}

/* Waiters that are cancelled, but have not run yet, must not be looked at by
 * each who acquires. */
static int lock_over(size_t n)
{
    hem_lock l;
    hem_lock_init(&l);
    HEM_TRY(hem_lock_acquire(&l));
    HEM_SCOPE(s);
    HEM_TRY(wait_all(&s, n, pass_lock_on, &l));
    hem_scope_abort(&s, NULL);
    HEM_TRY(hem_lock_release(&l));
    for (size_t i = 0; i < n; i++)
        HEM_TRY(pass_lock_on(&l));
    return hem_scope_close(&s, 0);
}

static int acquire_semaphore(void *arg)
{
    return hem_semaphore_acquire(arg);
}

static int semaphore(size_t n)
{
    hem_semaphore sem;
    hem_semaphore_init(&sem, NULL);
    HEM_SCOPE(s);
    HEM_TRY(wait_all(&s, n, acquire_semaphore, &sem));
    for (size_t i = 0; i < n; i++)
        HEM_TRY(hem_semaphore_release(&sem));
    return hem_scope_close(&s, 0);
}

/* Things of which there may be many. */
struct series {
    const char *name;
    int (*run)(size_t n); /* do `n` of them */
    size_t max;
    size_t level_bytes; /* of stack that each takes, rather more */
};

/* clang-format off */
static const struct series all_series[] = {
    {"siblings", siblings, 1000000, 0},
    {"nested", nested, 1000000, 512},
    {"parallel", parallel, 100000, 0},
    {"children", children, 1000000, 0},
    {"handles", handles, 1000000, 0},
    {"abort", abort_all, 1000000, 0},
    {"cancel", crowd_cancel, 1000000, 0},
    {"event", event, 100000, 0},
    {"queue", queue, 100000, 0},
    {"lock", lock, 100000, 0},
    {"lock_over", lock_over, 100000, 0},
    {"semaphore", semaphore, 100000, 0},
    {"timeouts", timeouts, 100000, 0},
};
/* clang-format on */

#define SERIES (sizeof(all_series) / sizeof(all_series[0]))

#endif

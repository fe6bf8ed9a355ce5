/* SPDX-License-Identifier: MIT */
/* Tasks, scopes, timeouts, futures: what needs nothing but memory. */
#include "torture.h"

#define SPAWNS 10000

static int tick(void *arg)
{
    int *ticks = arg;
    for (int i = 0; i < 3; i++) {
        HEM_TRY(hem_sleep(10 * HEM_MSEC));
        ++*ticks;
    }
    return 0;
}

static int answer(void *arg)
{
    (void)arg;
    HEM_TRY(hem_yield());
    return 42;
}

static int note_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)s;
    (void)child;
    *(int *)arg = error;
    return 0;
}

static int fail_it(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(HEM_MSEC));
    return hem_fail(HEM_ERANGE, "as it %s", "was planned");
}

static int children(void *arg)
{
    (void)arg;
    int ticks = 0;
    int error = 0;
    hem_task *t = NULL;
    HEM_SCOPE(s, .timeout = HEM_SEC, .on_error = note_error,
              .on_error_arg = &error);
    HEM_TRY(hem_scope_spawn(&s, NULL, tick, &ticks));
    HEM_TRY(hem_scope_spawn(&s, NULL, tick, &ticks));
    HEM_TRY(hem_scope_spawn(&s, NULL, fail_it, NULL));
    HEM_TRY(hem_scope_spawn(&s, &t, answer, NULL));
    check_int(hem_await(t), 42);
    HEM_TRY(hem_scope_spawn_with(&s, NULL, tick, &ticks, .eager = true,
                                 .stack_bytes = 256 << 10));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(ticks, 9);
    check_int(error, HEM_ERANGE);
    return 0;
}

static void set_future(void *arg)
{
    check_int(hem_future_set_result(arg, 7), 0);
}

static int futures(void *arg)
{
    (void)arg;
    hem_future f;
    hem_future_init(&f);
    hem_callback cb;
    hem_callback_init(&cb, set_future, &f);
    HEM_TRY(hem_call_later(&cb, 10 * HEM_MSEC));
    check_int(hem_future_wait(&f), 7);
    return 0;
}

static int timeouts(void *arg)
{
    (void)arg;
    hem_future never;
    hem_future_init(&never);
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 10 * HEM_MSEC));
    int rc = hem_future_wait(&never);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check(hem_future_cancelled(&never));

    hem_scope s;
    HEM_TRY(hem_scope_open(&s, &(hem_scope_options){.timeout = HEM_MSEC}));
    rc = hem_scope_spawn(&s, NULL, fail_it, NULL);
    if (rc == 0)
        rc = hem_sleep(HEM_NEVER);
    bool spawned = rc == HEM_ECANCELED;
    rc = hem_scope_close(&s, rc);
    check_int(rc == HEM_ETIMEDOUT, spawned);
    if (spawned)
        check_int(hem_task_uncancel(hem_self()), 0);
    return spawned ? 0 : rc;
}

static int shields(void *arg)
{
    (void)arg;
    hem_scope s;
    HEM_TRY(hem_shield_open(&s, &(hem_scope_options){.timeout = HEM_SEC}));
    hem_task_cancel(hem_self(), "later");
    check_int(hem_sleep(HEM_MSEC), 0);
    check_int(hem_shield_close(&s, 0), HEM_ECANCELED);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

static int cancel_one(void *arg)
{
    (void)arg;
    hem_task *t;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, &t, answer, NULL));
    check(hem_task_cancel(t, "not wanted"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "not wanted");
    hem_task_forget(t);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int sleep_on(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_NEVER);
}

/* Left to the end of the run. */
static int leave_one(void *arg)
{
    return hem_spawn(NULL, sleep_on, arg);
}

/* The number of timers for which there is place at first. */
static int places;

static int tasks_main(void *arg)
{
    hem_fn *const *part = arg;
    check_success(in_crowd(places, *part, NULL));
    return 0;
}

void scenario_tasks(void)
{
    static hem_fn *const parts[] = {children, futures,    timeouts,
                                    shields,  cancel_one, leave_one};
    for (places = 0; places < 3; places++) {
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
            hem_virtual_clock clock = {0};
            check_success(hem_run(tasks_main, (void *)&parts[i],
                                  &(hem_run_options){.clock = &clock}));
        }
    }
}

static int count_one(void *arg)
{
    ++*(size_t *)arg;
    return 1;
}

static int spawns_main(void *arg)
{
    (void)arg;
    static hem_task *tasks[SPAWNS];
    size_t wanted = scaled(SPAWNS);
    size_t ran = 0;
    size_t spawned = 0;
    HEM_SCOPE(s);
    for (size_t i = 0; i < wanted; i++) {
        tasks[i] = NULL;
        int rc = hem_scope_spawn(&s, &tasks[i], count_one, &ran);
        if (check_success(rc))
            spawned++;
        else
            check(tasks[i] == NULL);
    }
    for (size_t i = 0; i < wanted; i++) {
        if (tasks[i])
            check_int(hem_await(tasks[i]), 1);
    }
    check_int(ran, spawned);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

void scenario_spawns(void)
{
    check_success(hem_run(spawns_main, NULL, NULL));
}

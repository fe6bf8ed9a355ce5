/* SPDX-License-Identifier: MIT */
/*
 * Each function of the core either suspends and is a point of cancellation,
 * or never.
 */
#include "support.h"

#include "suspension.h"

static int give_one(void *arg)
{
    (void)arg;
    return 1;
}

static int yield_once(void *arg)
{
    (void)arg;
    return hem_yield();
}

static void do_nothing(void *arg)
{
    (void)arg;
}

static void do_nothing_done(void *arg, int status)
{
    (void)arg;
    (void)status;
}

static bool go_on(void *arg, hem_task *t)
{
    (void)arg;
    return t != NULL;
}

static void log_nothing(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)line;
}

static void set_future(void *arg)
{
    if (!hem_future_done(arg))
        (void)!hem_future_set_result(arg, 0);
}

CASE(ground)
{
    (void)f;
    (void)hem_version();
    (void)hem_errname(-1);
    (void)hem_strerror(-1);
    hem_log_set(log_nothing, NULL);
    hem_log(HEM_LOG_ERROR, "x");
    hem_log_set(NULL, NULL);
    (void)hem_now();
    (void)hem_loop_current();
    check_int(hem_post(hem_loop_current(), do_nothing, NULL), 0);
    check_int(hem_run(give_one, NULL, NULL), HEM_EREFUSED);
    hem_free(NULL);
    hem_loop *l = hem_loop_current();
    hem_loop_release(hem_loop_hold(l));
    int result;
    check_int(hem_call_from_thread(l, give_one, NULL, &result), HEM_EDEADLK);
    hem_thread_lane_info info;
    hem_thread_lane_get_info(NULL, &info);
    return 0;
}

CASE(spawn)
{
    hem_task *t;
    (void)f;
    check_int(hem_spawn(&t, give_one, NULL), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_task_uncancel(t), 0);
    check_int(hem_spawn_with(&t, give_one, NULL, .eager = true), 0);
    hem_task_forget(t);
    return 0;
}

CASE(task)
{
    static hem_done d;
    int line;
    hem_task *t = f->live;
    check(hem_self() != t);
    check_int(hem_task_cancelling(t), 0);
    check_str(hem_task_reason(t), NULL);
    check(!hem_task_done(t) && !hem_task_cancelled(t));
    check_int(hem_task_result(f->ended), 1);
    check(hem_task_error(f->ended) == NULL);
    check(hem_future_done(hem_task_future(f->ended)));
    check(!hem_task_cancel_pending(t));
    hem_task_set_name(t, "x");
    check_str(hem_task_name(t), "x");
    (void)hem_task_site(t, &line);
    check_str(hem_task_waits_for(t), "sleep");
    hem_task_each(go_on, NULL);
    check_int(hem_cancelled("x"), HEM_ECANCELED);
    hem_task_on_done(t, &d, do_nothing_done, NULL);
    check(hem_done_remove(&d));
    return 0;
}

CASE(failure)
{
    (void)f;
    check_int(hem_fail(HEM_EIO, "x"), HEM_EIO);
    hem_error *e = hem_error_hold(hem_failure());
    (void)hem_failure_text(0);
    check_int(hem_fail_again(e), HEM_EIO);
    hem_error_release(e);
    return 0;
}

CASE(var)
{
    (void)f;
    static hem_var v = HEM_VAR("v", NULL);
    hem_var_token token;
    hem_context c;
    check_int(hem_var_set(&v, f), 0);
    check_int(hem_var_push(&v, NULL, &token), 0);
    check_int(hem_var_pop(&token), 0);
    check(hem_var_get(&v) == f);
    hem_context_copy(&c);
    check_int(hem_context_run(&c, give_one, NULL), 1);
    hem_context_deinit(&c);
    return 0;
}

CASE(callback)
{
    (void)f;
    hem_callback cb;
    hem_callback_init(&cb, do_nothing, NULL);
    check_int(hem_call_soon(&cb), 0);
    check(hem_callback_cancel(&cb));
    check_int(hem_call_later(&cb, 5), 0);
    check(hem_callback_cancel(&cb));
    check_int(hem_call_at(&cb, hem_now() + 5), 0);
    check(hem_callback_cancel(&cb));
    return 0;
}

CASE(future)
{
    (void)f;
    static hem_done d;
    hem_future a, b;
    hem_future_init(&a);
    hem_future_init(&b);
    check_int(hem_future_set_result(&a, 1), 0);
    hem_future_on_done(&a, &d, do_nothing_done, NULL);
    check(hem_future_done(&a) && !hem_future_cancelled(&a));
    check_int(hem_future_result(&a), 1);
    check(hem_future_error(&a) == NULL);
    check_int(hem_future_set_error(&b, -1), 0);
    check(!hem_future_cancel(&b, NULL));
    return 0;
}

CASE(timeout)
{
    (void)f;
    hem_timeout t;
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_reschedule(&t, 9), 0);
    check_int(hem_timeout_when(&t), 9);
    check(!hem_timeout_expired(&t));
    hem_timeout_set_reason(&t, "late");
    check_int(hem_timeout_close(&t, 0), 0);
    check_int(hem_timeout_open_at(&t, 5), 0);
    check_int(hem_timeout_close(&t, 0), 0);
    return 0;
}

/* Those that suspend, each where it must wait, and where it need not. */

CASE(hem_yield)
{
    (void)f;
    return hem_yield();
}

CASE(hem_sleep)
{
    (void)f;
    return hem_sleep(1);
}

CASE(hem_await)
{
    (void)f;
    hem_task *t;
    check_int(hem_spawn(&t, yield_once, NULL), 0);
    return hem_await(t);
}

CASE(at_once_hem_await)
{
    return hem_await(f->ended);
}

CASE(hem_future_wait)
{
    (void)f;
    static hem_callback cb;
    static hem_future future;
    hem_future_init(&future);
    hem_callback_init(&cb, set_future, &future);
    check_int(hem_call_soon(&cb), 0);
    return hem_future_wait(&future);
}

CASE(at_once_hem_future_wait)
{
    (void)f;
    hem_future future;
    hem_future_init(&future);
    check_int(hem_future_set_result(&future, 1), 0);
    return hem_future_wait(&future);
}

CASE(hem_thread_call)
{
    (void)f;
    return hem_thread_call(give_one, NULL, NULL);
}

/* clang-format off */
static const struct suspension table[] = {
    NEVER(hem_version, ground),
    NEVER(hem_errname, ground),
    NEVER(hem_strerror, ground),
    NEVER(hem_allocator_set, ground),
    NEVER(hem_log_set, ground),
    NEVER(hem_log, ground),
    NEVER(hem_now, ground),
    NEVER(hem_loop_current, ground),
    NEVER(hem_free, ground),
    NEVER(hem_post, ground),
    NEVER(hem_loop_hold, ground),
    NEVER(hem_loop_release, ground),
    NEVER(hem_call_from_thread_at, ground),
    NEVER(hem_run, ground),

    NEVER(hem_callback_init, callback),
    NEVER(hem_call_soon, callback),
    NEVER(hem_call_later, callback),
    NEVER(hem_call_at, callback),
    NEVER(hem_callback_cancel, callback),

    NEVER(hem_spawn_at, spawn),
    NEVER(hem_spawn_with_at, spawn),
    NEVER(hem_task_cancel, spawn),
    NEVER(hem_task_uncancel, spawn),
    NEVER(hem_task_forget, spawn),
    NEVER(hem_self, task),
    NEVER(hem_task_cancelling, task),
    NEVER(hem_task_cancel_pending, task),
    NEVER(hem_task_reason, task),
    NEVER(hem_task_done, task),
    NEVER(hem_task_cancelled, task),
    NEVER(hem_task_result, task),
    NEVER(hem_task_error, task),
    NEVER(hem_task_future, task),
    NEVER(hem_task_name, task),
    NEVER(hem_task_set_name, task),
    NEVER(hem_task_site, task),
    NEVER(hem_task_waits_for, task),
    NEVER(hem_task_each, task),
    NEVER(hem_task_on_done, task),
    NEVER(hem_done_remove, task),
    NEVER(hem_cancelled, task),
    SUSPENDS(hem_yield),
    SUSPENDS(hem_sleep),
    AT_ONCE(hem_await),

    NEVER(hem_fail_at, failure),
    NEVER(hem_failure, failure),
    NEVER(hem_failure_text, failure),
    NEVER(hem_error_hold, failure),
    NEVER(hem_error_release, failure),
    NEVER(hem_fail_again, failure),

    NEVER(hem_var_get, var),
    NEVER(hem_var_set, var),
    NEVER(hem_var_push, var),
    NEVER(hem_var_pop, var),
    NEVER(hem_context_copy, var),
    NEVER(hem_context_deinit, var),
    NEVER(hem_context_run, var),

    NEVER(hem_future_init, future),
    NEVER(hem_future_set_result, future),
    NEVER(hem_future_set_error, future),
    NEVER(hem_future_cancel, future),
    NEVER(hem_future_done, future),
    NEVER(hem_future_cancelled, future),
    NEVER(hem_future_result, future),
    NEVER(hem_future_error, future),
    NEVER(hem_future_on_done, future),
    AT_ONCE(hem_future_wait),

    NEVER(hem_timeout_open, timeout),
    NEVER(hem_timeout_open_at, timeout),
    NEVER(hem_timeout_set_reason, timeout),
    NEVER(hem_timeout_reschedule, timeout),
    NEVER(hem_timeout_when, timeout),
    NEVER(hem_timeout_expired, timeout),
    NEVER(hem_timeout_close, timeout),


    SUSPENDS(hem_thread_call),
    NEVER(hem_thread_lane_get_info, ground),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {
        "base",   "error",   "alloc",  "log",        "clock",
        "loop",   "run",     "task",   "failure",    "var",
        "future", "timeout", "thread", "from_thread"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

/* SPDX-License-Identifier: MIT */
/* Eager tasks: the first step is taken within the call that spawns. */
#include "support.h"

static int say_and_sleep(void *arg)
{
    trace("%s1", (const char *)arg);
    HEM_TRY(hem_sleep(1));
    trace("%s2", (const char *)arg);
    return 6;
}

static int say(void *arg)
{
    trace("%s", (const char *)arg);
    return 5;
}

VIRTUAL_TEST(an_eager_task_runs_up_to_its_first_suspension)
{
    hem_task *t;
    check_int(hem_spawn(NULL, say, "ready"), 0);
    trace("before");
    check_int(hem_spawn_with(&t, say_and_sleep, "child", .eager = true), 0);
    trace("after");
    check_trace("before child1 after"); /* the ready one had no turn */
    check_str(hem_task_waits_for(t), "sleep");
    check_int(hem_await(t), 6);
    check_trace("ready child2");
    return 0;
}

VIRTUAL_TEST(an_eager_task_that_does_not_suspend_has_ended)
{
    hem_task *t;
    check_int(hem_spawn(NULL, say, "ready"), 0);
    check_int(hem_spawn_with(&t, say, "child", .eager = true), 0);
    check_trace("child");
    check(hem_task_done(t));
    check_int(hem_task_result(t), 5);
    check_int(hem_spawn_with(NULL, say, "child", .eager = true), 0);
    check_trace("child");
    return 0;
}

static int check_self(void *arg)
{
    check(hem_self() == *(hem_task **)arg);
    check_str(hem_task_waits_for(hem_self()), "running");
    return 0;
}

VIRTUAL_TEST(the_handle_is_there_before_the_first_step)
{
    hem_task *self = hem_self();
    hem_task *t = NULL;
    check_int(hem_spawn_with(&t, check_self, &t, .eager = true), 0);
    check(hem_self() == self);
    return 0;
}

static int nest(void *arg)
{
    int *depth = arg;
    if (--*depth > 0)
        check_int(hem_spawn_with(NULL, nest, depth, .eager = true), 0);
    int mine = *depth;
    ++*depth;
    HEM_TRY(hem_sleep(1));
    return mine < 0 ? HEM_EFAULT : 0;
}

VIRTUAL_TEST(eager_tasks_nest)
{
    int depth = 1000;
    check_int(hem_spawn_with(NULL, nest, &depth, .eager = true), 0);
    check_int(depth, 1000);
    check_int(hem_sleep(2), 0);
    return 0;
}

static int spawn_inner(void *arg)
{
    trace("outer1");
    check_int(hem_spawn_with(NULL, say_and_sleep, "inner", .eager = true), 0);
    trace("outer2");
    check(hem_self() == *(hem_task **)arg);
    HEM_TRY(hem_yield());
    trace("outer3");
    return 0;
}

VIRTUAL_TEST(each_goes_on_where_it_spawned_the_next)
{
    hem_task *t;
    check_int(hem_spawn_with(&t, spawn_inner, &t, .eager = true), 0);
    trace("main");
    check_trace("outer1 inner1 outer2 main");
    check_int(hem_await(t), 0);
    check_trace("outer3");
    check_int(hem_sleep(2), 0);
    check_trace("inner2");
    return 0;
}

static int cancel_parent(void *arg)
{
    check(hem_task_cancel(arg, "by the child"));
    HEM_TRY(hem_sleep(1));
    return 0;
}

VIRTUAL_TEST(a_request_to_the_parent_is_delivered_at_its_next_wait)
{
    hem_task *self = hem_self();
    check_int(hem_spawn_with(NULL, cancel_parent, self, .eager = true), 0);
    check_int(hem_task_cancelling(self), 1);
    check_str(hem_task_reason(self), NULL);
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_str(hem_task_reason(self), "by the child");
    check_int(hem_now(), 0);

    check(hem_task_cancel(self, "before"));
    check_int(hem_spawn_with(NULL, say, "child", .eager = true), 0);
    check_trace("child");
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(self), "before");
    check_int(hem_yield(), 0);
    return 0;
}

static int take_back(void *arg)
{
    check(hem_task_cancel(arg, NULL));
    check_int(hem_task_uncancel(arg), 0);
    return 0;
}

VIRTUAL_TEST(a_request_that_the_child_took_back_is_forgotten)
{
    check_int(hem_spawn_with(NULL, take_back, hem_self(), .eager = true), 0);
    check_int(hem_yield(), 0);
    return 0;
}

static void spawn_in_callback(void *arg)
{
    check_int(hem_spawn_with(arg, say_and_sleep, "child", .eager = true), 0);
    check(hem_self() == NULL);
    check_int(hem_spawn_with(NULL, say, "other", .eager = true), 0);
    trace("callback");
}

VIRTUAL_TEST(a_callback_may_spawn_eagerly)
{
    hem_task *t = NULL;
    hem_callback cb;
    hem_callback_init(&cb, spawn_in_callback, &t);
    check_int(hem_call_soon(&cb), 0);
    while (!t)
        check_int(hem_yield(), 0);
    check_trace("child1 other callback");
    check_int(hem_await(t), 6);
    trace_clear();
    return 0;
}

static int fail_now(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

static int spawn_in_handler(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg;
    (void)s;
    (void)child;
    (void)error;
    check_int(hem_spawn_with(NULL, say_and_sleep, "child", .eager = true), 0);
    check(hem_self() == NULL);
    trace("handler");
    return 0;
}

static int spawn_and_say(void *arg)
{
    trace("outer1");
    check_int(hem_spawn_with(NULL, say_and_sleep, arg, .eager = true), 0);
    trace("outer2");
    return hem_sleep(1);
}

static void spawn_nested(void *arg)
{
    check_int(hem_spawn_with(NULL, spawn_and_say, arg, .eager = true), 0);
    trace("back");
}

FIFO_TEST(eager_tasks_nest_in_a_callback)
{
    hem_callback cb;
    hem_callback_init(&cb, spawn_nested, "inner");
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_yield(), 0);
    check_trace("outer1 inner1 outer2 back");
    check_int(hem_sleep(2), 0);
    check_trace("inner2");
    return 0;
}

VIRTUAL_TEST(a_task_spawned_eagerly_by_an_error_handler_runs_in_the_next_turn)
{
    hem_scope s;
    check_int(
        hem_scope_open(&s, &(hem_scope_options){.on_error = spawn_in_handler}),
        0);
    for (int i = 0; i < 3; i++) {
        check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
        check_int(hem_sleep(10), 0);
        check_trace("handler child1 child2");
    }
    check_int(hem_scope_spawn_with(&s, NULL, fail_now, NULL, .eager = true), 0);
    check_trace("handler");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_sleep(10), 0);
    check_trace("child1 child2");
    return 0;
}

VIRTUAL_TEST(an_eager_child_that_fails_is_reported_within_the_call)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn_with(&s, &t, fail_now, NULL, .eager = true), 0);
    check_report(HEM_REPORT_CHILD, "fail_now", HEM_EIO);
    check_int(hem_scope_children(&s), 0);
    check_int(hem_task_result(t), HEM_EIO);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int add_one(void *arg)
{
    ++*(size_t *)arg;
    HEM_TRY(hem_yield());
    ++*(size_t *)arg;
    return 0;
}

static int yield_only(void *arg)
{
    for (size_t *turns = arg; *turns < 100; ++*turns)
        HEM_TRY(hem_yield());
    return 0;
}

VIRTUAL_TEST(any_number_of_eager_tasks_may_be_spawned_in_one_step)
{
    size_t n = scaled(10000);
    size_t turns = 0, steps = 0;
    hem_task *busy;
    check_int(hem_spawn(&busy, yield_only, &turns), 0);
    for (size_t i = 0; i < n; i++)
        check_int(hem_spawn_with(NULL, add_one, &steps, .eager = true), 0);
    check_int(steps, n);
    check_int(turns, 0);
    check_int(hem_sleep(1), 0);
    check_int(steps, 2 * n);
    check_int(hem_await(busy), 0);
    return 0;
}

VIRTUAL_TEST(an_eager_spawn_without_memory_runs_nothing)
{
    hem_task *t = NULL;
    ledger_fail_from(1);
    check_int(
        hem_spawn_with(&t, say, "child", .eager = true, .stack_bytes = 1 << 20),
        HEM_ENOMEM);
    ledger_fail_from(0);
    check(t == NULL);
    check_trace("");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_eager_task_runs_up_to_its_first_suspension),
        LEDGER_TEST(an_eager_task_that_does_not_suspend_has_ended),
        LEDGER_TEST(the_handle_is_there_before_the_first_step),
        LEDGER_TEST(eager_tasks_nest),
        LEDGER_TEST(each_goes_on_where_it_spawned_the_next),
        LEDGER_TEST(a_request_to_the_parent_is_delivered_at_its_next_wait),
        LEDGER_TEST(a_request_that_the_child_took_back_is_forgotten),
        LEDGER_TEST(a_callback_may_spawn_eagerly),
        LEDGER_TEST(eager_tasks_nest_in_a_callback),
        LEDGER_TEST(
            a_task_spawned_eagerly_by_an_error_handler_runs_in_the_next_turn),
        LEDGER_TEST(an_eager_child_that_fails_is_reported_within_the_call),
        LEDGER_TEST(any_number_of_eager_tasks_may_be_spawned_in_one_step),
        LEDGER_TEST(an_eager_spawn_without_memory_runs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

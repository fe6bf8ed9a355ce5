/* SPDX-License-Identifier: MIT */
/* Tasks: spawning, awaiting, yielding, sleeping. */
#include "support.h"

static int give(void *arg)
{
    return *(int *)arg;
}

static int say(void *arg)
{
    trace("%s", (const char *)arg);
    return 0;
}

static int say_twice(void *arg)
{
    trace("%s1", (const char *)arg);
    HEM_TRY(hem_yield());
    trace("%s2", (const char *)arg);
    return 0;
}

static int sleep_for(void *arg)
{
    return hem_sleep(*(hem_ns *)arg);
}

VIRTUAL_TEST(spawn_does_not_run_the_task)
{
    hem_task *t;
    check_int(hem_spawn(&t, say, "child"), 0);
    trace("parent");
    check_str(hem_task_waits_for(t), "ready");
    check_int(hem_await(t), 0);
    check_trace("parent child");
    return 0;
}

FIFO_TEST(tasks_take_their_first_steps_in_the_order_of_spawning)
{
    check_int(hem_spawn(NULL, say_twice, "a"), 0);
    check_int(hem_spawn(NULL, say_twice, "b"), 0);
    check_int(hem_spawn(NULL, say_twice, "c"), 0);
    check_int(hem_yield(), 0);
    trace("main");
    check_int(hem_yield(), 0);
    check_trace("a1 b1 c1 main a2 b2 c2");
    return 0;
}

VIRTUAL_TEST(await_returns_the_result)
{
    static const int results[] = {0, 1, 42, INT32_MAX, HEM_EINVAL, -1, -5000};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        int result = results[i];
        hem_task *t;
        check_int(hem_spawn(&t, give, &result), 0);
        check_int(hem_await(t), result);
        check(!hem_task_cancelled(t));
    }
    return 0;
}

VIRTUAL_TEST(await_of_an_ended_task_returns_at_once)
{
    int result = 7;
    hem_task *t;
    check_int(hem_spawn(&t, give, &result), 0);
    check_int(hem_await(t), 7);
    check_int(hem_spawn(NULL, say, "other"), 0);
    check_int(hem_await(t), 7);
    check_trace("");
    check_int(hem_sleep(1), 0);
    check_trace("other");
    return 0;
}

VIRTUAL_TEST(a_task_cannot_await_itself)
{
    check_int(hem_await(hem_self()), HEM_EREFUSED);
    check_int(hem_yield(), 0);
    return 0;
}

static int await_it(void *arg)
{
    return hem_await(arg);
}

VIRTUAL_TEST(many_tasks_may_await_one)
{
    hem_ns d = HEM_SEC;
    hem_task *target, *waiters[100];
    check_int(hem_spawn(&target, sleep_for, &d), 0);
    for (size_t i = 0; i < COUNT_OF(waiters); i++)
        check_int(hem_spawn(&waiters[i], await_it, target), 0);
    for (size_t i = 0; i < COUNT_OF(waiters); i++)
        check_int(hem_await(waiters[i]), 0);
    check_int(hem_now(), HEM_SEC);
    return 0;
}

VIRTUAL_TEST(sleep_takes_its_time)
{
    check_int(hem_sleep(3 * HEM_SEC), 0);
    check_int(hem_now(), 3 * HEM_SEC);
    check_int(hem_sleep(1), 0);
    check_int(hem_now(), 3 * HEM_SEC + 1);
    return 0;
}

VIRTUAL_TEST(a_sleep_that_is_not_positive_is_a_yield)
{
    static const hem_ns durations[] = {0, -1, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        hem_task *t;
        check_int(hem_spawn(&t, say, "other"), 0);
        while (!hem_task_done(t))
            check_int(hem_sleep(durations[i]), 0);
        check_trace("other");
        check_int(hem_now(), 0);
    }
    return 0;
}

struct sleeper {
    hem_ns d;
    const char *name;
};

static int sleep_and_say(void *arg)
{
    struct sleeper *s = arg;
    HEM_TRY(hem_sleep(s->d));
    trace("%s", s->name);
    return 0;
}

VIRTUAL_TEST(sleepers_wake_in_the_order_of_their_deadlines)
{
    struct sleeper s[] = {{30, "c"}, {10, "a"}, {40, "d"}, {20, "b"}};
    for (size_t i = 0; i < COUNT_OF(s); i++)
        check_int(hem_spawn(NULL, sleep_and_say, &s[i]), 0);
    check_int(hem_sleep(50), 0);
    check_trace("a b c d");
    return 0;
}

FIFO_TEST(sleepers_with_one_deadline_wake_in_the_order_of_sleeping)
{
    struct sleeper s[] = {{10, "a"}, {10, "b"}, {10, "c"}, {10, "d"}};
    for (size_t i = 0; i < COUNT_OF(s); i++)
        check_int(hem_spawn(NULL, sleep_and_say, &s[i]), 0);
    check_int(hem_sleep(20), 0);
    check_trace("a b c d");
    return 0;
}

VIRTUAL_TEST(a_sleep_for_ever_ends_by_cancellation_only)
{
    static hem_ns never = HEM_NEVER, long_time = HEM_NEVER - 1;
    hem_task *a, *b;
    check_int(hem_spawn(&a, sleep_for, &never), 0);
    check_int(hem_spawn(&b, sleep_for, &long_time), 0);
    check_int(hem_sleep(1000000 * HEM_SEC), 0);
    check(!hem_task_done(a));
    check(!hem_task_done(b));
    check(hem_task_cancel(a, NULL));
    check(hem_task_cancel(b, NULL));
    check_int(hem_await(a), HEM_ECANCELED);
    check_int(hem_await(b), HEM_ECANCELED);
    return 0;
}

static int is_self(void *arg)
{
    hem_task **t = arg;
    check(hem_self() == *t);
    HEM_TRY(hem_sleep(1));
    check(hem_self() == *t);
    return 0;
}

static void no_self(void *arg)
{
    check(hem_self() == NULL);
    check(hem_loop_current() != NULL);
    *(bool *)arg = true;
}

VIRTUAL_TEST(self_is_the_current_task)
{
    hem_task *self = hem_self();
    hem_task *t;
    check_int(hem_spawn(&t, is_self, &t), 0);
    check(hem_self() == self);
    bool called = false;
    hem_callback cb;
    hem_callback_init(&cb, no_self, &called);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_await(t), 0);
    check(called);
    check(hem_self() == self);
    return 0;
}

static void self_is_null_outside_of_a_run(void **state)
{
    (void)state;
    assert_null(hem_self());
    assert_null(hem_loop_current());
}

VIRTUAL_TEST(a_stack_above_a_gibibyte_is_refused)
{
    int result = 1;
    hem_task *t = NULL;
    size_t gib = (size_t)1 << 30;
    check_int(hem_spawn_with(&t, give, &result, .stack_bytes = gib + 1),
              HEM_EINVAL);
    check_int(hem_spawn_with(&t, give, &result, .stack_bytes = SIZE_MAX),
              HEM_EINVAL);
    check(t == NULL);
    check_int(hem_yield(), 0);
    return 0;
}

/* Touch `*arg` bytes of the stack. */
static int use_stack(void *arg)
{
    size_t bytes = *(size_t *)arg;
    volatile char *p = __builtin_alloca(bytes);
    for (size_t i = 0; i < bytes; i += 1024)
        p[i] = 1;
    HEM_TRY(hem_sleep(1));
    int sum = 0;
    for (size_t i = 0; i < bytes; i += 1024)
        sum += p[i];
    return sum == (int)((bytes + 1023) / 1024) ? 0 : HEM_EFAULT;
}

VIRTUAL_TEST(a_stack_has_the_size_asked_for)
{
    static const size_t sizes[] = {1,       1 << 14, 20000,  1 << 16,
                                   1 << 17, 1 << 20, 3 << 20};
    hem_task *t[COUNT_OF(sizes)];
    size_t used[COUNT_OF(sizes)];
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        used[i] = sizes[i] > 8192 ? sizes[i] - 8192 : 4096;
        check_int(
            hem_spawn_with(&t[i], use_stack, &used[i], .stack_bytes = sizes[i]),
            0);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        check_int(hem_await(t[i]), 0);
    return 0;
}

static int check_default_stack(void *arg)
{
    hem_task *t;
    check_int(hem_spawn(&t, use_stack, arg), 0);
    check_int(hem_await(t), 0);
    return 0;
}

static void the_run_sets_the_default_stack(void **state)
{
    (void)state;
    size_t bytes = 900 << 10;
    hem_run_options o = {.stack_bytes = 1 << 20};
    assert_int_equal(run_with(check_default_stack, &bytes, &o), 0);
    run_assert_checks();
}

static int spawn_more(void *arg)
{
    int *left = arg;
    if (--*left > 0)
        HEM_TRY(hem_spawn(NULL, spawn_more, left));
    return 0;
}

VIRTUAL_TEST(a_task_without_a_handle_is_freed_when_it_ends)
{
    int left = 10000;
    size_t before = ledger_live();
    check_int(hem_spawn(NULL, spawn_more, &left), 0);
    check_int(hem_sleep(1), 0);
    check_int(left, 0);
    check_int(ledger_live(), before);
    return 0;
}

VIRTUAL_TEST(a_spawn_without_memory_changes_nothing)
{
    size_t failures = 0;
    int rc = HEM_ENOMEM;
    hem_task *t = NULL;
    int result = 5;
    while (rc == HEM_ENOMEM && check(failures < 10)) {
        ledger_fail_from(++failures);
        rc = hem_spawn_with(&t, give, &result, .stack_bytes = 1 << 18);
        ledger_fail_from(0);
        if (rc < 0)
            check(t == NULL);
        check_int(hem_yield(), 0);
    }
    check(failures > 1);
    check_int(rc, 0);
    check_int(hem_await(t), 5);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(spawn_does_not_run_the_task),
        LEDGER_TEST(tasks_take_their_first_steps_in_the_order_of_spawning),
        LEDGER_TEST(await_returns_the_result),
        LEDGER_TEST(await_of_an_ended_task_returns_at_once),
        LEDGER_TEST(a_task_cannot_await_itself),
        LEDGER_TEST(many_tasks_may_await_one),
        LEDGER_TEST(sleep_takes_its_time),
        LEDGER_TEST(a_sleep_that_is_not_positive_is_a_yield),
        LEDGER_TEST(sleepers_wake_in_the_order_of_their_deadlines),
        LEDGER_TEST(sleepers_with_one_deadline_wake_in_the_order_of_sleeping),
        LEDGER_TEST(a_sleep_for_ever_ends_by_cancellation_only),
        LEDGER_TEST(self_is_the_current_task),
        LEDGER_TEST(self_is_null_outside_of_a_run),
        LEDGER_TEST(a_stack_above_a_gibibyte_is_refused),
        LEDGER_TEST(a_stack_has_the_size_asked_for),
        LEDGER_TEST(the_run_sets_the_default_stack),
        LEDGER_TEST(a_task_without_a_handle_is_freed_when_it_ends),
        LEDGER_TEST(a_spawn_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

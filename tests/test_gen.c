/* SPDX-License-Identifier: MIT */
/* Generators: steps, errors thrown in. */
#include "support.h"

/* Gives 1 to *arg. */
static int count_to(hem_gen *g, void *arg)
{
    for (int i = 1; i <= *(int *)arg; i++)
        HEM_TRY(hem_gen_yield(g, &i));
    return 0;
}

/* The next value, which must be there. */
static int next_int(hem_gen *g)
{
    void *value = NULL;
    check_int(hem_gen_next(g, &value), 1);
    return value ? *(int *)value : 0;
}

VIRTUAL_TEST(it_gives_values_one_by_one_and_ends)
{
    int n = 3;
    HEM_GEN(g, count_to, &n);
    int sum = 0;
    void *value;
    int rc;
    while ((rc = hem_gen_next(&g, &value)) > 0) {
        check_int(rc, 1);
        check(!hem_gen_done(&g));
        sum = 10 * sum + *(int *)value;
    }
    check_int(rc, 0);
    check_int(sum, 123);
    check(hem_gen_done(&g));
    check_int(hem_gen_next(&g, &value), 0);
    return 0;
}

VIRTUAL_TEST(the_value_is_not_touched_at_the_end_nor_needed)
{
    int n = 1;
    void *value = &n;
    HEM_GEN(g, count_to, &n);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, &value), 0);
    check(value == &n);
    return 0;
}

VIRTUAL_TEST(nothing_runs_and_no_memory_is_taken_before_the_first_step)
{
    size_t before = ledger_allocations();
    hem_gen g;
    hem_gen_init(&g, count_to, NULL); /* it would crash */
    check(!hem_gen_done(&g));
    check_int(hem_gen_close(&g), 0);
    check(hem_gen_done(&g));
    check_int(hem_gen_next(&g, NULL), 0);
    check_int(ledger_allocations() - before, 0);
    return 0;
}

static int fail_after_one(hem_gen *g, void *arg)
{
    HEM_TRY(hem_gen_yield(g, arg));
    return hem_fail(HEM_EIO, "disk on fire");
}

VIRTUAL_TEST(the_error_of_its_body_ends_it_and_comes_with_its_record)
{
    HEM_GEN(g, fail_after_one, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), HEM_EIO);
    check(hem_gen_done(&g));
    if (check(hem_failure() != NULL))
        check_str(hem_failure()->message, "disk on fire");
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

static int return_seven(hem_gen *g, void *arg)
{
    (void)g;
    (void)arg;
    return 7;
}

VIRTUAL_TEST(what_its_body_returns_is_no_value)
{
    HEM_GEN(g, return_seven, NULL);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

static int say(void *arg)
{
    trace("%s", (const char *)arg);
    return 0;
}

static int tick(hem_gen *g, void *arg)
{
    (void)arg;
    for (int i = 1; i <= 2; i++) {
        HEM_TRY(hem_sleep(HEM_SEC));
        HEM_TRY(hem_gen_yield(g, &i));
    }
    return hem_yield();
}

FIFO_TEST(what_suspends_in_it_suspends_the_task)
{
    HEM_GEN(g, tick, NULL);
    check_int(hem_spawn(NULL, say, "other"), 0);
    check_int(next_int(&g), 1);
    check_int(hem_now(), HEM_SEC);
    trace("1");
    check_int(next_int(&g), 2);
    check_int(hem_now(), 2 * HEM_SEC);
    trace("2");
    check_int(hem_spawn(NULL, say, "another"), 0);
    check_int(hem_gen_next(&g, NULL), 0);
    trace("end");
    check_trace("other 1 2 another end");
    return 0;
}

/* Makes one step of a generator, and returns what that did. */
static int one_step(void *arg)
{
    return hem_gen_next(arg, NULL);
}

VIRTUAL_TEST(cancelling_the_task_interrupts_the_body)
{
    HEM_GEN(g, tick, NULL);
    hem_task *t;
    check_int(hem_spawn(&t, one_step, &g), 0);
    check_int(hem_sleep(10), 0);
    check_str(hem_task_waits_for(t), "sleep");
    check(hem_task_cancel(t, "enough"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "enough");
    check_int(hem_now(), 10);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(a_step_that_does_not_wait_is_no_point_of_cancellation)
{
    int n = 2;
    HEM_GEN(g, count_to, &n);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), 0);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

/* Errors thrown in. */

/* Yields 1; to HEM_EAGAIN it answers with 50; all else ends it. */
static int answer(hem_gen *g, void *arg)
{
    (void)arg;
    int value = 1;
    for (;;) {
        int rc = hem_gen_yield(g, &value);
        if (rc == HEM_EPERM)
            return 0;
        if (rc < 0 && rc != HEM_EAGAIN)
            return rc;
        value = rc < 0 ? 50 : value + 1;
    }
}

VIRTUAL_TEST(an_error_thrown_in_comes_out_of_the_yield)
{
    HEM_GEN(g, answer, NULL);
    void *value;
    check_int(next_int(&g), 1);
    check_int(hem_gen_throw(&g, HEM_EAGAIN, &value), 1);
    check_int(*(int *)value, 50);
    check_int(next_int(&g), 51);
    check_int(hem_gen_throw(&g, HEM_EIO, &value), HEM_EIO);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(a_body_may_end_at_an_error_thrown_in)
{
    HEM_GEN(g, answer, NULL);
    check_int(next_int(&g), 1);
    check_int(hem_gen_throw(&g, HEM_EPERM, NULL), 0);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(thrown_into_one_that_has_not_begun_it_comes_straight_out)
{
    HEM_GEN(g, answer, NULL);
    check_int(hem_gen_throw(&g, HEM_EPERM, NULL), HEM_EPERM);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(thrown_into_one_that_has_ended_it_is_dropped)
{
    HEM_GEN(g, return_seven, NULL);
    check_int(hem_gen_next(&g, NULL), 0);
    check_int(hem_gen_throw(&g, HEM_EIO, NULL), 0);
    HEM_GEN(h, answer, NULL);
    check_int(next_int(&h), 1);
    check_int(hem_gen_close(&h), 0);
    check_int(hem_gen_throw(&h, HEM_EIO, NULL), 0);
    return 0;
}

VIRTUAL_TEST(only_errors_can_be_thrown)
{
    HEM_GEN(g, answer, NULL);
    check_int(hem_gen_throw(&g, 0, NULL), HEM_EINVAL);
    check_int(next_int(&g), 1);
    check_int(hem_gen_throw(&g, 5, NULL), HEM_EINVAL);
    check_int(next_int(&g), 2);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(it_gives_values_one_by_one_and_ends),
        LEDGER_TEST(the_value_is_not_touched_at_the_end_nor_needed),
        LEDGER_TEST(nothing_runs_and_no_memory_is_taken_before_the_first_step),
        LEDGER_TEST(the_error_of_its_body_ends_it_and_comes_with_its_record),
        LEDGER_TEST(what_its_body_returns_is_no_value),
        LEDGER_TEST(what_suspends_in_it_suspends_the_task),
        LEDGER_TEST(cancelling_the_task_interrupts_the_body),
        LEDGER_TEST(a_step_that_does_not_wait_is_no_point_of_cancellation),
        LEDGER_TEST(an_error_thrown_in_comes_out_of_the_yield),
        LEDGER_TEST(a_body_may_end_at_an_error_thrown_in),
        LEDGER_TEST(thrown_into_one_that_has_not_begun_it_comes_straight_out),
        LEDGER_TEST(thrown_into_one_that_has_ended_it_is_dropped),
        LEDGER_TEST(only_errors_can_be_thrown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Many at once, and many one after the other: all of it is linear. */
#include "support.h"

static int sleep_long(void *arg)
{
    ++*(size_t *)arg;
    return hem_sleep(HEM_SEC);
}

VIRTUAL_TEST(a_hundred_thousand_tasks_are_cancelled_at_once)
{
    size_t n = scaled(100000), begun = 0;
    for (int round = 0; round < 5; round++) {
        HEM_SCOPE(s);
        for (size_t i = 0; i < n; i++)
            check_int(hem_scope_spawn(&s, NULL, sleep_long, &begun), 0);
        if (round % 2) /* the others never begin */
            check_int(hem_sleep(1), 0);
        hem_scope_abort(&s, "storm");
        check_int(hem_scope_close(&s, 0), 0);
    }
    check_int(begun, 2 * n);
    check(hem_now() < HEM_SEC);
    return 0;
}

static int leave_sleeping(void *arg)
{
    for (size_t i = 0; i < scaled(100000); i++)
        HEM_TRY(hem_spawn(NULL, sleep_long, arg));
    return hem_sleep(1);
}

static void the_end_of_a_run_cancels_a_hundred_thousand(void **state)
{
    (void)state;
    size_t begun = 0;
    assert_int_equal(run_virtual(leave_sleeping, &begun), 0);
    assert_int_equal(begun, scaled(100000));
}

static int count(void *arg)
{
    ++*(size_t *)arg;
    return 0;
}

VIRTUAL_TEST(a_million_children_of_one_scope_one_after_the_other)
{
    size_t n = scaled(1000000), counted = 0, before = 0;
    HEM_SCOPE(s);
    for (size_t i = 0; i < n; i++) {
        if (i == n / 10)
            before = ledger_live();
        check_int(hem_scope_spawn(&s, NULL, count, &counted), 0);
        check_int(hem_yield(), 0);
    }
    check_int(hem_scope_close(&s, 0), 0);
    check_int(counted, n);
    check(ledger_live() <= before + 8);
    return 0;
}

VIRTUAL_TEST(a_million_handles_that_are_forgotten)
{
    size_t n = scaled(1000000), counted = 0, before = 0;
    HEM_SCOPE(s);
    for (size_t i = 0; i < n; i++) {
        if (i == n / 10)
            before = ledger_live();
        hem_task *t;
        check_int(hem_scope_spawn(&s, &t, count, &counted), 0);
        check_int(hem_await(t), 0);
        hem_task_forget(t);
    }
    check_int(hem_scope_close(&s, 0), 0);
    check_int(counted, n);
    check(ledger_live() <= before + 8);
    return 0;
}

static int nest_scopes(void *arg)
{
    size_t *left = arg;
    if (--*left == 0)
        return 0;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, nest_scopes, left));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(scopes_in_children_of_scopes_a_hundred_thousand_deep)
{
    size_t left = scaled(100000);
    check_int(nest_scopes(&left), 0);
    check_int(left, 0);
    return 0;
}

static int nest_and_sleep(void *arg)
{
    size_t *left = arg;
    if (--*left == 0)
        return hem_sleep(HEM_SEC);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, nest_and_sleep, left));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_request_goes_down_through_all_of_them)
{
    size_t left = scaled(100000);
    hem_task *t;
    check_int(hem_spawn(&t, nest_and_sleep, &left), 0);
    check_int(hem_sleep(1), 0);
    check_int(left, 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 1);
    return 0;
}

VIRTUAL_TEST(ten_thousand_scopes_of_one_task)
{
    size_t n = scaled(1000000) / 100;
    hem_scope *s = calloc(n, sizeof(*s));
    for (size_t i = 0; i < n; i++)
        check_int(
            hem_scope_open(&s[i], &(hem_scope_options){.timeout = HEM_SEC}), 0);
    size_t begun = 0;
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&s[i], NULL, sleep_long, &begun), 0);
    check_int(hem_sleep(1), 0);
    check_int(begun, n);
    for (size_t i = n; i-- > 0;)
        check_int(hem_scope_close(&s[i], HEM_EIO), HEM_EIO);
    free(s);
    return 0;
}

static void do_nothing(void *arg)
{
    ++*(size_t *)arg;
}

VIRTUAL_TEST(a_million_timers_most_of_them_cancelled)
{
    size_t n = scaled(1000000), fired = 0;
    hem_callback *c = calloc(n, sizeof(*c));
    for (size_t i = 0; i < n; i++) {
        hem_callback_init(&c[i], do_nothing, &fired);
        check_int(hem_call_later(&c[i], (hem_ns)(i * 7919 % n + 1)), 0);
    }
    for (size_t i = 0; i < n; i++) {
        if (i % 10 != 0)
            check(hem_callback_cancel(&c[i]));
    }
    check_int(hem_sleep((hem_ns)n + 1), 0);
    check_int(fired, n / 10);
    free(c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_hundred_thousand_tasks_are_cancelled_at_once),
        LEDGER_TEST(the_end_of_a_run_cancels_a_hundred_thousand),
        LEDGER_TEST(a_million_children_of_one_scope_one_after_the_other),
        LEDGER_TEST(a_million_handles_that_are_forgotten),
        LEDGER_TEST(scopes_in_children_of_scopes_a_hundred_thousand_deep),
        LEDGER_TEST(a_request_goes_down_through_all_of_them),
        LEDGER_TEST(ten_thousand_scopes_of_one_task),
        LEDGER_TEST(a_million_timers_most_of_them_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

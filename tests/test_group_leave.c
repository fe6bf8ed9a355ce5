/* SPDX-License-Identifier: MIT */
/* Task groups that are left early. */
#include "support.h"

#include "children.h"

/* Left early. */

static int leave_by_try(void)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn(&s, NULL, fail_soon, NULL));
    HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY(hem_sleep(HEM_SEC));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_group_left_early_is_closed_and_says_what_is_lost)
{
    check_int(leave_by_try(), HEM_ECANCELED);
    check_logged("task \"main\"");
    check_int(hem_now(), 15);
    check_calm();
    return 0;
}

static int leave_by_try_in(void)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY_IN(&s, hem_scope_spawn(&s, NULL, fail_soon, NULL));
    HEM_TRY_IN(&s, hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY_IN(&s, hem_sleep(HEM_SEC));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_group_left_by_try_in_tells_why)
{
    check_int(leave_by_try_in(), HEM_EGROUP);
    check_int(hem_failure()->count, 1);
    check_int(hem_failure()->errors[0]->code, HEM_EIO);
    check_int(hem_now(), 15);
    check_calm();
    return 0;
}

static int count_calls(int *calls)
{
    ++*calls;
    return 5;
}

static int try_in_once(int *calls)
{
    HEM_SCOPE(s);
    HEM_TRY_IN(&s, count_calls(calls));
    HEM_TRY_IN(&s, (ssize_t)count_calls(calls));
    return hem_scope_close(&s, *calls);
}

VIRTUAL_TEST(try_in_evaluates_once_and_goes_on_unless_it_fails)
{
    int calls = 0;
    check_int(try_in_once(&calls), 2);
    check_int(calls, 2);
    return 0;
}

static int leave_unfailed(void)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY(hem_sleep(1));
    return 7;
}

VIRTUAL_TEST(a_group_left_early_without_errors_says_nothing)
{
    check_int(leave_unfailed(), 7);
    check_int(hem_now(), 11);
    check_calm();
    return 0;
}

static int leave_timed(void)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP, .timeout = 10);
    HEM_TRY(hem_sleep(HEM_SEC));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_group_left_early_takes_the_request_of_its_timeout_back)
{
    check_int(leave_timed(), HEM_ECANCELED);
    check_calm();
    return 0;
}

static int leave_interrupted(void *arg)
{
    (void)arg;
    check_int(leave_unfailed(), 7);
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "stop");
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_request_while_a_group_is_left_is_not_lost)
{
    hem_task *t;
    check_int(hem_spawn(&t, leave_interrupted, NULL), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, "stop"));
    check_int(hem_await(t), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_group_left_early_is_closed_and_says_what_is_lost),
        LEDGER_TEST(a_group_left_by_try_in_tells_why),
        LEDGER_TEST(try_in_evaluates_once_and_goes_on_unless_it_fails),
        LEDGER_TEST(a_group_left_early_without_errors_says_nothing),
        LEDGER_TEST(a_group_left_early_takes_the_request_of_its_timeout_back),
        LEDGER_TEST(a_request_while_a_group_is_left_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

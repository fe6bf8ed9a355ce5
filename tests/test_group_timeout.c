/* SPDX-License-Identifier: MIT */
/* Task groups: timeouts. */
#include "support.h"

#include "children.h"

/* Timeouts. */

static const hem_scope_options timed = {.kind = HEM_TASKGROUP, .timeout = 10};

VIRTUAL_TEST(a_timeout_interrupts_the_body_and_is_taken_back)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &timed), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_str(hem_task_reason(hem_self()), "timeout");
    check(hem_scope_expired(&s));
    check_int(hem_scope_close(&s, rc), HEM_ETIMEDOUT);
    check_int(hem_now(), 20);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_timeout_interrupts_the_wait_for_the_children)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &timed), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_ETIMEDOUT);
    check_int(hem_now(), 20);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_timeout_that_moves_on_ends_well)
{
    hem_scope_options o = timed;
    o.move_on = true;
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check(hem_scope_expired(&s));
    check_int(hem_now(), 10);
    check_calm();
    return 0;
}

VIRTUAL_TEST(move_on_does_not_hide_errors)
{
    hem_scope_options o = timed;
    o.move_on = true;
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_as_cancelled, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_errors(&s, 1);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_group_that_has_errors_returns_those_in_spite_of_the_timeout)
{
    for (int in_body = 0; in_body < 2; in_body++) {
        hem_scope s;
        check_int(hem_scope_open(&s, &timed), 0);
        check_int(hem_scope_spawn(&s, NULL, fail_as_cancelled, NULL), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        int rc = in_body ? hem_sleep(HEM_SEC) : 0;
        check_int(hem_scope_close(&s, rc), HEM_EGROUP);
        check(hem_scope_expired(&s));
        check_errors(&s, 1);
        check_calm();
    }
    return 0;
}

VIRTUAL_TEST(a_timeout_after_the_failure_changes_nothing)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &timed), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_now(), 15);
    check(hem_scope_expired(&s));
    check_errors(&s, 1);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_body_that_handles_the_timeout_ends_as_it_likes)
{
    static const int results[] = {0, 4};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_scope s;
        check_int(hem_scope_open(&s, &timed), 0);
        check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
        check_int(hem_scope_close(&s, results[i]), results[i]);
        check(hem_scope_expired(&s));
        check_calm();
    }
    return 0;
}

VIRTUAL_TEST(a_timeout_that_does_not_fire_is_disarmed)
{
    hem_scope s;
    hem_ns d = 9;
    check_int(hem_scope_open(&s, &timed), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_close(&s, 2), 2);
    check(!hem_scope_expired(&s));
    check_int(hem_sleep(100), 0);
    return 0;
}

static int own_timed(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &timed), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    *(int *)arg = hem_scope_close(&s, 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_yield();
}

VIRTUAL_TEST(an_owner_that_is_cancelled_and_times_out_is_cancelled)
{
    hem_task *owner;
    int rc = 0;
    check_int(hem_spawn(&owner, own_timed, &rc), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(owner, "stop"));
    check_int(hem_await(owner), 0);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 15);
    return 0;
}

VIRTUAL_TEST(nested_timeouts_that_fire_together_are_told_apart)
{
    hem_scope outer, inner;
    check_int(hem_scope_open(&outer, &timed), 0);
    check_int(hem_scope_open(&inner, &timed), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(hem_task_cancelling(hem_self()), 2);
    /* As in asyncio: the inner one cannot tell who else asked. */
    rc = hem_scope_close(&inner, rc);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_scope_close(&outer, rc), HEM_ETIMEDOUT);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_negative_timeout_fires_at_the_first_wait)
{
    hem_scope s;
    hem_scope_options o = {.kind = HEM_TASKGROUP, .timeout = -1};
    check_int(hem_scope_open(&s, &o), 0);
    int rc = hem_sleep(5);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 0);
    check_int(hem_scope_close(&s, rc), HEM_ETIMEDOUT);
    check_calm();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_timeout_interrupts_the_body_and_is_taken_back),
        LEDGER_TEST(a_timeout_interrupts_the_wait_for_the_children),
        LEDGER_TEST(a_timeout_that_moves_on_ends_well),
        LEDGER_TEST(move_on_does_not_hide_errors),
        LEDGER_TEST(
            a_group_that_has_errors_returns_those_in_spite_of_the_timeout),
        LEDGER_TEST(a_timeout_after_the_failure_changes_nothing),
        LEDGER_TEST(a_body_that_handles_the_timeout_ends_as_it_likes),
        LEDGER_TEST(a_timeout_that_does_not_fire_is_disarmed),
        LEDGER_TEST(an_owner_that_is_cancelled_and_times_out_is_cancelled),
        LEDGER_TEST(nested_timeouts_that_fire_together_are_told_apart),
        LEDGER_TEST(a_negative_timeout_fires_at_the_first_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

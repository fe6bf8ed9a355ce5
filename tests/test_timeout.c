/* SPDX-License-Identifier: MIT */
/* Timeouts: deadlines of blocks of code. */
#include "support.h"

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

VIRTUAL_TEST(a_timeout_turns_its_own_cancellation_into_etimedout)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    check_int(hem_timeout_when(&t), 10);
    check(!hem_timeout_expired(&t));
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_str(hem_task_reason(hem_self()), NULL);
    check(hem_timeout_expired(&t));
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check(hem_timeout_expired(&t));
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_timeout_that_does_not_expire_changes_nothing)
{
    static const int results[] = {0, 7, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_timeout t;
        check_int(hem_timeout_open(&t, 10), 0);
        check_int(hem_sleep(9), 0);
        check_int(hem_timeout_close(&t, results[i]), results[i]);
        check(!hem_timeout_expired(&t));
        check_int(hem_sleep(100), 0);
    }
    return 0;
}

VIRTUAL_TEST(how_the_body_handled_the_cancellation_is_returned)
{
    static const int results[] = {0, 7, HEM_EIO, HEM_ETIMEDOUT};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_timeout t;
        check_int(hem_timeout_open(&t, 10), 0);
        check_int(hem_sleep(20), HEM_ECANCELED);
        check_int(hem_sleep(5), 0);
        check_int(hem_timeout_close(&t, results[i]), results[i]);
        check(hem_timeout_expired(&t));
        check_int(hem_task_cancelling(hem_self()), 0);
    }
    return 0;
}

VIRTUAL_TEST(a_deadline_that_has_passed_interrupts_the_first_wait)
{
    static const hem_ns d[] = {0, -1, -HEM_SEC, INT64_MIN};
    check_int(hem_sleep(HEM_MSEC), 0);
    for (size_t i = 0; i < COUNT_OF(d); i++) {
        hem_timeout t;
        check_int(hem_timeout_open(&t, d[i]), 0);
        check(!hem_timeout_expired(&t));
        int rc = hem_sleep(HEM_SEC);
        check_int(rc, HEM_ECANCELED);
        check_int(hem_now(), HEM_MSEC);
        check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    }
    return 0;
}

VIRTUAL_TEST(a_deadline_that_has_passed_does_nothing_to_who_does_not_wait)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 0), 0);
    check_int(hem_timeout_close(&t, 3), 3);
    check(!hem_timeout_expired(&t));
    check_int(hem_sleep(1), 0);
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

VIRTUAL_TEST(open_at_takes_a_point_in_time)
{
    hem_timeout t;
    check_int(hem_sleep(50), 0);
    check_int(hem_timeout_open_at(&t, 60), 0);
    check_int(hem_timeout_when(&t), 60);
    int rc = hem_sleep(HEM_SEC);
    check_int(hem_now(), 60);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check_int(hem_timeout_open_at(&t, 10), 0);
    rc = hem_sleep(HEM_SEC);
    check_int(hem_now(), 60);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    return 0;
}

VIRTUAL_TEST(a_timeout_without_deadline_never_expires)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, HEM_NEVER), 0);
    check_int(hem_timeout_when(&t), HEM_NEVER);
    check_int(hem_sleep(1000000 * HEM_SEC), 0);
    check_int(hem_timeout_close(&t, 0), 0);
    check_int(hem_timeout_open(&t, HEM_NEVER - 1), 0); /* beyond the end */
    check_int(hem_timeout_when(&t), HEM_NEVER);
    check_int(hem_timeout_close(&t, 0), 0);
    return 0;
}

VIRTUAL_TEST(reschedule_moves_the_deadline)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    check_int(hem_timeout_reschedule(&t, 30), 0); /* later */
    check_int(hem_timeout_when(&t), 30);
    check_int(hem_sleep(20), 0);
    check_int(hem_timeout_reschedule(&t, 25), 0); /* earlier */
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 25);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    return 0;
}

VIRTUAL_TEST(reschedule_takes_a_deadline_away_and_gives_one)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    check_int(hem_timeout_reschedule(&t, HEM_NEVER), 0);
    check_int(hem_timeout_when(&t), HEM_NEVER);
    check_int(hem_sleep(20), 0);
    check_int(hem_timeout_reschedule(&t, 5), 0); /* has passed */
    check_int(hem_timeout_when(&t), 5);
    check_int(hem_timeout_reschedule(&t, 40), 0); /* not yet noticed */
    check_int(hem_sleep(10), 0);
    check_int(hem_timeout_reschedule(&t, 5), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(hem_now(), 30);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    return 0;
}

VIRTUAL_TEST(reschedule_is_refused_once_it_has_expired_or_is_closed)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(hem_timeout_reschedule(&t, 100), HEM_EREFUSED);
    check_int(hem_timeout_when(&t), 10);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check_int(hem_timeout_reschedule(&t, 100), HEM_EREFUSED);
    check_int(hem_timeout_open(&t, 10), 0);
    check_int(hem_timeout_close(&t, 0), 0);
    check_int(hem_timeout_reschedule(&t, 100), HEM_EREFUSED);
    return 0;
}

VIRTUAL_TEST(close_of_a_timeout_that_is_not_open_is_misuse)
{
    hem_timeout t = {0};
    check_int(hem_timeout_close(&t, 0), HEM_EMISUSE);
    check_int(hem_timeout_open(&t, 10), 0);
    check_int(hem_timeout_close(&t, 1), 1);
    check_int(hem_timeout_close(&t, 1), HEM_EMISUSE);
    return 0;
}

static int time_out(void *arg)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    int rc = hem_sleep(*(hem_ns *)arg);
    return hem_timeout_close(&t, rc);
}

VIRTUAL_TEST(a_request_from_outside_is_no_timeout)
{
    hem_ns d = 100;
    hem_task *t;
    check_int(hem_spawn(&t, time_out, &d), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 5);
    return 0;
}

static int clean_up_too_long(void *arg)
{
    (void)arg;
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    int rc = hem_sleep(100);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_int(hem_sleep(100), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_int(hem_task_cancelling(hem_self()), 2);
    rc = hem_timeout_close(&t, rc);
    check_int(hem_task_cancelling(hem_self()), 1);
    return rc;
}

VIRTUAL_TEST(a_request_from_outside_outweighs_the_timeout)
{
    hem_task *t;
    check_int(hem_spawn(&t, clean_up_too_long, NULL), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 10);
    return 0;
}

VIRTUAL_TEST(a_request_from_before_the_opening_does_not)
{
    hem_timeout t;
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_timeout_open(&t, 10), 0);
    int rc = hem_sleep(100);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check_int(hem_task_cancelling(hem_self()), 1);
    return 0;
}

VIRTUAL_TEST(an_inner_timeout_that_expires_first_is_caught_inside)
{
    hem_timeout outer, inner;
    check_int(hem_timeout_open(&outer, 20), 0);
    check_int(hem_timeout_open(&inner, 10), 0);
    int rc = hem_sleep(100);
    check_int(hem_timeout_close(&inner, rc), HEM_ETIMEDOUT);
    check_int(hem_now(), 10);
    rc = hem_sleep(100);
    check_int(hem_now(), 20);
    check_int(hem_timeout_close(&outer, rc), HEM_ETIMEDOUT);
    return 0;
}

VIRTUAL_TEST(an_outer_timeout_that_expires_first_passes_through)
{
    hem_timeout outer, inner;
    check_int(hem_timeout_open(&outer, 10), 0);
    check_int(hem_timeout_open(&inner, 20), 0);
    int rc = hem_sleep(100);
    check_int(hem_now(), 10);
    rc = hem_timeout_close(&inner, rc);
    check_int(rc, HEM_ECANCELED);
    check(!hem_timeout_expired(&inner));
    check_int(hem_timeout_close(&outer, rc), HEM_ETIMEDOUT);
    return 0;
}

/* The inner one sees that there is a request besides its own. */
VIRTUAL_TEST(of_timeouts_that_expire_together_the_outermost_reports)
{
    hem_timeout t[4];
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_timeout_open_at(&t[i], 10), 0);
    int rc = hem_sleep(100);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_int(hem_task_cancelling(hem_self()), COUNT_OF(t));
    for (size_t i = COUNT_OF(t); i-- > 0;) {
        check(hem_timeout_expired(&t[i]));
        rc = hem_timeout_close(&t[i], rc);
        check_int(rc, i == 0 ? HEM_ETIMEDOUT : HEM_ECANCELED);
        check_int(hem_task_cancelling(hem_self()), i);
    }
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_timeout_reaches_the_task_that_is_awaited)
{
    hem_timeout t;
    hem_task *target;
    check_int(hem_spawn(&target, sleep_long, NULL), 0);
    check_int(hem_timeout_open(&t, 10), 0);
    int rc = hem_await(target);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check(hem_task_cancelled(target));
    return 0;
}

static int move_deadline(void *arg)
{
    HEM_TRY(hem_sleep(5));
    return hem_timeout_reschedule(arg, 50);
}

VIRTUAL_TEST(another_task_may_reschedule)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    check_int(hem_spawn(NULL, move_deadline, &t), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(hem_now(), 50);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    return 0;
}

VIRTUAL_TEST(a_timeout_that_lacks_memory_is_not_open)
{
    enum { MAX = 1000 };
    static hem_timeout t[MAX];
    size_t n = 0;
    ledger_fail_from(1);
    int rc;
    while ((rc = hem_timeout_open(&t[n], 10)) == 0 && check(n < MAX - 1))
        n++;
    check_int(rc, HEM_ENOMEM);
    check_int(hem_timeout_close(&(hem_timeout){0}, 0), HEM_EMISUSE);
    check_int(hem_timeout_reschedule(&t[0], 5), 0); /* needs none */
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_now(), 5);
    while (n-- > 0)
        check_int(hem_timeout_close(&t[n], 0), 0);
    ledger_fail_from(0);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_timeout_cancels_for_the_reason_it_was_given)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, 5), 0);
    hem_timeout_set_reason(&t, "late");
    int rc = hem_sleep(10);
    check_int(rc, HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "late");
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check_int(hem_timeout_open(&t, 5), 0); /* it begins without one */
    check_int(hem_sleep(10), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), NULL);
    check_int(hem_timeout_close(&t, HEM_ECANCELED), HEM_ETIMEDOUT);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_timeout_cancels_for_the_reason_it_was_given),
        LEDGER_TEST(a_timeout_turns_its_own_cancellation_into_etimedout),
        LEDGER_TEST(a_timeout_that_does_not_expire_changes_nothing),
        LEDGER_TEST(how_the_body_handled_the_cancellation_is_returned),
        LEDGER_TEST(a_deadline_that_has_passed_interrupts_the_first_wait),
        LEDGER_TEST(
            a_deadline_that_has_passed_does_nothing_to_who_does_not_wait),
        LEDGER_TEST(open_at_takes_a_point_in_time),
        LEDGER_TEST(a_timeout_without_deadline_never_expires),
        LEDGER_TEST(reschedule_moves_the_deadline),
        LEDGER_TEST(reschedule_takes_a_deadline_away_and_gives_one),
        LEDGER_TEST(reschedule_is_refused_once_it_has_expired_or_is_closed),
        LEDGER_TEST(close_of_a_timeout_that_is_not_open_is_misuse),
        LEDGER_TEST(a_request_from_outside_is_no_timeout),
        LEDGER_TEST(a_request_from_outside_outweighs_the_timeout),
        LEDGER_TEST(a_request_from_before_the_opening_does_not),
        LEDGER_TEST(an_inner_timeout_that_expires_first_is_caught_inside),
        LEDGER_TEST(an_outer_timeout_that_expires_first_passes_through),
        LEDGER_TEST(of_timeouts_that_expire_together_the_outermost_reports),
        LEDGER_TEST(a_timeout_reaches_the_task_that_is_awaited),
        LEDGER_TEST(another_task_may_reschedule),
        LEDGER_TEST(a_timeout_that_lacks_memory_is_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

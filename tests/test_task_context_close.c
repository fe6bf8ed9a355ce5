/* SPDX-License-Identifier: MIT */
/* Task contexts: how closing ends. */
#include "support.h"

#include "children.h"

static const hem_scope_options context = {.kind = HEM_TASKCONTEXT};

/* Fails as it is cancelled. */
static int fail_cleaning_up(void *arg)
{
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return hem_fail(HEM_EPIPE, "%s", arg ? (const char *)arg : "late");
}

static int swallow(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return 4;
}

static int swallow_and_uncancel(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 4;
}

/* Open a context with `n` children of `fn`, which have begun. */
static void open_with(hem_scope *s, hem_fn *fn, int n)
{
    check_int(hem_scope_open(s, &context), 0);
    while (n-- > 0)
        check_int(hem_scope_spawn(s, NULL, fn, NULL), 0);
    check_int(hem_sleep(1), 0);
}

/* How closing ends. */

VIRTUAL_TEST(a_child_that_fails_on_the_way_makes_a_group)
{
    hem_scope s;
    open_with(&s, sleep_long, 2);
    check_int(hem_scope_spawn(&s, NULL, fail_cleaning_up, "no space"), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    const hem_error *e = hem_scope_errors(&s);
    check(e == hem_failure());
    check_int(e->count, 1);
    check_int(e->errors[0]->code, HEM_EPIPE);
    check_str(e->errors[0]->message, "no space");
    return 0;
}

VIRTUAL_TEST(a_child_that_swallows_its_cancellation_makes_a_group)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, NULL, swallow, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->count, 1);
    check_int(e->errors[0]->code, HEM_ESWALLOWED);
    check_str(e->errors[0]->task, "swallow");
    check_str(e->errors[0]->message, hem_strerror(HEM_ESWALLOWED));
    return 0;
}

VIRTUAL_TEST(a_child_that_takes_it_back_does_not)
{
    hem_scope s;
    open_with(&s, swallow_and_uncancel, 2);
    check_int(hem_scope_close(&s, 3), 3);
    return 0;
}

VIRTUAL_TEST(a_group_outweighs_the_error_of_the_body)
{
    hem_scope s;
    open_with(&s, swallow, 1);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->count, 1);
    return 0;
}

VIRTUAL_TEST(all_that_failed_are_in_the_group)
{
    hem_scope s;
    open_with(&s, swallow, 2);
    for (int i = 0; i < 3; i++)
        check_int(hem_scope_spawn(&s, NULL, fail_cleaning_up, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, swallow_and_uncancel, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_now(), 12);
    for (int i = 0; i < 3; i++)
        check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    check_int(hem_scope_errors(&s)->count, 5);
    return 0;
}

static void cancel_it(void *arg)
{
    check(hem_task_cancel(arg, "by another"));
}

/* Wants one request more. */
static int end_at_the_second_request(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return hem_sleep(HEM_SEC);
}

VIRTUAL_TEST(a_child_that_is_cancelled_once_more_makes_it_cancelled)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, &t, end_at_the_second_request, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, swallow, NULL), 0);
    check_int(hem_sleep(1), 0);
    hem_callback cb;
    hem_callback_init(&cb, cancel_it, t);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 6);
    check(hem_scope_errors(&s) == NULL);
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(requests_from_before_do_not)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, &t, end_at_the_second_request, NULL), 0);
    check_int(hem_sleep(1), 0);
    cancel_it(t);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 2);
    return 0;
}

static int close_waiting(void *arg)
{
    hem_scope s;
    open_with(&s, end_at_the_second_request, 2);
    check_int(hem_scope_spawn(&s, NULL, swallow, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, *(int *)arg), HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_str(hem_task_reason(hem_self()), "by another");
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_yield();
}

VIRTUAL_TEST(who_is_cancelled_while_closing_cancels_the_children_again)
{
    int rc = 0;
    hem_task *t;
    check_int(hem_spawn(&t, close_waiting, &rc), 0);
    check_int(hem_sleep(5), 0);
    cancel_it(t);
    check_int(hem_await(t), 0);
    return 0;
}

VIRTUAL_TEST(a_pending_request_is_raised_and_no_child_is_left_behind)
{
    hem_scope s;
    open_with(&s, end_slowly, 2);
    cancel_it(hem_self());
    check_int(hem_scope_aclose(&s), HEM_ECANCELED);
    check_int(hem_now(), 1);
    check_int(hem_scope_children(&s), 2); /* which were not cancelled */
    check_int(hem_sleep(1), 0);
    cancel_it(hem_self());
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 12);
    check_int(hem_task_cancelling(hem_self()), 2);
    check_int(hem_yield(), 0);
    return 0;
}

static int swallow_slowly(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_sleep(10), 0);
    return 4;
}

VIRTUAL_TEST(closing_what_was_aborted_does_not_cancel_twice)
{
    hem_scope s;
    open_with(&s, end_slowly, 2);
    hem_scope_abort(&s, "enough");
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_now(), 11);
    check_int(hem_scope_close(&s, 0), 0);

    open_with(&s, swallow_slowly, 1);
    hem_scope_abort(&s, "enough");
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->errors[0]->code, HEM_ESWALLOWED);
    return 0;
}

VIRTUAL_TEST(one_that_is_cancelled_once_more_after_an_abort_makes_it_cancelled)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, &t, end_at_the_second_request, NULL), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "enough");
    hem_callback cb;
    hem_callback_init(&cb, cancel_it, t);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 6);
    return 0;
}

/* Needs 10 to clean up, unless it is cancelled again. */
static int clean_up(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_SEC);
    (void)!hem_sleep(10);
    return rc;
}

static int leave_block(void)
{
    HEM_SCOPE(s, .kind = HEM_TASKCONTEXT);
    HEM_TRY(hem_scope_spawn(&s, NULL, clean_up, NULL));
    HEM_TRY(hem_sleep(1));
    return 7;
}

static int leave_interrupted(void *arg)
{
    (void)arg;
    check_int(leave_block(), 7);
    check_int(hem_now(), 5); /* it passed the request on */
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "by another");
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(leaving_a_block_cancels_the_children_once)
{
    check_int(leave_block(), 7);
    check_int(hem_now(), 11);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_request_while_a_block_is_left_is_not_lost)
{
    hem_task *t;
    check_int(hem_spawn(&t, leave_interrupted, NULL), 0);
    check_int(hem_sleep(5), 0);
    cancel_it(t);
    check_int(hem_await(t), 0);
    return 0;
}

static int leave_block_cancelled(void *arg)
{
    HEM_SCOPE(s, .kind = HEM_TASKCONTEXT);
    HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY(hem_sleep(1));
    cancel_it(arg);
    return 7;
}

VIRTUAL_TEST(nor_is_one_from_just_before)
{
    check_int(leave_block_cancelled(hem_self()), 7);
    check_int(hem_now(), 11);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(aclose_tells_once)
{
    hem_scope s;
    open_with(&s, swallow, 1);
    check_int(hem_scope_aclose(&s), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->count, 1);
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_scope_close(&s, 6), 6);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_child_that_fails_on_the_way_makes_a_group),
        LEDGER_TEST(a_child_that_swallows_its_cancellation_makes_a_group),
        LEDGER_TEST(a_child_that_takes_it_back_does_not),
        LEDGER_TEST(a_group_outweighs_the_error_of_the_body),
        LEDGER_TEST(all_that_failed_are_in_the_group),
        LEDGER_TEST(a_child_that_is_cancelled_once_more_makes_it_cancelled),
        LEDGER_TEST(requests_from_before_do_not),
        LEDGER_TEST(who_is_cancelled_while_closing_cancels_the_children_again),
        LEDGER_TEST(a_pending_request_is_raised_and_no_child_is_left_behind),
        LEDGER_TEST(closing_what_was_aborted_does_not_cancel_twice),
        LEDGER_TEST(
            one_that_is_cancelled_once_more_after_an_abort_makes_it_cancelled),
        LEDGER_TEST(leaving_a_block_cancels_the_children_once),
        LEDGER_TEST(a_request_while_a_block_is_left_is_not_lost),
        LEDGER_TEST(nor_is_one_from_just_before),
        LEDGER_TEST(aclose_tells_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Leaving scopes: failed bodies, cancelled owners, aborts, aclose. */
#include "support.h"

static int sleep_for(void *arg)
{
    return hem_sleep(*(hem_ns *)arg);
}

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

/* Needs 10 to clean up once it is cancelled. */
static int end_slowly(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_SEC);
    check_int(hem_sleep(10), 0);
    return rc;
}

VIRTUAL_TEST(close_with_an_error_cancels_the_children_and_waits_for_them)
{
    static const int errors[] = {HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        hem_ns start = hem_now();
        hem_scope s;
        hem_task *t, *unborn;
        check_int(hem_scope_open(&s, NULL), 0);
        check_int(hem_scope_spawn(&s, &t, end_slowly, NULL), 0);
        check_int(hem_sleep(1), 0);
        check_int(hem_scope_spawn(&s, &unborn, sleep_long, NULL), 0);
        check_int(hem_scope_close(&s, errors[i]), errors[i]);
        check_int(hem_now(), start + 11);
    }
    return 0;
}

static int end_told(void *arg)
{
    int rc = end_slowly(NULL);
    check_str(hem_task_reason(hem_self()), arg);
    return rc;
}

static int close_waiting(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_told, arg), 0);
    int rc = hem_scope_close(&s, 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_yield(), 0);
    return rc;
}

VIRTUAL_TEST(cancelling_an_owner_that_waits_cancels_the_children)
{
    hem_task *owner;
    check_int(hem_spawn(&owner, close_waiting, "stop"), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(owner, "stop"));
    check_int(hem_await(owner), HEM_ECANCELED);
    check_int(hem_now(), 11);
    return 0;
}

static int close_failed(void *arg)
{
    (void)arg;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_sleep(1), 0);
    int rc = hem_scope_close(&s, HEM_EIO);
    check_int(hem_now(), 11);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_yield(), 0);
    return rc;
}

VIRTUAL_TEST(a_request_during_the_wait_for_cancelled_children_is_swallowed)
{
    hem_task *owner;
    check_int(hem_spawn(&owner, close_failed, NULL), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(owner, "late"));
    check_int(hem_sleep(20), 0);
    check_int(hem_task_result(owner), HEM_EIO);
    return 0;
}

VIRTUAL_TEST(a_request_that_the_body_handled_comes_out_of_the_close)
{
    hem_ns d = 30;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_sleep(1), HEM_ECANCELED);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 30); /* the children were not cancelled */
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_request_that_the_body_took_back_does_not)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_sleep(1), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    check_int(hem_scope_close(&s, 5), 5);
    return 0;
}

VIRTUAL_TEST(a_request_from_before_the_opening_does_not)
{
    hem_scope s;
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_sleep(1), HEM_ECANCELED);
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    return 0;
}

VIRTUAL_TEST(a_pending_request_comes_out_of_the_close_and_of_the_next_wait)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(abort_cancels_the_children_once_and_refuses_new_ones)
{
    hem_scope s;
    hem_task *a, *b;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, &a, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&s, &b, end_slowly, NULL), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "enough");
    hem_scope_abort(&s, "again");
    check_int(hem_task_cancelling(b), 1);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_yield(), 0); /* the owner is not interrupted */
    check_int(hem_await(a), HEM_ECANCELED);
    check_str(hem_task_reason(a), "enough");
    check_int(hem_scope_close(&s, 3), 3);
    check_int(hem_now(), 11);
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

static void abort_it(void *arg)
{
    hem_scope_abort(arg, "callback");
}

VIRTUAL_TEST(abort_may_come_from_a_callback_while_the_owner_waits)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    hem_callback cb;
    hem_callback_init(&cb, abort_it, &s);
    check_int(hem_call_later(&cb, 10), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 10);
    hem_scope_abort(&s, "closed already");
    return 0;
}

VIRTUAL_TEST(aclose_by_the_owner_waits_and_leaves_a_request)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, end_slowly, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_now(), 11);
    check(hem_task_done(t));
    check_str(hem_task_reason(t), "closed");
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_scope_aclose(&s), HEM_EMISUSE);
    return 0;
}

static int own(void *arg)
{
    hem_scope *s = arg;
    check_int(hem_scope_open(s, NULL), 0);
    check_int(hem_scope_spawn(s, NULL, end_slowly, NULL), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 5);
    return hem_scope_close(s, rc);
}

static int aclose_it(void *arg)
{
    HEM_TRY(hem_sleep(5));
    return hem_scope_aclose(arg);
}

VIRTUAL_TEST(aclose_by_another_task_interrupts_the_body)
{
    static hem_scope s;
    hem_task *owner, *closer;
    check_int(hem_spawn(&owner, own, &s), 0);
    check_int(hem_spawn(&closer, aclose_it, &s), 0);
    check_int(hem_await(closer), 0);
    check_int(hem_now(), 15);
    check_int(hem_await(owner), HEM_ECANCELED);
    return 0;
}

/* Closes, in a frame that is gone afterwards. */
static int own_and_wait(void *arg)
{
    hem_scope **ret = arg;
    hem_scope s;
    *ret = &s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    int rc = hem_scope_close(&s, 0);
    memset(&s, 0xff, sizeof(s));
    __asm__ volatile("" : : "r"(&s) : "memory");
    return rc;
}

static int aclose_of(void *arg)
{
    HEM_TRY(hem_sleep(5));
    return hem_scope_aclose(*(hem_scope **)arg);
}

VIRTUAL_TEST(several_may_wait_for_the_children)
{
    hem_scope *s;
    hem_task *owner, *closers[3];
    check_int(hem_spawn(&owner, own_and_wait, &s), 0);
    for (size_t i = 0; i < COUNT_OF(closers); i++)
        check_int(hem_spawn(&closers[i], aclose_of, &s), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(closers[1], "no use"));
    check_int(hem_sleep(100), 0);
    check(hem_task_done(owner));
    check_int(hem_task_result(owner), 0);
    for (size_t i = 0; i < COUNT_OF(closers); i++)
        check_int(hem_task_result(closers[i]), 0);
    return 0;
}

/* Each of these leaves the block of a scope with a child in another way. */
static int leave_by_return(void)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY(hem_sleep(1));
    return 7;
}

static int leave_by_goto(void)
{
    {
        HEM_SCOPE(s, .name = "block");
        HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
        HEM_TRY(hem_sleep(1));
        goto out;
    }
out:
    return 7;
}

static int leave_by_break(void)
{
    for (;;) {
        HEM_SCOPE(s, .kind = HEM_SUPERVISOR, .timeout = HEM_SEC);
        HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
        HEM_TRY(hem_sleep(1));
        break;
    }
    return 7;
}

static int leave_at_the_end(void)
{
    {
        HEM_SCOPE(s);
        HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
        HEM_TRY(hem_sleep(1));
    }
    return 7;
}

static int leave_two_by_return(void)
{
    HEM_SCOPE(outer);
    HEM_SCOPE(inner);
    HEM_TRY(hem_scope_spawn(&outer, NULL, end_slowly, NULL));
    HEM_TRY(hem_scope_spawn(&inner, NULL, sleep_long, NULL));
    HEM_TRY(hem_sleep(1));
    return 7;
}

VIRTUAL_TEST(a_block_left_in_any_way_cancels_and_joins_the_children)
{
    static int (*const ways[])(void) = {leave_by_return, leave_by_goto,
                                        leave_by_break, leave_at_the_end,
                                        leave_two_by_return};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        hem_ns start = hem_now();
        check_int(ways[i](), 7);
        check_int(hem_now(), start + 11);
        check_int(hem_task_cancelling(hem_self()), 0);
    }
    return 0;
}

static int leave_interrupted(void *arg)
{
    (void)arg;
    check_int(leave_by_return(), 7);
    check_int(hem_now(), 11);
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "while leaving");
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_request_while_a_block_is_left_is_not_lost)
{
    hem_task *t;
    check_int(hem_spawn(&t, leave_interrupted, NULL), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, "while leaving"));
    check_int(hem_await(t), 0);
    return 0;
}

VIRTUAL_TEST(a_block_that_was_closed_is_not_closed_again)
{
    hem_ns d = 10;
    HEM_SCOPE(s);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 10);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            close_with_an_error_cancels_the_children_and_waits_for_them),
        LEDGER_TEST(cancelling_an_owner_that_waits_cancels_the_children),
        LEDGER_TEST(
            a_request_during_the_wait_for_cancelled_children_is_swallowed),
        LEDGER_TEST(a_request_that_the_body_handled_comes_out_of_the_close),
        LEDGER_TEST(a_request_that_the_body_took_back_does_not),
        LEDGER_TEST(a_request_from_before_the_opening_does_not),
        LEDGER_TEST(
            a_pending_request_comes_out_of_the_close_and_of_the_next_wait),
        LEDGER_TEST(abort_cancels_the_children_once_and_refuses_new_ones),
        LEDGER_TEST(abort_may_come_from_a_callback_while_the_owner_waits),
        LEDGER_TEST(aclose_by_the_owner_waits_and_leaves_a_request),
        LEDGER_TEST(aclose_by_another_task_interrupts_the_body),
        LEDGER_TEST(several_may_wait_for_the_children),
        LEDGER_TEST(a_block_left_in_any_way_cancels_and_joins_the_children),
        LEDGER_TEST(a_request_while_a_block_is_left_is_not_lost),
        LEDGER_TEST(a_block_that_was_closed_is_not_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

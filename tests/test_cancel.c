/* SPDX-License-Identifier: MIT */
/* Cancellation: an edge, with a count. */
#include "support.h"

static int unreachable(void *arg)
{
    (void)arg;
    check_never("this task runs");
    return 0;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

VIRTUAL_TEST(a_task_cancelled_before_its_first_step_never_runs)
{
    hem_task *t;
    check_int(hem_spawn(&t, unreachable, NULL), 0);
    check(hem_task_cancel(t, "too late"));
    check(!hem_task_done(t));
    check_int(hem_await(t), HEM_ECANCELED);
    check(hem_task_cancelled(t));
    check_int(hem_task_result(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "too late");
    return 0;
}

/* Catch one interruption and see how the next waits go. */
static int catch_one(void *arg)
{
    int *waits = arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_now(), 1);
    check_int(hem_task_cancelling(hem_self()), 1);
    for (; *waits > 0; --*waits)
        check_int(hem_sleep(1), 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    return 42;
}

VIRTUAL_TEST(a_request_interrupts_one_wait)
{
    int waits = 5;
    hem_task *t;
    check_int(hem_spawn(&t, catch_one, &waits), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_task_cancelling(t), 1);
    check_int(hem_await(t), 42);
    check(!hem_task_cancelled(t));
    check_int(waits, 0);
    return 0;
}

static int yield_twice(void *arg)
{
    (void)arg;
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_yield(), 0);
    return 0;
}

static void cancel_it(void *arg)
{
    check(hem_task_cancel(*(hem_task **)arg, "callback"));
}

VIRTUAL_TEST(a_callback_may_cancel)
{
    hem_task *t;
    hem_callback cb;
    hem_callback_init(&cb, cancel_it, &t);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_spawn(&t, sleep_long, NULL), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_str(hem_task_reason(t), "callback");
    return 0;
}

VIRTUAL_TEST(a_task_cancels_itself_at_its_next_wait)
{
    hem_task *self = hem_self();
    check(hem_task_cancel(self, "self"));
    check_int(hem_task_cancelling(self), 1);
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_str(hem_task_reason(self), "self");
    check_int(hem_now(), 0);
    check(hem_task_cancel(self, NULL));
    (void)yield_twice(NULL);
    check_int(hem_task_uncancel(self), 1);
    return 0;
}

static int return_with_request(void *arg)
{
    hem_task_cancel(hem_self(), "last");
    return *(int *)arg;
}

VIRTUAL_TEST(a_request_that_is_pending_at_the_return_cancels_the_task)
{
    int result = 3;
    hem_task *t;
    check_int(hem_spawn(&t, return_with_request, &result), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check(hem_task_cancelled(t));
    check_str(hem_task_reason(t), "last");
    return 0;
}

VIRTUAL_TEST(a_failure_is_not_hidden_by_a_pending_request)
{
    int result = HEM_EINVAL;
    hem_task *t;
    check_int(hem_spawn(&t, return_with_request, &result), 0);
    check_int(hem_await(t), HEM_EINVAL);
    check(!hem_task_cancelled(t));
    return 0;
}

static int return_it(void *arg)
{
    return *(int *)arg;
}

VIRTUAL_TEST(a_task_that_returns_ecanceled_is_cancelled)
{
    int result = HEM_ECANCELED;
    hem_task *t;
    check_int(hem_spawn(&t, return_it, &result), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check(hem_task_cancelled(t));
    check_int(hem_task_cancelling(t), 0);
    return 0;
}

VIRTUAL_TEST(a_task_that_has_ended_cannot_be_cancelled)
{
    int result = 1;
    hem_task *t;
    check_int(hem_spawn(&t, return_it, &result), 0);
    check_int(hem_await(t), 1);
    check(!hem_task_cancel(t, NULL));
    check_int(hem_task_cancelling(t), 0);
    check_int(hem_task_result(t), 1);
    return 0;
}

VIRTUAL_TEST(requests_are_counted)
{
    hem_task *self = hem_self();
    check_int(hem_task_cancelling(self), 0);
    check_int(hem_task_uncancel(self), 0);
    for (int i = 1; i <= 5; i++) {
        check(hem_task_cancel(self, NULL));
        check_int(hem_task_cancelling(self), i);
    }
    for (int i = 4; i >= 0; i--)
        check_int(hem_task_uncancel(self), i);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_request_not_yet_delivered_is_forgotten_when_the_count_is_zero)
{
    hem_task *self = hem_self();
    check(hem_task_cancel(self, NULL));
    check(hem_task_cancel(self, NULL));
    check_int(hem_task_uncancel(self), 1);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_yield(), 0);
    check(hem_task_cancel(self, NULL));
    check_int(hem_task_uncancel(self), 1);
    check_int(hem_task_uncancel(self), 0);
    check_int(hem_yield(), 0);
    return 0;
}

static int catch_reason(void *arg)
{
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), arg);
    check_int(hem_task_cancelling(hem_self()), 2);
    check_int(hem_sleep(1), 0);
    return 0;
}

VIRTUAL_TEST(two_requests_in_one_turn_interrupt_once_with_the_first_reason)
{
    hem_task *t;
    check_int(hem_spawn(&t, catch_reason, "one"), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t, "one"));
    check(hem_task_cancel(t, "two"));
    check_int(hem_await(t), 0);
    return 0;
}

VIRTUAL_TEST(two_requests_before_the_first_step_end_it_with_the_last_reason)
{
    hem_task *t;
    check_int(hem_spawn(&t, unreachable, NULL), 0);
    check(hem_task_cancel(t, "one"));
    check(hem_task_cancel(t, "two"));
    check_int(hem_task_cancelling(t), 2);
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "two");
    return 0;
}

static int wait_future(void *arg)
{
    check_int(hem_future_wait(arg), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "same turn");
    check_int(hem_yield(), 0);
    return 1;
}

VIRTUAL_TEST(a_request_in_the_turn_of_the_result_is_not_lost)
{
    hem_future f;
    hem_future_init(&f);
    hem_task *t;
    check_int(hem_spawn(&t, wait_future, &f), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_future_set_result(&f, 5), 0);
    check(hem_task_cancel(t, "same turn"));
    check_int(hem_await(t), 1);
    check_int(hem_future_result(&f), 5);
    return 0;
}

struct both {
    hem_task *waiter;
    hem_future *go;
};

/* Makes its waiter ready by ending, and cancels it before. */
static int end_and_cancel(void *arg)
{
    struct both *b = arg;
    check_int(hem_future_wait(b->go), 0);
    return 9;
}

static int await_cancelled(void *arg)
{
    check_int(hem_await(arg), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "late");
    return 1;
}

static void cancel_late(void *arg, int status)
{
    check_int(status, 9);
    check(hem_task_cancel(*(hem_task **)arg, "late"));
}

/* First in first out: the done callback comes before the waiter, which was
 * made ready in the same moment. */
FIFO_TEST(a_request_in_the_turn_of_the_end_of_a_task_is_not_lost)
{
    hem_future go;
    hem_future_init(&go);
    struct both b = {.go = &go};
    hem_task *t, *waiter;
    hem_done done;
    check_int(hem_spawn(&t, end_and_cancel, &b), 0);
    hem_task_on_done(t, &done, cancel_late, &waiter);
    check_int(hem_spawn(&waiter, await_cancelled, t), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_future_set_result(&go, 0), 0);
    check_int(hem_await(waiter), 1);
    check_int(hem_task_cancelling(t), 0);
    check_int(hem_task_result(t), 9);
    return 0;
}

VIRTUAL_TEST(cancelling_needs_no_memory)
{
    hem_task *t, *u;
    check_int(hem_spawn(&t, sleep_long, NULL), 0);
    check_int(hem_spawn(&u, unreachable, NULL), 0);
    ledger_fail_from(1);
    check(hem_task_cancel(u, NULL));
    check_int(hem_await(u), HEM_ECANCELED);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    ledger_fail_from(0);
    return 0;
}

static int give_up(void *arg)
{
    return hem_cancelled(arg);
}

VIRTUAL_TEST(a_task_may_end_as_cancelled_of_its_own_accord)
{
    hem_task *t;
    check_int(hem_spawn(&t, give_up, "nothing to do"), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check(hem_task_cancelled(t));
    check_int(hem_task_cancelling(t), 0);
    check_str(hem_task_reason(t), "nothing to do");
    check_str(hem_task_reason(hem_self()), "nothing to do");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_task_may_end_as_cancelled_of_its_own_accord),
        LEDGER_TEST(a_task_cancelled_before_its_first_step_never_runs),
        LEDGER_TEST(a_request_interrupts_one_wait),
        LEDGER_TEST(a_callback_may_cancel),
        LEDGER_TEST(a_task_cancels_itself_at_its_next_wait),
        LEDGER_TEST(a_request_that_is_pending_at_the_return_cancels_the_task),
        LEDGER_TEST(a_failure_is_not_hidden_by_a_pending_request),
        LEDGER_TEST(a_task_that_returns_ecanceled_is_cancelled),
        LEDGER_TEST(a_task_that_has_ended_cannot_be_cancelled),
        LEDGER_TEST(requests_are_counted),
        LEDGER_TEST(
            a_request_not_yet_delivered_is_forgotten_when_the_count_is_zero),
        LEDGER_TEST(
            two_requests_in_one_turn_interrupt_once_with_the_first_reason),
        LEDGER_TEST(
            two_requests_before_the_first_step_end_it_with_the_last_reason),
        LEDGER_TEST(a_request_in_the_turn_of_the_result_is_not_lost),
        LEDGER_TEST(a_request_in_the_turn_of_the_end_of_a_task_is_not_lost),
        LEDGER_TEST(cancelling_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

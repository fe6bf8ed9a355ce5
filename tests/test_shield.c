/* SPDX-License-Identifier: MIT */
/* Shields: requests to cancel are kept back, and delivered at the exit. */
#include "support.h"

static const hem_scope_options shielded = {.shield = true};
static const hem_scope_options shieldscope = {.kind = HEM_SHIELDSCOPE};

static int sleep_for(void *arg)
{
    return hem_sleep(*(hem_ns *)arg);
}

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

/* Cancel the task that a test runs in, in a moment of its body. */
static void cancel_now(void *arg)
{
    check(hem_task_cancel(arg, "kept back"));
}

static void cancel_self_at(hem_callback *cb, hem_ns when)
{
    hem_callback_init(cb, cancel_now, hem_self());
    check_int(hem_call_at(cb, when), 0);
}

/* The exit with a request that was kept back raises it twice. */
static void check_delivered(void)
{
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "kept back");
    check_int(hem_yield(), 0);
    check_int(hem_task_uncancel(hem_self()), 0);
}

VIRTUAL_TEST(a_shielded_body_is_not_interrupted)
{
    static const hem_scope_options *const kinds[] = {&shielded, &shieldscope};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope s;
        hem_callback cb;
        cancel_self_at(&cb, hem_now() + 5);
        check_int(hem_scope_open(&s, kinds[i]), 0);
        check_int(hem_task_cancelling(hem_self()), 0);
        check_int(hem_sleep(10), 0);
        check_int(hem_task_cancelling(hem_self()), 1);
        check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
        check_delivered();
    }
    return 0;
}

VIRTUAL_TEST(a_shield_without_children_works_alike)
{
    hem_scope s;
    hem_callback cb;
    cancel_self_at(&cb, 5);
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_shield_close(&s, 0), HEM_ECANCELED);
    check_delivered();
    check_int(hem_shield_close(&s, 0), HEM_EMISUSE);
    return 0;
}

VIRTUAL_TEST(a_failed_body_outweighs_what_was_kept_back)
{
    hem_scope s;
    hem_callback cb;
    cancel_self_at(&cb, 5);
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_shield_close(&s, HEM_EIO), HEM_EIO);
    check_delivered();
    cancel_self_at(&cb, 15);
    check_int(hem_scope_open(&s, &shielded), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EIO);
    check_delivered();
    return 0;
}

VIRTUAL_TEST(a_request_while_the_exit_waits_is_raised_by_the_next_wait_only)
{
    hem_ns d = 10;
    hem_scope s;
    hem_callback cb;
    cancel_self_at(&cb, 5);
    check_int(hem_scope_open(&s, &shieldscope), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 10); /* the child was not cancelled */
    check_delivered();
    return 0;
}

VIRTUAL_TEST(the_children_are_not_shielded)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &shieldscope), 0);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 1);
    return 0;
}

VIRTUAL_TEST(abort_works_in_spite_of_the_shield)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &shieldscope), 0);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    hem_scope_abort(&s, NULL);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(the_timeout_of_the_scope_works_in_spite_of_its_shield)
{
    hem_scope s;
    hem_scope_options o = {.kind = HEM_SHIELDSCOPE, .timeout = 10};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_scope_close(&s, 0), HEM_ETIMEDOUT);
    check_int(hem_now(), 10);

    check_int(hem_shield_open(&s, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check(hem_scope_expired(&s));
    check_int(hem_shield_close(&s, 0), HEM_ETIMEDOUT);
    check_int(hem_now(), 20);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(of_the_options_a_shield_takes_the_timeout_only)
{
    hem_scope s;
    hem_scope_options o = {
        .kind = HEM_SUPERVISOR, .timeout = 10, .move_on = true};
    check_int(hem_shield_open(&s, &o), 0);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_int(hem_shield_close(&s, 0), HEM_ETIMEDOUT);
    check_int(hem_yield(), HEM_ECANCELED);
    return 0;
}

VIRTUAL_TEST(a_shield_has_no_children)
{
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_scope_children(&s), 0);
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), HEM_EMISUSE);
    check_int(hem_shield_close(&s, 4), 4);
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_shield_close(&s, 0), HEM_EMISUSE);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(nested_shields_hand_a_request_outwards)
{
    hem_scope outer, middle, inner;
    hem_callback cb;
    cancel_self_at(&cb, 5);
    check_int(hem_scope_open(&outer, &shieldscope), 0);
    check_int(hem_scope_open(&middle, NULL), 0);
    check_int(hem_shield_open(&inner, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_shield_close(&inner, 8), 0); /* not raised, nor the 8 */
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_yield(), 0);
    check_int(hem_scope_close(&middle, 0), 0);
    check_int(hem_yield(), 0);
    check_int(hem_scope_close(&outer, 0), HEM_ECANCELED);
    check_delivered();
    return 0;
}

VIRTUAL_TEST(an_unshielded_scope_within_a_shield_ends_well)
{
    hem_scope outer, inner;
    check_int(hem_scope_open(&outer, &shieldscope), 0);
    check_int(hem_scope_open(&inner, NULL), 0);
    check(hem_task_cancel(hem_self(), "kept back"));
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&inner, 0), 0);
    check_int(hem_scope_close(&outer, 0), HEM_ECANCELED);
    check_delivered();
    return 0;
}

VIRTUAL_TEST(uncancel_takes_back_what_is_kept_back)
{
    hem_task *self = hem_self();
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_task_uncancel(self), HEM_EMISUSE);
    for (int i = 1; i <= 3; i++) {
        check(hem_task_cancel(self, NULL));
        check_int(hem_task_cancelling(self), i);
    }
    for (int i = 2; i >= 0; i--)
        check_int(hem_task_uncancel(self), i);
    check_int(hem_task_uncancel(self), HEM_EMISUSE);
    check_int(hem_shield_close(&s, 6), 6);
    check_int(hem_task_cancelling(self), 0);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(all_requests_that_were_kept_back_are_delivered)
{
    static const char *const why[] = {"a", "b", "c", "d", "e", "f",
                                      "g", "h", "i", "j", "k", "l"};
    for (int n = 1; n <= (int)COUNT_OF(why); n++) {
        hem_scope s;
        check_int(hem_shield_open(&s, NULL), 0);
        for (int i = 0; i < n; i++)
            check(hem_task_cancel(hem_self(), why[i]));
        check_int(hem_shield_close(&s, 0), HEM_ECANCELED);
        check_int(hem_task_cancelling(hem_self()), n);
        check_int(hem_yield(), HEM_ECANCELED);
        check_str(hem_task_reason(hem_self()), why[n - 1]);
        while (hem_task_uncancel(hem_self()) > 0)
            continue;
    }
    return 0;
}

VIRTUAL_TEST(a_request_from_before_the_shield_is_not_kept_back)
{
    hem_scope s;
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_sleep(1), HEM_ECANCELED);
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_shield_close(&s, 0), 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    return 0;
}

VIRTUAL_TEST(a_timeout_cannot_interrupt_a_shielded_body)
{
    hem_scope s;
    hem_timeout t;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_timeout_open(&t, 10), 0);
    check_int(hem_sleep(20), 0);
    check(hem_timeout_expired(&t));
    check_int(hem_timeout_close(&t, 0), 0);
    check_int(hem_shield_close(&s, 0), 0);
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

VIRTUAL_TEST(the_timeout_of_a_scope_leaves_a_request_in_the_shield_round_it)
{
    hem_scope outer, inner;
    check_int(hem_scope_open(&outer, &shieldscope), 0);
    check_int(hem_scope_open(&inner, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_sleep(20), 0);
    check(hem_scope_expired(&inner));
    check_int(hem_scope_close(&inner, 0), HEM_ETIMEDOUT);
    check_int(hem_scope_close(&outer, 0), HEM_ECANCELED);
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "timeout");
    return 0;
}

static int await_shielded(void *arg)
{
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_await(arg), 0);
    return hem_shield_close(&s, 0);
}

static int await_it(void *arg)
{
    return hem_await(arg);
}

VIRTUAL_TEST(a_shield_ends_the_chain_of_those_who_await)
{
    hem_ns d = 10;
    hem_task *target, *middle, *waiter;
    check_int(hem_spawn(&target, sleep_for, &d), 0);
    check_int(hem_spawn(&middle, await_shielded, target), 0);
    check_int(hem_spawn(&waiter, await_it, middle), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(waiter, NULL));
    check_int(hem_task_cancelling(waiter), 1);
    check_int(hem_task_cancelling(middle), 1);
    check_int(hem_task_cancelling(target), 0);
    check_int(hem_await(waiter), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_int(hem_task_result(target), 0);
    check(hem_task_cancelled(middle));
    return 0;
}

static int leave_block(void)
{
    HEM_SCOPE(s, .shield = true);
    HEM_TRY(hem_sleep(10));
    return 3;
}

VIRTUAL_TEST(a_shielded_block_that_is_left_delivers_as_well)
{
    hem_callback cb;
    cancel_self_at(&cb, 5);
    check_int(leave_block(), 3);
    check_delivered();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_shielded_body_is_not_interrupted),
        LEDGER_TEST(a_shield_without_children_works_alike),
        LEDGER_TEST(a_failed_body_outweighs_what_was_kept_back),
        LEDGER_TEST(
            a_request_while_the_exit_waits_is_raised_by_the_next_wait_only),
        LEDGER_TEST(the_children_are_not_shielded),
        LEDGER_TEST(abort_works_in_spite_of_the_shield),
        LEDGER_TEST(the_timeout_of_the_scope_works_in_spite_of_its_shield),
        LEDGER_TEST(of_the_options_a_shield_takes_the_timeout_only),
        LEDGER_TEST(a_shield_has_no_children),
        LEDGER_TEST(nested_shields_hand_a_request_outwards),
        LEDGER_TEST(an_unshielded_scope_within_a_shield_ends_well),
        LEDGER_TEST(uncancel_takes_back_what_is_kept_back),
        LEDGER_TEST(all_requests_that_were_kept_back_are_delivered),
        LEDGER_TEST(a_request_from_before_the_shield_is_not_kept_back),
        LEDGER_TEST(a_timeout_cannot_interrupt_a_shielded_body),
        LEDGER_TEST(
            the_timeout_of_a_scope_leaves_a_request_in_the_shield_round_it),
        LEDGER_TEST(a_shield_ends_the_chain_of_those_who_await),
        LEDGER_TEST(a_shielded_block_that_is_left_delivers_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

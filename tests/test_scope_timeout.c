/* SPDX-License-Identifier: MIT */
/* Scopes with a time limit, and what their limit does to what is round them. */
#include "support.h"

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

static int expect_timeout(void *arg)
{
    hem_ns *ended = arg;
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "timeout");
    *ended = hem_now();
    return rc;
}

static int unreachable(void *arg)
{
    (void)arg;
    check_never("this task runs");
    return 0;
}

VIRTUAL_TEST(a_timeout_cancels_the_body_and_the_children)
{
    hem_ns ended = 0;
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = 10}), 0);
    check(!hem_scope_expired(&s));
    check_int(hem_scope_spawn(&s, NULL, expect_timeout, &ended), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_str(hem_task_reason(hem_self()), "timeout");
    check(hem_scope_expired(&s));
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_scope_close(&s, rc), HEM_ETIMEDOUT);
    check(hem_scope_expired(&s));
    check_int(ended, 10);
    return 0;
}

VIRTUAL_TEST(a_timeout_fires_while_the_owner_waits_for_the_children)
{
    hem_ns ended = 0;
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_scope_spawn(&s, NULL, expect_timeout, &ended), 0);
    check_int(hem_scope_close(&s, 0), HEM_ETIMEDOUT);
    check_int(ended, 10);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_timeout_that_does_not_fire_is_disarmed)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_sleep(9), 0);
    check_int(hem_scope_close(&s, 3), 3);
    check(!hem_scope_expired(&s));
    check_int(hem_sleep(100), 0);
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = HEM_NEVER}),
              0);
    check_int(hem_sleep(HEM_SEC), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_timeout_outweighs_how_the_body_ended)
{
    static const int results[] = {0, 5, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_scope s;
        check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = 10}), 0);
        check_int(hem_sleep(20), HEM_ECANCELED);
        check_int(hem_scope_close(&s, results[i]), HEM_ETIMEDOUT);
    }
    return 0;
}

VIRTUAL_TEST(a_negative_timeout_fires_at_the_first_wait)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = -1}), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check(!hem_scope_expired(&s));
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 0);
    check_int(hem_scope_close(&s, rc), HEM_ETIMEDOUT);

    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = -HEM_SEC}), 0);
    check_int(hem_scope_close(&s, 0), 0); /* it did not wait */
    return 0;
}

VIRTUAL_TEST(move_on_ends_well)
{
    hem_ns ended = 0;
    hem_scope s;
    hem_scope_options o = {.timeout = 10, .move_on = true};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, expect_timeout, &ended), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check(hem_scope_expired(&s));
    check_int(ended, 10);
    return 0;
}

VIRTUAL_TEST(move_on_swallows_any_timeout_but_no_other_error)
{
    hem_scope s;
    hem_scope_options o = {.move_on = true};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_close(&s, HEM_ETIMEDOUT), 0);
    check(!hem_scope_expired(&s));
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EIO);
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    return 0;
}

VIRTUAL_TEST(the_request_of_a_timeout_stays_counted)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_sleep(20), HEM_ECANCELED);
    check_int(hem_scope_close(&s, 0), HEM_ETIMEDOUT);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(so_a_scope_round_it_ends_cancelled)
{
    hem_scope outer, inner;
    check_int(hem_scope_open(&outer, NULL), 0);
    check_int(hem_scope_open(&inner, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_sleep(20), HEM_ECANCELED);
    check_int(hem_scope_close(&inner, HEM_ECANCELED), HEM_ETIMEDOUT);
    check_int(hem_scope_close(&outer, 0), HEM_ECANCELED);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(and_so_does_a_timeout_round_it_that_expires_later)
{
    hem_timeout t;
    hem_scope s;
    check_int(hem_timeout_open(&t, 20), 0);
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_sleep(100), HEM_ECANCELED);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ETIMEDOUT);
    int rc = hem_sleep(100);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 20);
    check_int(hem_timeout_close(&t, rc), HEM_ECANCELED);
    check(hem_timeout_expired(&t));
    return 0;
}

/* Cancelled once already, and needs until 20 to end. */
static int end_at_20(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_SEC);
    while (hem_now() < 20)
        check_int(hem_sleep(20 - hem_now()), 0);
    return rc;
}

VIRTUAL_TEST(a_timeout_counts_also_when_the_children_were_cancelled_before)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.timeout = 10}), 0);
    check_int(hem_scope_spawn(&s, NULL, end_at_20, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_ETIMEDOUT);
    check_int(hem_now(), 20);
    return 0;
}

VIRTUAL_TEST(children_that_have_not_begun_never_run)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, unreachable, NULL), 0);
    hem_scope_abort(&s, NULL);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int block(void)
{
    HEM_SCOPE(s, .timeout = 10);
    HEM_TRY(hem_scope_spawn(&s, NULL, end_at_20, NULL));
    HEM_TRY(hem_sleep(HEM_SEC));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_block_may_be_left_by_the_interruption)
{
    check_int(block(), HEM_ECANCELED);
    check_int(hem_now(), 20);
    check_int(hem_yield(), 0);
    return 0;
}

FIFO_TEST(of_nested_scopes_that_expire_together_both_time_out)
{
    hem_scope outer, inner;
    hem_scope_options o = {.timeout = 10};
    check_int(hem_scope_open(&outer, &o), 0);
    check_int(hem_scope_open(&inner, &o), 0);
    int rc = hem_sleep(100);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_scope_close(&inner, rc), HEM_ETIMEDOUT);
    check_int(hem_scope_close(&outer, 0), HEM_ETIMEDOUT);
    check_int(hem_task_cancelling(hem_self()), 2);
    check_int(hem_yield(), 0);
    return 0;
}

static int clean_up_slowly(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_NEVER);
    HEM_SCOPE(s, .shield = true);
    (void)!hem_sleep(20);
    return hem_scope_close(&s, rc);
}

static int leave_before_the_timeout(void)
{
    HEM_SCOPE(s, .timeout = 10);
    HEM_TRY(hem_scope_spawn(&s, NULL, clean_up_slowly, NULL));
    HEM_TRY(hem_sleep(5));
    return 7;
}

VIRTUAL_TEST(a_timeout_does_not_get_out_of_a_block_that_was_left)
{
    check_int(leave_before_the_timeout(), 7);
    check_int(hem_sleep(1), 0);
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_timeout_does_not_get_out_of_a_block_that_was_left),
        LEDGER_TEST(a_timeout_cancels_the_body_and_the_children),
        LEDGER_TEST(a_timeout_fires_while_the_owner_waits_for_the_children),
        LEDGER_TEST(a_timeout_that_does_not_fire_is_disarmed),
        LEDGER_TEST(a_timeout_outweighs_how_the_body_ended),
        LEDGER_TEST(a_negative_timeout_fires_at_the_first_wait),
        LEDGER_TEST(move_on_ends_well),
        LEDGER_TEST(move_on_swallows_any_timeout_but_no_other_error),
        LEDGER_TEST(the_request_of_a_timeout_stays_counted),
        LEDGER_TEST(so_a_scope_round_it_ends_cancelled),
        LEDGER_TEST(and_so_does_a_timeout_round_it_that_expires_later),
        LEDGER_TEST(
            a_timeout_counts_also_when_the_children_were_cancelled_before),
        LEDGER_TEST(children_that_have_not_begun_never_run),
        LEDGER_TEST(a_block_may_be_left_by_the_interruption),
        LEDGER_TEST(of_nested_scopes_that_expire_together_both_time_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Context managers: a function that is set up before a block, and torn down
 * after it. */
#include "support.h"

struct manager {
    hem_ns enter_wait;
    int enter_result; /* negative: it fails before its yield; 1: it returns */
    const char *value;
    int yielded; /* what its yield returned */
    hem_ns exit_wait;
    int exit_waited;
    int exit_result; /* 1: what its yield returned */
    int more;        /* yields that follow */
    int more_yielded;
    bool torn_down;
};

static int managed(hem_actx *cm, void *arg)
{
    struct manager *m = arg;
    if (m->enter_wait)
        HEM_TRY(hem_sleep(m->enter_wait));
    if (m->enter_result)
        return m->enter_result;
    m->yielded = hem_actx_yield(cm, m->value);
    if (m->exit_wait)
        m->exit_waited = hem_sleep(m->exit_wait);
    for (int i = 0; i < m->more; i++)
        m->more_yielded = hem_actx_yield(cm, NULL);
    m->torn_down = true;
    if (m->exit_waited < 0)
        return m->exit_waited;
    return m->exit_result == 1 ? m->yielded : m->exit_result;
}

VIRTUAL_TEST(it_is_set_up_before_the_block_and_torn_down_after_it)
{
    struct manager m = {.enter_wait = 10, .value = "v", .exit_wait = 20};
    hem_actx cm;
    void *value = NULL;
    check_int(hem_actx_open(&cm, managed, &m, &value), 0);
    check_str(value, "v");
    check_int(hem_now(), 10);
    check(!m.torn_down);
    check_int(hem_actx_close(&cm, 7), 7);
    check_int(hem_now(), 30);
    check_int(m.yielded, 0);
    check(m.torn_down);
    return 0;
}

VIRTUAL_TEST(it_sees_the_error_of_the_block_and_says_what_becomes_of_it)
{
    static const struct {
        int rc, exit_result, want, yielded;
    } cases[] = {
        {0, 0, 0, 0},
        {9, 3, 9, 0}, /* no error: what it returns is no result */
        {0, HEM_EIO, HEM_EIO, 0},
        {HEM_EPERM, 1, HEM_EPERM, HEM_EPERM},
        {HEM_EPERM, 0, 0, HEM_EPERM},
        {HEM_EPERM, 5, 0, HEM_EPERM},
        {HEM_EPERM, HEM_EIO, HEM_EIO, HEM_EPERM},
        {HEM_ECANCELED, 0, 0, HEM_ECANCELED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct manager m = {.exit_result = cases[i].exit_result};
        hem_actx cm;
        check_int(hem_actx_open(&cm, managed, &m, NULL), 0);
        check_int(hem_actx_close(&cm, cases[i].rc), cases[i].want);
        check_int(m.yielded, cases[i].yielded);
        check(m.torn_down);
    }
    return 0;
}

VIRTUAL_TEST(if_it_fails_before_its_yield_it_is_not_open)
{
    static const struct {
        int result, want;
    } cases[] = {{HEM_EIO, HEM_EIO}, {1, HEM_EREFUSED}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct manager m = {.enter_result = cases[i].result};
        hem_actx cm;
        void *value = &m;
        check_int(hem_actx_open(&cm, managed, &m, &value), cases[i].want);
        check(value == &m);
        check_int(hem_actx_close(&cm, 0), HEM_EMISUSE);
    }
    return 0;
}

VIRTUAL_TEST(it_can_be_closed_once)
{
    struct manager m = {0};
    hem_actx cm;
    check_int(hem_actx_open(&cm, managed, &m, NULL), 0);
    check_int(hem_actx_close(&cm, 0), 0);
    check_int(hem_actx_close(&cm, 0), HEM_EMISUSE);
    check_int(hem_actx_open(&cm, managed, &m, NULL), 0);
    check_int(hem_actx_close(&cm, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_second_yield_is_refused_and_it_is_closed)
{
    static const int blocks[] = {0, HEM_EPERM};
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        struct manager m = {.more = 1, .exit_result = 1};
        hem_actx cm;
        check_int(hem_actx_open(&cm, managed, &m, NULL), 0);
        check_int(hem_actx_close(&cm, blocks[i]),
                  blocks[i] ? HEM_EPERM : HEM_EREFUSED);
        check_int(m.yielded, blocks[i]);
        check_int(m.more_yielded, HEM_ECLOSED);
        check(m.torn_down);
    }
    return 0;
}

static int open_and_wait(void *arg)
{
    hem_actx cm;
    HEM_TRY(hem_actx_open(&cm, managed, arg, NULL));
    return hem_actx_close(&cm, hem_sleep(100));
}

VIRTUAL_TEST(a_cancellation_interrupts_whatever_part_waits)
{
    struct manager m = {.enter_wait = 100, .exit_wait = 100, .exit_result = 1};
    for (hem_ns at = 50; at < 300; at += 100) {
        m.torn_down = false;
        m.exit_waited = 0;
        m.yielded = 1;
        hem_task *t;
        check_int(hem_spawn(&t, open_and_wait, &m), 0);
        check_int(hem_sleep(at), 0);
        check(hem_task_cancel(t, "stop"));
        check_int(hem_await(t), HEM_ECANCELED);
        check_str(hem_task_reason(t), "stop");
        check_int(m.torn_down, at > 100);
        check_int(m.yielded, at < 100 ? 1 : at < 200 ? HEM_ECANCELED : 0);
        check_int(m.exit_waited, at < 200 ? 0 : HEM_ECANCELED);
    }
    return 0;
}

static int swallow(hem_actx *cm, void *arg)
{
    (void)!hem_actx_yield(cm, arg);
    return 0;
}

static int open_swallowing(void *arg)
{
    hem_actx cm;
    HEM_TRY(hem_actx_open(&cm, swallow, arg, NULL));
    HEM_TRY(hem_actx_close(&cm, hem_sleep(100)));
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_sleep(5);
}

VIRTUAL_TEST(it_may_swallow_a_cancellation)
{
    hem_task *t;
    check_int(hem_spawn(&t, open_swallowing, NULL), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), 0);
    check_int(hem_now(), 15);
    return 0;
}

/* Scopes and timeouts round the block. */

static int within(hem_actx *cm, void *arg)
{
    hem_ns *limit = arg;
    HEM_SCOPE(s, .timeout = *limit);
    return hem_scope_close(&s, hem_actx_yield(cm, &s));
}

static int say_later(void *arg)
{
    HEM_TRY(hem_sleep(*(hem_ns *)arg));
    trace("child");
    return 0;
}

VIRTUAL_TEST(a_scope_of_its_own_is_open_round_the_block)
{
    hem_ns limit = 100;
    hem_ns work = 20;
    hem_actx cm;
    void *scope;
    check_int(hem_actx_open(&cm, within, &limit, &scope), 0);
    check_int(hem_scope_spawn(scope, NULL, say_later, &work), 0);
    check_int(hem_actx_close(&cm, 0), 0);
    check_int(hem_now(), 20);
    check_trace("child");
    return 0;
}

VIRTUAL_TEST(its_timeout_interrupts_the_block)
{
    hem_ns limit = 100;
    hem_ns work = 1000;
    hem_actx cm;
    void *scope;
    check_int(hem_actx_open(&cm, within, &limit, &scope), 0);
    check_int(hem_scope_spawn(scope, NULL, say_later, &work), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_actx_close(&cm, rc), HEM_ETIMEDOUT);
    check_int(hem_now(), 100);
    check_trace("");
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

static int shielding(hem_actx *cm, void *arg)
{
    hem_scope s;
    HEM_TRY(hem_shield_open(&s, NULL));
    return hem_shield_close(&s, hem_actx_yield(cm, arg));
}

VIRTUAL_TEST(it_may_shield_the_block)
{
    hem_actx cm;
    check_int(hem_actx_open(&cm, shielding, NULL, NULL), 0);
    check(hem_task_cancel(hem_self(), "later"));
    check_int(hem_sleep(10), 0);
    check_int(hem_actx_close(&cm, 0), HEM_ECANCELED);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

static int nest(hem_actx *cm, void *arg)
{
    int depth = *(int *)arg;
    if (depth == 0)
        return hem_actx_yield(cm, NULL);
    depth--;
    HEM_ACTX(inner);
    HEM_TRY(hem_actx_open(&inner, nest, &depth, NULL));
    int rc = hem_actx_close(&inner, hem_actx_yield(cm, NULL));
    trace("%d", depth);
    return rc;
}

VIRTUAL_TEST(managers_may_use_managers)
{
    int depth = 3;
    hem_actx cm;
    check_int(hem_actx_open(&cm, nest, &depth, NULL), 0);
    check_int(hem_actx_close(&cm, HEM_EIO), HEM_EIO);
    check_trace("0 1 2");
    return 0;
}

/* Records of failures, and reasons. */

static int fails_and_recovers(hem_actx *cm, void *arg)
{
    int rc = hem_actx_yield(cm, arg);
    (void)hem_fail(HEM_EAGAIN, "noise");
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 1));
    hem_timeout_set_reason(&t, "noise");
    check_int(hem_timeout_close(&t, hem_sleep(10)), HEM_ETIMEDOUT);
    return rc;
}

static int fails_again(hem_actx *cm, void *arg)
{
    int rc = hem_actx_yield(cm, arg);
    return hem_fail(rc, "once more");
}

VIRTUAL_TEST(the_record_of_the_block_goes_with_its_error)
{
    hem_actx cm;
    check_int(hem_actx_open(&cm, fails_and_recovers, NULL, NULL), 0);
    (void)hem_fail(HEM_EPERM, "block");
    check_int(hem_actx_close(&cm, HEM_EPERM), HEM_EPERM);
    check_str(hem_failure()->message, "block");
    check_int(hem_actx_open(&cm, fails_again, NULL, NULL), 0);
    check_int(hem_actx_close(&cm, HEM_EPERM), HEM_EPERM);
    check_str(hem_failure()->message, "once more");
    return 0;
}

static int cancelled_within(void *arg)
{
    hem_actx cm;
    HEM_TRY(hem_actx_open(&cm, fails_and_recovers, arg, NULL));
    return hem_actx_close(&cm, hem_sleep(100));
}

VIRTUAL_TEST(the_reason_of_a_cancellation_goes_with_it)
{
    hem_task *t;
    check_int(hem_spawn(&t, cancelled_within, NULL), 0);
    check_int(hem_yield(), 0);
    check(hem_task_cancel(t, "signal"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "signal");
    return 0;
}

/* Blocks left without a close. */

static int leave_block(struct manager *m, bool open)
{
    HEM_ACTX(cm);
    if (!open)
        return HEM_EPERM;
    HEM_TRY(hem_actx_open(&cm, managed, m, NULL));
    return hem_fail(HEM_EIO, "on the way out");
}

VIRTUAL_TEST(it_is_closed_with_its_block_if_it_is_open)
{
    struct manager m = {.exit_result = 1};
    check_int(leave_block(&m, false), HEM_EPERM);
    check(!m.torn_down);
    check_int(leave_block(&m, true), HEM_EIO);
    check(m.torn_down);
    check_int(m.yielded, HEM_ECLOSED);
    check_str(hem_failure()->message, "on the way out");
    return 0;
}

static int close_in_block(void *arg)
{
    HEM_ACTX(cm);
    HEM_TRY(hem_actx_open(&cm, managed, arg, NULL));
    return hem_actx_close(&cm, 3);
}

VIRTUAL_TEST(what_was_closed_by_hand_is_not_closed_again)
{
    struct manager m = {0};
    check_int(close_in_block(&m), 3);
    check_int(m.yielded, 0);
    return 0;
}

static int leave_and_sleep(void *arg)
{
    check_int(leave_block(arg, true), HEM_EIO);
    return hem_sleep(100);
}

VIRTUAL_TEST(a_cancellation_in_such_a_close_interrupts_the_next_wait)
{
    struct manager m = {.exit_wait = 50};
    hem_task *t;
    check_int(hem_spawn(&t, leave_and_sleep, &m), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, "now"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_str(hem_task_reason(t), "now");
    return 0;
}

static int leave_open(void *arg)
{
    hem_actx cm;
    check_int(hem_actx_open(&cm, managed, arg, NULL), 0);
    memset(&cm, 0x55, sizeof(cm));
    return 0;
}

static void left_open_it_is_closed_at_the_end_of_the_run(void **state)
{
    (void)state;
    struct manager m = {.more = 0, .exit_wait = 10, .exit_result = HEM_EIO};
    check_int(run_virtual(leave_open, &m), 0);
    check(m.torn_down);
    check_int(m.yielded, HEM_ECLOSED);
    check_report(HEM_REPORT_AT_EXIT, "managed", HEM_EIO);
    run_assert_checks();
}

static int yield_twice_for_ever(void *arg)
{
    hem_actx cm;
    check_int(hem_actx_open(&cm, managed, arg, NULL), 0);
    check_int(hem_actx_close(&cm, 0), HEM_EREFUSED);
    memset(&cm, 0x55, sizeof(cm));
    return 0;
}

static void
one_that_goes_on_yielding_is_closed_at_the_end_of_the_run(void **state)
{
    (void)state;
    struct manager m = {.more = 2};
    check_int(run_virtual(yield_twice_for_ever, &m), 0);
    check(m.torn_down);
    run_assert_checks();
}

VIRTUAL_TEST(without_memory_it_is_not_open)
{
    struct manager m = {0};
    hem_actx cm;
    int failed = 0;
    for (size_t i = 1;; i++) {
        ledger_fail_from(i);
        int rc =
            hem_actx_open_with(&cm, managed, &m, NULL, .stack_bytes = 1 << 20);
        ledger_fail_from(0);
        if (rc == 0)
            break;
        check_int(rc, HEM_ENOMEM);
        check_int(hem_actx_close(&cm, 0), HEM_EMISUSE);
        failed++;
    }
    check(failed > 0);
    check_int(hem_actx_close(&cm, 0), 0);
    check_int(hem_actx_open_with(&cm, managed, &m, NULL,
                                 .stack_bytes = ((size_t)1 << 30) + 1),
              HEM_EINVAL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(it_is_set_up_before_the_block_and_torn_down_after_it),
        LEDGER_TEST(it_sees_the_error_of_the_block_and_says_what_becomes_of_it),
        LEDGER_TEST(if_it_fails_before_its_yield_it_is_not_open),
        LEDGER_TEST(it_can_be_closed_once),
        LEDGER_TEST(a_second_yield_is_refused_and_it_is_closed),
        LEDGER_TEST(a_cancellation_interrupts_whatever_part_waits),
        LEDGER_TEST(it_may_swallow_a_cancellation),
        LEDGER_TEST(a_scope_of_its_own_is_open_round_the_block),
        LEDGER_TEST(its_timeout_interrupts_the_block),
        LEDGER_TEST(it_may_shield_the_block),
        LEDGER_TEST(managers_may_use_managers),
        LEDGER_TEST(the_record_of_the_block_goes_with_its_error),
        LEDGER_TEST(the_reason_of_a_cancellation_goes_with_it),
        LEDGER_TEST(it_is_closed_with_its_block_if_it_is_open),
        LEDGER_TEST(what_was_closed_by_hand_is_not_closed_again),
        LEDGER_TEST(a_cancellation_in_such_a_close_interrupts_the_next_wait),
        LEDGER_TEST(left_open_it_is_closed_at_the_end_of_the_run),
        LEDGER_TEST(one_that_goes_on_yielding_is_closed_at_the_end_of_the_run),
        LEDGER_TEST(without_memory_it_is_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

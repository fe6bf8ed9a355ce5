/* SPDX-License-Identifier: MIT */
/* How timers end: stopped, cancelled, by themselves, without memory. */
#include "support.h"

#include "ms.h"
#include "ticks.h"

static const hem_timer_options cancelling = {.policy = HEM_TIMER_CANCEL};
static const hem_timer_options skipping = {.policy = HEM_TIMER_SKIP};
static const hem_timer_options delaying = {.fixed_delay = true};

VIRTUAL_TEST(stop_waits_for_the_cleanup_of_ticks)
{
    struct tick k = {.takes = 100 * MS, .cleanup = 20 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 30 * MS, tick_run, &k, NULL), 0);
    check_int(hem_sleep(50 * MS), 0);
    check_int(hem_timer_stop(&t), 0);
    check_int(now_ms(), 70);
    check_trace("0 30 c70 c70");
    return 0;
}

VIRTUAL_TEST(stop_before_the_first_step_gives_no_tick)
{
    struct tick k = {0};
    hem_timer t;
    check_int(hem_timer_start(&t, MS, tick_run, &k, NULL), 0);
    check_int(hem_timer_stop(&t), 0);
    check_int(hem_sleep(5 * MS), 0);
    check_int(k.begun, 0);
    return 0;
}

VIRTUAL_TEST(stop_of_what_was_stopped_does_nothing)
{
    struct tick k = {0};
    hem_timer t;
    check_int(hem_timer_start(&t, MS, tick_run, &k, NULL), 0);
    check(hem_timer_task(&t) != NULL);
    check_int(hem_timer_stop(&t), 0);
    check(hem_timer_task(&t) == NULL);
    check_int(hem_timer_stop(&t), 0);
    return 0;
}

static int stop(void *arg)
{
    return hem_timer_stop(arg);
}

VIRTUAL_TEST(several_may_stop_a_timer)
{
    struct tick k = {.takes = 100 * MS, .cleanup = 20 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 30 * MS, tick_run, &k, NULL), 0);
    check_int(hem_sleep(5 * MS), 0);
    HEM_SCOPE(s, .kind = HEM_TASKSCOPE);
    for (int i = 0; i < 3; i++)
        check_int(hem_scope_spawn(&s, NULL, stop, &t), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(now_ms(), 25);
    check(hem_timer_task(&t) == NULL);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_he_stops_a_timer_has_stopped_it)
{
    struct tick k = {.takes = 100 * MS, .cleanup = 20 * MS};
    hem_timer t;
    hem_task *stopper;
    check_int(hem_timer_start(&t, 30 * MS, tick_run, &k, NULL), 0);
    check_int(hem_sleep(5 * MS), 0);
    check_int(hem_spawn(&stopper, stop, &t), 0);
    check_int(hem_sleep(5 * MS), 0);
    check(hem_task_cancel(stopper, NULL));
    check_int(hem_await(stopper), HEM_ECANCELED);
    check_int(now_ms(), 25);
    check(hem_timer_task(&t) == NULL);
    check_int(k.running, 0);
    trace_clear();
    return 0;
}

struct stopper {
    hem_timer timer;
    int ticks;
    int after; /* what the next suspension returned */
};

static int stop_at_the_third(void *arg)
{
    struct stopper *s = arg;
    if (++s->ticks < 3)
        return 0;
    check_int(hem_timer_stop(&s->timer), 0);
    s->after = hem_sleep(HEM_NEVER);
    return s->after;
}

static void check_stop_in_tick(const hem_timer_options *opts)
{
    struct stopper s = {0};
    hem_ns begin = hem_now();
    check_int(hem_timer_start(&s.timer, 10 * MS, stop_at_the_third, &s, opts),
              0);
    check_int(hem_await(hem_timer_task(&s.timer)), HEM_ECANCELED);
    check_int(hem_now() - begin, 20 * MS);
    check_int(s.ticks, 3);
    check_int(s.after, HEM_ECANCELED);
    check_int(hem_timer_stop(&s.timer), 0);
    check(hem_timer_task(&s.timer) == NULL);
}

VIRTUAL_TEST(a_tick_may_stop_its_timer)
{
    check_stop_in_tick(NULL);
    check_stop_in_tick(&cancelling);
    check_stop_in_tick(&skipping);
    check_stop_in_tick(&delaying);
    return 0;
}

static int swallow(void *arg)
{
    (*(int *)arg)++;
    (void)!hem_sleep(HEM_NEVER);
    return 0;
}

VIRTUAL_TEST(a_tick_that_swallows_its_cancellation_ends_a_cancelling_timer)
{
    int begun = 0;
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, swallow, &begun, &cancelling), 0);
    check_int(hem_sleep(50 * MS), 0);
    check_int(begun, 1);
    check(hem_task_done(hem_timer_task(&t)));
    check_int(hem_timer_stop(&t), HEM_EGROUP);
    const hem_error *e = hem_failure();
    check_int(e->code, HEM_EGROUP);
    check_int(e->count, 1);
    if (check(e->count == 1))
        check_int(e->errors[0]->code, HEM_ESWALLOWED);
    check_int(hem_timer_stop(&t), 0);
    return 0;
}

static int fail_when_cancelled(void *arg)
{
    (void)arg;
    (void)!hem_sleep(HEM_NEVER);
    return hem_fail(HEM_EIO, "no cleanup");
}

VIRTUAL_TEST(a_tick_that_fails_for_its_cancellation_ends_a_cancelling_timer)
{
    hem_timer t;
    check_int(
        hem_timer_start(&t, 10 * MS, fail_when_cancelled, NULL, &cancelling),
        0);
    check_int(hem_sleep(50 * MS), 0);
    check_report(HEM_REPORT_CHILD, "fail_when_cancelled", HEM_EIO);
    check_int(hem_await(hem_timer_task(&t)), HEM_EGROUP);
    const hem_error *e = hem_failure();
    if (check(e->count == 1))
        check_str(e->errors[0]->message, "no cleanup");
    check_int(hem_timer_stop(&t), HEM_EGROUP);
    return 0;
}

static int leave_a_failed_timer(void *arg)
{
    static int begun;
    (void)arg;
    begun = 0;
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, swallow, &begun, &cancelling), 0);
    return hem_sleep(50 * MS);
}

static void a_timer_that_failed_and_was_not_stopped_is_reported(void **state)
{
    (void)state;
    check_int(run_virtual(leave_a_failed_timer, NULL), 0);
    check_report(HEM_REPORT_NEVER_RETRIEVED, "timer", HEM_EGROUP);
    run_assert_checks();
}

static struct tick left;

static int leave_a_timer(void *arg)
{
    hem_timer t; /* is gone when the timer is cancelled */
    left = (struct tick){.takes = 100 * MS};
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &left, arg), 0);
    return hem_sleep(35 * MS);
}

static void the_end_of_the_run_ends_a_timer_and_its_ticks(void **state)
{
    (void)state;
    check_int(run_virtual(leave_a_timer, NULL), 0);
    check_int(left.begun, 4);
    check_int(left.running, 0);
    trace_clear();
    hem_timer_options delay = {.fixed_delay = true};
    check_int(run_virtual(leave_a_timer, &delay), 0);
    check_int(left.begun, 1);
    check_int(left.running, 0);
    trace_clear();
    run_assert_checks();
}

static int leave_a_new_timer(void *arg)
{
    hem_timer t;
    left = (struct tick){0};
    return hem_timer_start(&t, 10 * MS, tick_run, &left, arg);
}

static void main_may_return_before_the_first_step_of_a_timer(void **state)
{
    (void)state;
    check_int(run_virtual(leave_a_new_timer, NULL), 0);
    check_int(left.running, 0);
    trace_clear();
    run_assert_checks();
}

VIRTUAL_TEST(a_cancelled_timer_ends_as_cancelled)
{
    struct tick k = {0};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, NULL), 0);
    check_int(hem_sleep(15 * MS), 0);
    check(hem_task_cancel(hem_timer_task(&t), "enough"));
    check_int(hem_await(hem_timer_task(&t)), HEM_ECANCELED);
    check_str(hem_task_reason(hem_timer_task(&t)), "enough");
    check_int(now_ms(), 15);
    check_int(hem_timer_stop(&t), 0);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(an_interval_must_be_above_zero)
{
    struct tick k = {0};
    hem_timer t;
    check_int(hem_timer_start(&t, 0, tick_run, &k, NULL), HEM_EINVAL);
    check(hem_timer_task(&t) == NULL);
    check_int(hem_timer_stop(&t), 0);
    check_int(hem_timer_start(&t, -1, tick_run, &k, NULL), HEM_EINVAL);
    hem_timer_options big = {.stack_bytes = ((size_t)1 << 30) + 1};
    check_int(hem_timer_start(&t, 1, tick_run, &k, &big), HEM_EINVAL);
    check_int(hem_timer_stop(&t), 0);
    return 0;
}

static void start_in_callback(void *arg)
{
    static struct tick k;
    k = (struct tick){0};
    check_int(hem_timer_start((hem_timer *)arg, 10 * MS, tick_run, &k, NULL),
              0);
}

VIRTUAL_TEST(a_callback_may_start_a_timer)
{
    hem_timer t;
    hem_callback cb;
    hem_callback_init(&cb, start_in_callback, &t);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(15 * MS), 0);
    check_trace("0 10");
    return hem_timer_stop(&t);
}

static int count(void *arg)
{
    (*(int *)arg)++;
    return hem_yield();
}

VIRTUAL_TEST(timers_that_were_stopped_leave_nothing_in_the_loop)
{
    struct tick k = {0};
    size_t live = 0;
    for (int i = 0; i < 100; i++) {
        hem_timer t;
        check_int(hem_timer_start(&t, MS, tick_run, &k, &cancelling), 0);
        check_int(hem_sleep(3 * MS), 0);
        check_int(hem_timer_stop(&t), 0);
        check_int(hem_sleep(MS), 0);
        if (i == 0)
            live = ledger_live();
        trace_clear();
    }
    check_int(ledger_live(), live);
    return 0;
}

VIRTUAL_TEST(a_timer_that_runs_for_long_takes_no_more_memory)
{
    static const hem_timer_options *const policies[] = {NULL, &cancelling,
                                                        &skipping, &delaying};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        int ticks = 0;
        hem_timer t;
        check_int(hem_timer_start(&t, MS, count, &ticks, policies[i]), 0);
        check_int(hem_sleep(10 * MS), 0);
        size_t live = ledger_live();
        check_int(hem_sleep(HEM_SEC), 0);
        check(ticks > 500);
        check_int(ledger_live(), live);
        check_int(hem_timer_stop(&t), 0);
    }
    return 0;
}

VIRTUAL_TEST(a_start_without_memory_starts_nothing)
{
    struct tick k = {0};
    hem_timer t;
    size_t live = ledger_live();
    size_t n = 1;
    for (; n < 20; n++) {
        ledger_fail_at(n);
        int rc = hem_timer_start(&t, 10 * MS, tick_run, &k, NULL);
        ledger_fail_at(0);
        if (rc == 0)
            break;
        check_int(rc, HEM_ENOMEM);
        check(hem_timer_task(&t) == NULL);
        check_int(ledger_live(), live);
    }
    check(n > 1 && n < 20);
    check_int(hem_sleep(5 * MS), 0);
    check_trace("0");
    return hem_timer_stop(&t);
}

static void check_without_memory(const hem_timer_options *opts, int want)
{
    struct tick k = {0};
    hem_timer_options o = opts ? *opts : (hem_timer_options){0};
    o.stack_bytes = (size_t)300 << 10; /* not in the pool yet */
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &o), 0);
    ledger_fail_from(1);
    check_int(hem_sleep(15 * MS), 0);
    ledger_fail_from(0);
    check_int(hem_sleep(10 * MS), 0);
    check_int(k.begun, want);
    check(!hem_task_done(hem_timer_task(&t)));
    check_int(hem_timer_stop(&t), 0);
    trace_clear();
}

static int ticks_without_memory(void *arg)
{
    check_without_memory(arg, 1);
    return 0;
}

static void ticks_that_memory_lacks_for_are_left_out(void **state)
{
    (void)state;
    static const hem_timer_options *const policies[] = {NULL, &cancelling,
                                                        &skipping, &delaying};
    for (size_t i = 0; i < COUNT_OF(policies); i++)
        check_int(
            run_virtual(ticks_without_memory, (void *)(uintptr_t)policies[i]),
            0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(stop_waits_for_the_cleanup_of_ticks),
        LEDGER_TEST(stop_before_the_first_step_gives_no_tick),
        LEDGER_TEST(stop_of_what_was_stopped_does_nothing),
        LEDGER_TEST(several_may_stop_a_timer),
        LEDGER_TEST(one_who_is_cancelled_while_he_stops_a_timer_has_stopped_it),
        LEDGER_TEST(a_tick_may_stop_its_timer),
        LEDGER_TEST(
            a_tick_that_swallows_its_cancellation_ends_a_cancelling_timer),
        LEDGER_TEST(
            a_tick_that_fails_for_its_cancellation_ends_a_cancelling_timer),
        LEDGER_TEST(a_timer_that_failed_and_was_not_stopped_is_reported),
        LEDGER_TEST(the_end_of_the_run_ends_a_timer_and_its_ticks),
        LEDGER_TEST(main_may_return_before_the_first_step_of_a_timer),
        LEDGER_TEST(a_cancelled_timer_ends_as_cancelled),
        LEDGER_TEST(an_interval_must_be_above_zero),
        LEDGER_TEST(a_callback_may_start_a_timer),
        LEDGER_TEST(timers_that_were_stopped_leave_nothing_in_the_loop),
        LEDGER_TEST(a_timer_that_runs_for_long_takes_no_more_memory),
        LEDGER_TEST(a_start_without_memory_starts_nothing),
        LEDGER_TEST(ticks_that_memory_lacks_for_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Timers: when ticks begin, under each policy, and what they are given. How
 * timers end: test_timer_end.c. */
#include "support.h"

#include "ms.h"
#include "ticks.h"

static const hem_timer_options cancelling = {.policy = HEM_TIMER_CANCEL};
static const hem_timer_options skipping = {.policy = HEM_TIMER_SKIP};
static const hem_timer_options delaying = {.fixed_delay = true};

VIRTUAL_TEST(the_first_tick_is_at_once_and_then_at_each_interval)
{
    struct tick k = {0};
    hem_timer t;
    check_int(hem_sleep(3 * MS), 0);
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, NULL), 0);
    check_trace("");
    check_int(hem_sleep(39 * MS), 0);
    check_trace("3 13 23 33");
    check_int(hem_timer_stop(&t), 0);
    check_int(hem_sleep(50 * MS), 0);
    check_trace("");
    return 0;
}

VIRTUAL_TEST(ticks_accumulate_by_default)
{
    struct tick k = {.takes = 35 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, NULL), 0);
    check_int(hem_sleep(56 * MS), 0);
    check_trace("0 10 20 30 40 50");
    check_int(k.most, 4);
    check_int(hem_timer_stop(&t), 0);
    check_trace("c56 c56 c56");
    check_int(k.running, 0);
    return 0;
}

VIRTUAL_TEST(ticks_that_would_be_too_many_are_left_out)
{
    struct tick k = {.takes = 35 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k,
                              &(hem_timer_options){.max_at_once = 2}),
              0);
    check_int(hem_sleep(79 * MS), 0);
    check_int(k.most, 2);
    check_trace("0 10 40 50");
    check_int(hem_timer_stop(&t), 0);
    check_trace("c79");
    return 0;
}

static int linger(void *arg)
{
    (*(int *)arg)++;
    return hem_sleep(HEM_NEVER);
}

VIRTUAL_TEST(at_most_a_thousand_ticks_accumulate)
{
    int begun = 0;
    hem_timer t;
    check_int(hem_timer_start(&t, MS, linger, &begun, NULL), 0);
    check_int(hem_sleep(3 * HEM_SEC), 0);
    check_int(begun, 1000);
    return hem_timer_stop(&t);
}

VIRTUAL_TEST(the_cancel_policy_cancels_the_tick_before)
{
    struct tick k = {.takes = HEM_SEC};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &cancelling), 0);
    check_int(hem_sleep(25 * MS), 0);
    check_trace("0 c10 10 c20 20");
    check_int(hem_timer_stop(&t), 0);
    check_trace("c25");
    check_int(k.most, 1);
    return 0;
}

VIRTUAL_TEST(the_cancel_policy_lets_ticks_be_that_have_ended)
{
    struct tick k = {.takes = 9 * MS, .result = 5};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &cancelling), 0);
    check_int(hem_sleep(35 * MS), 0);
    check_trace("0 10 20 30");
    check_int(hem_timer_stop(&t), 0);
    check_trace("c35");
    return 0;
}

VIRTUAL_TEST(the_time_that_cancelling_takes_is_added_to_the_interval)
{
    struct tick k = {.takes = HEM_SEC, .cleanup = 7 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &cancelling), 0);
    check_int(hem_sleep(36 * MS), 0);
    check_trace("0 c17 17 c34 34");
    check_int(hem_timer_stop(&t), 0);
    check_trace("c43");
    return 0;
}

VIRTUAL_TEST(the_skip_policy_leaves_out_while_a_tick_runs)
{
    struct tick k = {.takes = 25 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &skipping), 0);
    check_int(hem_sleep(75 * MS), 0);
    check_trace("0 30 60"); /* still a multiple of the interval */
    check_int(k.most, 1);
    check_int(hem_timer_stop(&t), 0);
    check_trace("c75");
    return 0;
}

VIRTUAL_TEST(a_fixed_delay_counts_from_the_end_of_a_tick)
{
    struct tick k = {.takes = 25 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &delaying), 0);
    check_int(hem_sleep(72 * MS), 0);
    check_trace("0 35 70");
    check_int(k.most, 1);
    check_int(hem_timer_stop(&t), 0);
    check_trace("c72");
    return 0;
}

VIRTUAL_TEST(a_timer_of_fixed_delay_stops_while_it_waits_for_a_tick_and_between)
{
    struct tick k = {.takes = 25 * MS, .cleanup = 4 * MS};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &delaying), 0);
    check_int(hem_sleep(5 * MS), 0);
    check_int(hem_timer_stop(&t), 0);
    check_int(now_ms(), 9);
    check_trace("0 c9");
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &delaying), 0);
    check_int(hem_sleep(30 * MS), 0);
    check_int(hem_timer_stop(&t), 0);
    check_int(now_ms(), 39);
    check_trace("9");
    return 0;
}

/* In the very turn in which a tick ends by itself, before and behind it. */
VIRTUAL_TEST(a_timer_of_fixed_delay_stops_as_a_tick_ends)
{
    for (int i = 0; i < 10; i++) {
        struct tick k = {.takes = 5 * MS};
        hem_timer t;
        check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &delaying), 0);
        check_int(hem_sleep(5 * MS), 0);
        for (int turns = 0; turns < i; turns++)
            check_int(hem_yield(), 0);
        check_int(hem_timer_stop(&t), 0);
        check_int(k.begun, 1);
        trace_clear();
    }
    return 0;
}

static int hold_the_loop(void *arg)
{
    hem_virtual_clock *clock = arg;
    trace("%d", now_ms());
    if (now_ms() == 10)
        clock->now += 33 * MS;
    if (now_ms() == 60)
        clock->now += 5 * MS;
    return 0;
}

static int hold_the_loop_body(void *arg)
{
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, hold_the_loop, arg, NULL), 0);
    check_int(hem_sleep(95 * MS), 0);
    return hem_timer_stop(&t);
}

static void ticks_keep_their_rate_where_the_loop_is_held_up(void **state)
{
    (void)state;
    hem_virtual_clock clock = {0};
    hem_run_options opts = {.clock = &clock};
    check_int(run_with(hold_the_loop_body, &clock, &opts), 0);
    /* That of 20 is late, those of 30 and 40 are left out. */
    check_trace("0 10 43 50 60 70 80 90");
    run_assert_checks();
}

VIRTUAL_TEST(an_endless_interval_gives_one_tick)
{
    struct tick k = {0};
    hem_timer t;
    check_int(hem_timer_start(&t, HEM_NEVER, tick_run, &k, NULL), 0);
    check_int(hem_sleep(HEM_NEVER / 2), 0);
    check_int(k.begun, 1);
    trace_clear();
    return hem_timer_stop(&t);
}

VIRTUAL_TEST(a_failed_tick_is_reported_and_stops_nothing)
{
    static const hem_timer_options *const policies[] = {NULL, &cancelling,
                                                        &skipping, &delaying};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct tick k = {.takes = MS, .result = HEM_EIO};
        hem_timer t;
        check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, policies[i]), 0);
        check_int(hem_sleep(19 * MS), 0);
        check_int(k.begun, 2);
        check_int(hem_timer_stop(&t), 0);
        check_report(HEM_REPORT_CHILD, "tick_run", HEM_EIO);
        check_report(HEM_REPORT_CHILD, "tick_run", HEM_EIO);
    }
    trace_clear();
    return 0;
}

static int say_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)s;
    trace("%s:%s:%s", (const char *)arg, hem_task_name(child),
          hem_errname(error));
    return 0;
}

VIRTUAL_TEST(failed_ticks_go_to_the_handler_of_the_timer)
{
    struct tick k = {.result = HEM_EIO};
    hem_timer_options opts = {
        .on_error = say_error, .on_error_arg = "h", .tick_name = "beat"};
    hem_timer t;
    check_int(hem_timer_start(&t, 10 * MS, tick_run, &k, &opts), 0);
    check_int(hem_sleep(5 * MS), 0);
    check_trace("0 h:beat:HEM_EIO");
    return hem_timer_stop(&t);
}

static int name_yourself(void *arg)
{
    int line;
    (void)arg;
    trace("%s", hem_task_name(hem_self()));
    check_contains(hem_task_site(hem_self(), &line), "test_timer.c");
    check(line > 0);
    return 0;
}

VIRTUAL_TEST(timers_and_ticks_have_names_and_places)
{
    hem_timer t;
    int line;
    check_int(hem_timer_start(&t, MS, name_yourself, NULL, NULL), 0);
    check_str(hem_task_name(hem_timer_task(&t)), "timer");
    check_contains(hem_task_site(hem_timer_task(&t), &line), "test_timer.c");
    check_int(hem_sleep(MS / 2), 0);
    check_int(hem_timer_stop(&t), 0);
    hem_timer_options named = {.name = "heart", .tick_name = "beat"};
    check_int(hem_timer_start(&t, MS, name_yourself, NULL, &named), 0);
    check_str(hem_task_name(hem_timer_task(&t)), "heart");
    check_int(hem_sleep(MS / 2), 0);
    check_int(hem_timer_stop(&t), 0);
    check_trace("name_yourself beat");
    return 0;
}

static hem_var color = HEM_VAR("color", "none");

static int say_color(void *arg)
{
    (void)arg;
    trace("%s", (const char *)hem_var_get(&color));
    check_int(hem_var_set(&color, "tick's"), 0);
    return 0;
}

VIRTUAL_TEST(ticks_see_the_variables_of_who_started_the_timer)
{
    hem_timer t;
    check_int(hem_var_set(&color, "red"), 0);
    check_int(hem_timer_start(&t, MS, say_color, NULL, NULL), 0);
    check_int(hem_var_set(&color, "green"), 0);
    check_int(hem_sleep(MS + MS / 2), 0);
    check_trace("red red");
    return hem_timer_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_first_tick_is_at_once_and_then_at_each_interval),
        LEDGER_TEST(ticks_accumulate_by_default),
        LEDGER_TEST(ticks_that_would_be_too_many_are_left_out),
        LEDGER_TEST(at_most_a_thousand_ticks_accumulate),
        LEDGER_TEST(the_cancel_policy_cancels_the_tick_before),
        LEDGER_TEST(the_cancel_policy_lets_ticks_be_that_have_ended),
        LEDGER_TEST(the_time_that_cancelling_takes_is_added_to_the_interval),
        LEDGER_TEST(the_skip_policy_leaves_out_while_a_tick_runs),
        LEDGER_TEST(a_fixed_delay_counts_from_the_end_of_a_tick),
        LEDGER_TEST(
            a_timer_of_fixed_delay_stops_while_it_waits_for_a_tick_and_between),
        LEDGER_TEST(a_timer_of_fixed_delay_stops_as_a_tick_ends),
        LEDGER_TEST(ticks_keep_their_rate_where_the_loop_is_held_up),
        LEDGER_TEST(an_endless_interval_gives_one_tick),
        LEDGER_TEST(a_failed_tick_is_reported_and_stops_nothing),
        LEDGER_TEST(failed_ticks_go_to_the_handler_of_the_timer),
        LEDGER_TEST(timers_and_ticks_have_names_and_places),
        LEDGER_TEST(ticks_see_the_variables_of_who_started_the_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

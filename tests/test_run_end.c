/* SPDX-License-Identifier: MIT */
/* The end of a run: what is left is cancelled, in order, and awaited. */
#include "support.h"

static int say_when_cancelled(void *arg)
{
    int rc = hem_sleep(HEM_NEVER);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_str(hem_task_reason(hem_self()), NULL);
    trace("%s", (const char *)arg);
    return rc;
}

FIFO_TEST(tasks_that_are_left_are_cancelled_in_order_of_creation)
{
    static char names[][2] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        check_int(hem_spawn(NULL, say_when_cancelled, names[i]), 0);
    return hem_sleep(1);
}

static void the_order_was_that_of_creation(void **state)
{
    tasks_that_are_left_are_cancelled_in_order_of_creation(state);
    check_trace("a b c d e");
    run_assert_checks();
}

static int clean_up_slowly(void *arg)
{
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    check_int(hem_sleep(100), 0);
    *(hem_ns *)arg = hem_now();
    return 0;
}

static int leave_slow_one(void *arg)
{
    check_int(hem_spawn(NULL, clean_up_slowly, arg), 0);
    return hem_sleep(1);
}

static void the_end_waits_for_those_that_clean_up(void **state)
{
    (void)state;
    hem_ns ended = 0;
    assert_int_equal(run_virtual(leave_slow_one, &ended), 0);
    assert_int_equal(ended, 101);
    run_assert_checks();
}

static int unreachable(void *arg)
{
    (void)arg;
    check_never("this task runs");
    return 0;
}

/* The turn in which main ended is finished: what was ready has run. */
static int set_flag(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int leave_ready(void *arg)
{
    return hem_spawn(NULL, set_flag, arg);
}

static void tasks_that_were_ready_when_main_ended_still_run(void **state)
{
    (void)state;
    bool ran = false;
    assert_int_equal(run_fifo(leave_ready, &ran), 0);
    assert_true(ran);
    run_assert_checks();
}

/* May be interrupted again while it cleans up. */
static int end_at_101(void *arg)
{
    (void)arg;
    while (hem_now() < 101)
        (void)!hem_sleep(101 - hem_now());
    return 0;
}

static int keep_child(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_at_101, NULL), 0);
    int rc = hem_scope_close(&s, 0);
    *(hem_ns *)arg = hem_now();
    return rc;
}

static int leave_scope(void *arg)
{
    check_int(hem_spawn(NULL, keep_child, arg), 0);
    return hem_sleep(1);
}

static void the_children_of_scopes_are_cancelled_too(void **state)
{
    (void)state;
    hem_ns ended = 0;
    assert_int_equal(run_virtual(leave_scope, &ended), 0);
    assert_int_equal(ended, 101);
    run_assert_checks();
}

static int shielded(void *arg)
{
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_sleep(100), 0);
    *(hem_ns *)arg = hem_now();
    return hem_shield_close(&s, 0);
}

static int leave_shielded(void *arg)
{
    check_int(hem_spawn(NULL, shielded, arg), 0);
    return hem_sleep(1);
}

static void the_end_waits_for_shielded_tasks(void **state)
{
    (void)state;
    hem_ns ended = 0;
    assert_int_equal(run_virtual(leave_shielded, &ended), 0);
    assert_int_equal(ended, 100);
    run_assert_checks();
}

struct late {
    int spawned;      /* result of a spawn in the first round */
    int refused;      /* and in the second */
    bool interrupted; /* the task of the first round was */
};

static int late_task(void *arg)
{
    struct late *l = arg;
    l->interrupted = hem_sleep(HEM_NEVER) == HEM_ECANCELED;
    hem_task *t = NULL;
    l->refused = hem_spawn(&t, unreachable, NULL);
    check(t == NULL);
    return 0;
}

static int spawn_when_cancelled(void *arg)
{
    struct late *l = arg;
    int rc = hem_sleep(HEM_NEVER);
    l->spawned = hem_spawn(NULL, late_task, l);
    return rc;
}

static int leave_spawner(void *arg)
{
    check_int(hem_spawn(NULL, spawn_when_cancelled, arg), 0);
    return hem_sleep(1);
}

static void
tasks_spawned_by_the_end_are_cancelled_and_may_spawn_no_more(void **state)
{
    (void)state;
    struct late l = {1, 1, false};
    assert_int_equal(run_fifo(leave_spawner, &l), 0);
    assert_int_equal(l.spawned, 0);
    assert_true(l.interrupted);
    assert_int_equal(l.refused, HEM_EREFUSED);
    run_assert_checks();
}

static void set(void *arg)
{
    *(bool *)arg = true;
}

struct callbacks {
    hem_callback soon, later;
    bool soon_ran, later_ran;
};

static int leave_callbacks(void *arg)
{
    struct callbacks *c = arg;
    hem_callback_init(&c->soon, set, &c->soon_ran);
    hem_callback_init(&c->later, set, &c->later_ran);
    check_int(hem_call_soon(&c->soon), 0);
    return hem_call_later(&c->later, HEM_SEC);
}

static void callbacks_that_are_ready_run_and_timers_are_dropped(void **state)
{
    (void)state;
    struct callbacks c = {0};
    assert_int_equal(run_virtual(leave_callbacks, &c), 0);
    assert_true(c.soon_ran);
    assert_false(c.later_ran);
}

static hem_callback again, other;

static void schedule_again(void *arg)
{
    (void)arg;
    hem_callback_cancel(&other);
    check_int(hem_call_soon(&again), 0);
    check_int(hem_call_soon(&other), 0);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

static int leave_endless(void *arg)
{
    hem_callback_init(&again, schedule_again, arg);
    hem_callback_init(&other, do_nothing, arg);
    return hem_call_soon(&again);
}

static void
callbacks_that_schedule_themselves_do_not_hold_the_end_up(void **state)
{
    (void)state;
    assert_int_equal(run_virtual(leave_endless, NULL), 0);
    run_assert_checks();
}

static int fail_when_cancelled(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    return hem_fail(HEM_EIO, "cannot save");
}

static int use_handle(void *arg)
{
    hem_task *t = *(hem_task **)arg;
    bool flag;
    hem_task *more[3];
    for (size_t i = 0; i < COUNT_OF(more); i++)
        check_int(hem_spawn(&more[i], set_flag, &flag), 0);
    while (hem_yield() == 0)
        continue;
    check(hem_task_done(t));
    check_int(hem_task_result(t), HEM_EIO);
    check_str(hem_task_error(t)->message, "cannot save");
    return 0;
}

static int spawn_user(void *arg)
{
    int rc = hem_sleep(HEM_NEVER);
    check_int(hem_spawn(NULL, use_handle, arg), 0);
    return rc;
}

static int leave_failing(void *arg)
{
    hem_task **t = arg;
    check_int(hem_spawn(t, fail_when_cancelled, NULL), 0);
    check_int(hem_spawn(NULL, spawn_user, t), 0);
    return hem_sleep(1);
}

static void handles_are_valid_to_the_end(void **state)
{
    (void)state;
    hem_task *t;
    assert_int_equal(run_fifo(leave_failing, &t), 0);
    check_report(HEM_REPORT_AT_EXIT, "fail_when_cancelled", HEM_EIO);
    run_assert_checks();
}

static int run_cancelled_main(void *arg)
{
    check_int(hem_spawn(NULL, clean_up_slowly, arg), 0);
    check_int(hem_sleep(1), 0);
    hem_task_cancel(hem_self(), "enough");
    return hem_sleep(HEM_NEVER);
}

static void a_cancelled_main_ends_the_run_in_the_same_way(void **state)
{
    (void)state;
    hem_ns ended = 0;
    assert_int_equal(run_virtual(run_cancelled_main, &ended), HEM_ECANCELED);
    assert_int_equal(ended, 101);
    run_assert_checks();
}

static int count_down(void *arg)
{
    int *left = arg;
    if (--*left == 0)
        return 0;
    hem_task *t;
    HEM_TRY(hem_spawn(&t, count_down, left));
    return hem_await(t);
}

/* All of a chain are requested at once, and each passes its request on. */
static int leave_chain(void *arg)
{
    check_int(hem_spawn(NULL, count_down, arg), 0);
    return hem_yield();
}

static void a_chain_that_is_growing_ends(void **state)
{
    (void)state;
    int left = 1000000;
    assert_int_equal(run_virtual(leave_chain, &left), 0);
    assert_true(left > 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_order_was_that_of_creation),
        LEDGER_TEST(the_end_waits_for_those_that_clean_up),
        LEDGER_TEST(tasks_that_were_ready_when_main_ended_still_run),
        LEDGER_TEST(the_children_of_scopes_are_cancelled_too),
        LEDGER_TEST(the_end_waits_for_shielded_tasks),
        LEDGER_TEST(
            tasks_spawned_by_the_end_are_cancelled_and_may_spawn_no_more),
        LEDGER_TEST(callbacks_that_are_ready_run_and_timers_are_dropped),
        LEDGER_TEST(callbacks_that_schedule_themselves_do_not_hold_the_end_up),
        LEDGER_TEST(handles_are_valid_to_the_end),
        LEDGER_TEST(a_cancelled_main_ends_the_run_in_the_same_way),
        LEDGER_TEST(a_chain_that_is_growing_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

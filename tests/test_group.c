/* SPDX-License-Identifier: MIT */
/* Task groups: the first failure cancels the others and interrupts the owner. */
#include "support.h"

#include "children.h"

static const hem_scope_options group = {.kind = HEM_TASKGROUP};

static int fail_now(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

/* One is, and interrupts the next wait. */
static void check_interrupted(void)
{
    check_int(hem_task_cancelling(hem_self()), 1);
    check(hem_task_cancel_pending(hem_self()));
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_yield(), 0);
}

VIRTUAL_TEST(a_group_that_does_not_fail_ends_as_its_body)
{
    static const int results[] = {0, 7};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_ns start = hem_now(), d[] = {30, 10};
        hem_scope s;
        check_int(hem_scope_open(&s, &group), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_for, &d[0]), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_for, &d[1]), 0);
        check_int(hem_scope_close(&s, results[i]), results[i]);
        check_int(hem_now(), start + 30);
        check(hem_scope_errors(&s) == NULL);
        check_calm();
    }
    return 0;
}

VIRTUAL_TEST(the_first_failure_cancels_the_others_and_interrupts_the_body)
{
    hem_scope s;
    hem_task *sibling, *unborn, *failed;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, &sibling, end_slowly, NULL), 0);
    check_int(hem_scope_spawn(&s, &failed, fail_soon, NULL), 0);
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_str(hem_task_reason(hem_self()), NULL);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_task_result(failed), HEM_EIO);
    check_int(hem_scope_spawn(&s, &unborn, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    check_int(hem_now(), 15);
    check_errors(&s, 1);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_failure_while_the_owner_waits_cancels_the_others)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_now(), 15);
    check_errors(&s, 1);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_body_that_ignores_the_interruption_fails_all_the_same)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_sleep(10), HEM_ECANCELED);
    check_int(hem_sleep(10), 0); /* an edge */
    check_int(hem_scope_close(&s, 3), HEM_EGROUP);
    check_int(hem_now(), 15);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_cancelled_child_is_no_failure)
{
    hem_scope s;
    hem_task *t;
    hem_ns d = 20;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 20);
    check_calm();
    return 0;
}

VIRTUAL_TEST(children_that_fail_in_the_same_turn_are_all_collected)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    for (int i = 0; i < 5; i++)
        check_int(hem_scope_spawn(&s, NULL, fail_as_cancelled, NULL), 0);
    for (int i = 0; i < 5; i++)
        check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_task_cancelling(hem_self()), 1); /* once */
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    check_int(hem_now(), 5);
    const hem_error *e = hem_scope_errors(&s);
    size_t io = 0, pipe = 0;
    for (size_t i = 0; i < e->count; i++) {
        io += e->errors[i]->code == HEM_EIO;
        pipe += e->errors[i]->code == HEM_EPIPE;
    }
    /* Those cancelled before they ran had no wait to return from. */
    check(io >= 1 && io <= 5);
    check_int(pipe, 5);
    check_calm();
    return 0;
}

FIFO_TEST(errors_are_in_the_order_of_their_failing)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_as_cancelled, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->count, 2);
    check_int(e->errors[0]->code, HEM_EIO);
    check_int(e->errors[1]->code, HEM_EPIPE);
    return 0;
}

VIRTUAL_TEST(an_error_of_the_body_cancels_the_children_and_is_in_the_group)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, fail_as_cancelled, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, HEM_EXDEV), HEM_EGROUP);
    check_int(hem_now(), 11);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->count, 2);
    check_int(e->errors[0]->code, HEM_EPIPE);
    check_int(e->errors[1]->code, HEM_EXDEV); /* it failed first, but waited */
    check_str(e->errors[1]->task, "main");
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_body_that_ends_cancelled_cancels_the_children)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    check_int(hem_now(), 11);
    check(hem_scope_errors(&s) == NULL);
    check_calm();
    return 0;
}

static int own_in_body(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, *(hem_fn **)arg, NULL), 0);
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "stop");
    return hem_scope_close(&s, rc);
}

static int own_waiting(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, *(hem_fn **)arg, NULL), 0);
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_cancelled_owner_ends_cancelled)
{
    static hem_fn *const owners[] = {own_in_body, own_waiting};
    for (size_t i = 0; i < COUNT_OF(owners); i++) {
        hem_ns start = hem_now();
        hem_fn *child = end_slowly;
        hem_task *owner;
        check_int(hem_spawn(&owner, owners[i], &child), 0);
        check_int(hem_sleep(5), 0);
        check(hem_task_cancel(owner, "stop"));
        check_int(hem_await(owner), HEM_ECANCELED);
        check_int(hem_task_cancelling(owner), 1);
        check_int(hem_now(), start + 15);
    }
    return 0;
}

VIRTUAL_TEST(a_cancelled_owner_whose_children_then_fail_fails)
{
    static hem_fn *const owners[] = {own_in_body, own_waiting};
    for (size_t i = 0; i < COUNT_OF(owners); i++) {
        hem_fn *child = fail_as_cancelled;
        hem_task *owner;
        check_int(hem_spawn(&owner, owners[i], &child), 0);
        check_int(hem_sleep(5), 0);
        check(hem_task_cancel(owner, "stop"));
        check_int(hem_await(owner), HEM_EGROUP);
        check_int(hem_task_error(owner)->count, 1);
        check_int(hem_task_cancelling(owner), 1);
    }
    return 0;
}

static int own_and_yield(void *arg)
{
    hem_fn *child = fail_as_cancelled;
    check_int(own_waiting(&child), HEM_EGROUP);
    check_interrupted(); /* the request goes on, as in asyncio */
    *(bool *)arg = true;
    return 0;
}

VIRTUAL_TEST(then_the_request_interrupts_the_next_wait_once_more)
{
    hem_task *owner;
    bool reached = false;
    check_int(hem_spawn(&owner, own_and_yield, &reached), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(owner, "stop"));
    check_int(hem_await(owner), 0);
    check(reached);
    return 0;
}

static int own_while_one_fails(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    if (*(int *)arg) {
        check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
        check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    } else {
        check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    }
    check_errors(&s, 1);
    check_interrupted();
    return 0;
}

static void cancel_it(void *arg)
{
    check(hem_task_cancel(arg, "stop"));
}

VIRTUAL_TEST(an_owner_cancelled_as_a_child_fails_gets_both)
{
    for (int in_body = 0; in_body < 2; in_body++) {
        hem_task *owner;
        hem_callback cb;
        check_int(hem_spawn(&owner, own_while_one_fails, &in_body), 0);
        hem_callback_init(&cb, cancel_it, owner);
        check_int(hem_call_later(&cb, 5), 0);
        check_int(hem_await(owner), 0);
        check_int(hem_task_cancelling(owner), 1);
    }
    return 0;
}

static int own_cancelled_twice(void *arg)
{
    (void)arg;
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 15);
    check_int(hem_task_cancelling(hem_self()), 2);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_second_request_during_the_wait_is_swallowed)
{
    hem_task *owner;
    check_int(hem_spawn(&owner, own_cancelled_twice, NULL), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(owner, "stop"));
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(owner, "now"));
    check_int(hem_await(owner), 0);
    return 0;
}

VIRTUAL_TEST(an_owner_that_awaits_the_failing_child_sees_a_cancellation)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, &t, fail_soon, NULL), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    check_calm();
    return 0;
}

VIRTUAL_TEST(an_eager_child_that_fails_at_once_interrupts_the_next_wait)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn_with(&s, NULL, fail_now, NULL, .eager = true), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    check_errors(&s, 1);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_failure_that_did_not_interrupt_yet_does_not_do_so_later)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn_with(&s, NULL, fail_now, NULL, .eager = true), 0);
    check(hem_task_cancel_pending(hem_self()));
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_calm();
    return 0;
}

VIRTUAL_TEST(abort_cancels_the_children_and_leaves_the_owner_alone)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_as_cancelled, NULL), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "enough");
    check_int(hem_sleep(1), 0); /* nor does the failure that comes of it */
    check_str(hem_task_reason(t), "enough");
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_errors(&s, 1);
    check_calm();
    return 0;
}

static int never_called(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)s, (void)child, (void)error;
    check_never("the error handler of a group is called");
    return 0;
}

VIRTUAL_TEST(a_group_has_no_use_for_an_error_handler)
{
    hem_scope s;
    hem_scope_options o = {.kind = HEM_TASKGROUP, .on_error = never_called};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    return 0;
}

static int spawn_another(void *arg)
{
    check_int(hem_sleep(3), 0);
    check_int(hem_scope_spawn(arg, NULL, fail_soon, NULL), 0);
    return 0;
}

VIRTUAL_TEST(children_may_spawn_children_while_the_owner_waits)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, spawn_another, &s), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_now(), 8);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_calm();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_group_that_does_not_fail_ends_as_its_body),
        LEDGER_TEST(
            the_first_failure_cancels_the_others_and_interrupts_the_body),
        LEDGER_TEST(a_failure_while_the_owner_waits_cancels_the_others),
        LEDGER_TEST(a_body_that_ignores_the_interruption_fails_all_the_same),
        LEDGER_TEST(a_cancelled_child_is_no_failure),
        LEDGER_TEST(children_that_fail_in_the_same_turn_are_all_collected),
        LEDGER_TEST(errors_are_in_the_order_of_their_failing),
        LEDGER_TEST(
            an_error_of_the_body_cancels_the_children_and_is_in_the_group),
        LEDGER_TEST(a_body_that_ends_cancelled_cancels_the_children),
        LEDGER_TEST(a_cancelled_owner_ends_cancelled),
        LEDGER_TEST(a_cancelled_owner_whose_children_then_fail_fails),
        LEDGER_TEST(then_the_request_interrupts_the_next_wait_once_more),
        LEDGER_TEST(an_owner_cancelled_as_a_child_fails_gets_both),
        LEDGER_TEST(a_second_request_during_the_wait_is_swallowed),
        LEDGER_TEST(an_owner_that_awaits_the_failing_child_sees_a_cancellation),
        LEDGER_TEST(an_eager_child_that_fails_at_once_interrupts_the_next_wait),
        LEDGER_TEST(a_failure_that_did_not_interrupt_yet_does_not_do_so_later),
        LEDGER_TEST(abort_cancels_the_children_and_leaves_the_owner_alone),
        LEDGER_TEST(a_group_has_no_use_for_an_error_handler),
        LEDGER_TEST(children_may_spawn_children_while_the_owner_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

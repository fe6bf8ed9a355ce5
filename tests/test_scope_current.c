/* SPDX-License-Identifier: MIT */
/* The current scope, and whether a request waits to be delivered. */
#include "support.h"

#include "children.h"

static int is_current(void *arg)
{
    check(hem_scope_current() == arg);
    check_int(hem_yield(), 0);
    check(hem_scope_current() == arg);
    return 1;
}

VIRTUAL_TEST(it_is_the_innermost_open_one)
{
    hem_scope a, b, c;
    check(hem_scope_current() == NULL);
    check_int(hem_scope_open(&a, NULL), 0);
    check(hem_scope_current() == &a);
    check_int(hem_scope_open(&b, NULL), 0);
    check(hem_scope_current() == &b);
    check_int(hem_scope_open(&c, NULL), 0);
    check(hem_scope_current() == &c);
    check_int(hem_scope_close(&c, 0), 0);
    check(hem_scope_current() == &b);
    check_int(hem_scope_close(&b, 0), 0);
    check_int(hem_scope_close(&a, 0), 0);
    check(hem_scope_current() == NULL);
    return 0;
}

static const hem_scope_kind kinds[] = {HEM_TASKSCOPE,   HEM_SUPERVISOR,
                                       HEM_SHIELDSCOPE, HEM_TASKGROUP,
                                       HEM_TASKCONTEXT, HEM_PERSISTENT};

VIRTUAL_TEST(scopes_that_nest_with_none_are_not)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        bool nests = kinds[i] != HEM_TASKCONTEXT && kinds[i] != HEM_PERSISTENT;
        hem_scope s;
        hem_scope_options o = {.kind = kinds[i]};
        check_int(hem_scope_open(&s, &o), 0);
        check(hem_scope_current() == (nests ? &s : NULL));
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(to_a_child_it_is_its_parents)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope s;
        hem_task *t;
        hem_scope_options o = {.kind = kinds[i], .limit = 1};
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_spawn(&s, &t, is_current, &s), 0);
        check_int(hem_await(t), 1);
        check_int(hem_scope_spawn_with(&s, &t, is_current, &s, .eager = true),
                  0);
        check_int(hem_await(t), 1);
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

static int open_own(void *arg)
{
    hem_scope s;
    check(hem_scope_current() == arg);
    check_int(hem_scope_open(&s, NULL), 0);
    check(hem_scope_current() == &s);
    check_int(hem_scope_spawn(&s, NULL, is_current, &s), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check(hem_scope_current() == arg);
    return 1;
}

VIRTUAL_TEST(a_childs_own_comes_first)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, open_own, &s), 0);
    check_int(hem_await(t), 1);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_task_of_the_loop_has_none)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_spawn(&t, is_current, NULL), 0);
    check_int(hem_await(t), 1);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(shields_without_children_do_not_count)
{
    hem_scope shield, s;
    check_int(hem_shield_open(&shield, NULL), 0);
    check(hem_scope_current() == NULL);
    check_int(hem_shield_close(&shield, 0), 0);
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_shield_open(&shield, NULL), 0);
    check(hem_scope_current() == &s);
    check_int(hem_shield_close(&shield, 0), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static void has_none(void *arg)
{
    check(hem_scope_current() == NULL);
    *(bool *)arg = true;
}

static int handler_has_none(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)s, (void)child, (void)error;
    has_none(arg);
    return 0;
}

static int fail_now(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

VIRTUAL_TEST(a_callback_has_none)
{
    bool called = false, handled = false;
    hem_scope_options o = {.on_error = handler_has_none,
                           .on_error_arg = &handled};
    hem_scope s;
    hem_callback cb;
    hem_callback_init(&cb, has_none, &called);
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(called && handled);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int spawn_into_current(void *arg)
{
    return hem_scope_spawn(hem_scope_current(), NULL, is_current, arg);
}

VIRTUAL_TEST(a_task_may_spawn_into_it)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, spawn_into_current, &s), 0);
    check_int(hem_yield(), 0);
    check_int(hem_scope_children(&s), 1);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

/* hem_task_cancel_pending(). */

VIRTUAL_TEST(a_request_to_one_who_runs_is_pending_until_it_waits)
{
    hem_task *self = hem_self();
    check(!hem_task_cancel_pending(self));
    check(hem_task_cancel(self, NULL));
    check(hem_task_cancel_pending(self));
    check_int(hem_yield(), HEM_ECANCELED);
    check(!hem_task_cancel_pending(self));
    check_int(hem_task_cancelling(self), 1);
    check(hem_task_cancel(self, NULL));
    check(hem_task_cancel_pending(self));
    check_int(hem_task_uncancel(self), 1);
    check(hem_task_cancel_pending(self)); /* one is left */
    check_int(hem_task_uncancel(self), 0);
    check(!hem_task_cancel_pending(self));
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(one_that_is_kept_back_is_not_pending)
{
    hem_task *self = hem_self();
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check(hem_task_cancel(self, NULL));
    check(!hem_task_cancel_pending(self));
    check_int(hem_yield(), 0);
    check_int(hem_shield_close(&s, 0), HEM_ECANCELED);
    check(hem_task_cancel_pending(self));
    check_int(hem_yield(), HEM_ECANCELED);
    check(!hem_task_cancel_pending(self));
    return 0;
}

VIRTUAL_TEST(one_from_before_the_shield_is_pending_within_it)
{
    hem_task *self = hem_self();
    hem_scope s;
    check(hem_task_cancel(self, NULL));
    check_int(hem_shield_open(&s, NULL), 0);
    check(hem_task_cancel_pending(self));
    check_int(hem_yield(), HEM_ECANCELED);
    check(!hem_task_cancel_pending(self));
    check_int(hem_shield_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(one_that_interrupts_a_wait_is_delivered_with_it)
{
    hem_task *t, *ended;
    check_int(hem_spawn(&t, sleep_long, NULL), 0);
    check(!hem_task_cancel_pending(t));
    check_int(hem_spawn(&ended, is_current, NULL), 0);
    check(hem_task_cancel(ended, NULL)); /* it never begins */
    check(hem_task_cancel_pending(ended));
    check_int(hem_sleep(1), 0);
    check(!hem_task_cancel_pending(ended));
    check(hem_task_cancel(t, NULL));
    check(!hem_task_cancel_pending(t)); /* its sleep has ended with it */
    check_int(hem_await(t), HEM_ECANCELED);
    check(!hem_task_cancel_pending(t));
    return 0;
}

static void wake_and_cancel(void *arg)
{
    hem_future **f = arg;
    check_int(hem_future_set_result(f[0], 1), 0);
    check(hem_task_cancel((hem_task *)(void *)f[1], NULL));
    check(hem_task_cancel_pending((hem_task *)(void *)f[1]));
}

VIRTUAL_TEST(one_in_the_turn_of_the_result_is_pending_until_it_runs)
{
    hem_future f;
    hem_future_init(&f);
    void *both[] = {&f, hem_self()};
    hem_callback cb;
    hem_callback_init(&cb, wake_and_cancel, both);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_future_wait(&f), HEM_ECANCELED);
    check(!hem_task_cancel_pending(hem_self()));
    check_int(hem_future_result(&f), 1);
    return 0;
}

static int end_with_pending(void *arg)
{
    (void)arg;
    check(hem_task_cancel(hem_self(), NULL));
    return 0;
}

VIRTUAL_TEST(a_task_that_has_ended_has_none)
{
    hem_task *t;
    check_int(hem_spawn(&t, end_with_pending, NULL), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check(!hem_task_cancel_pending(t));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(it_is_the_innermost_open_one),
        LEDGER_TEST(scopes_that_nest_with_none_are_not),
        LEDGER_TEST(to_a_child_it_is_its_parents),
        LEDGER_TEST(a_childs_own_comes_first),
        LEDGER_TEST(a_task_of_the_loop_has_none),
        LEDGER_TEST(shields_without_children_do_not_count),
        LEDGER_TEST(a_callback_has_none),
        LEDGER_TEST(a_task_may_spawn_into_it),
        LEDGER_TEST(a_request_to_one_who_runs_is_pending_until_it_waits),
        LEDGER_TEST(one_that_is_kept_back_is_not_pending),
        LEDGER_TEST(one_from_before_the_shield_is_pending_within_it),
        LEDGER_TEST(one_that_interrupts_a_wait_is_delivered_with_it),
        LEDGER_TEST(one_in_the_turn_of_the_result_is_pending_until_it_runs),
        LEDGER_TEST(a_task_that_has_ended_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

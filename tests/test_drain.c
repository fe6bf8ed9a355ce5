/* SPDX-License-Identifier: MIT */
/* Draining: time for the children to end by themselves, then no more. */
#include "support.h"

#include "children.h"

static const hem_scope_kind kinds[] = {HEM_TASKSCOPE,   HEM_SUPERVISOR,
                                       HEM_SHIELDSCOPE, HEM_TASKGROUP,
                                       HEM_TASKCONTEXT, HEM_PERSISTENT};

static void open_kind(hem_scope *s, hem_scope_kind kind)
{
    check_int(hem_scope_open(s, &(hem_scope_options){.kind = kind}), 0);
}

VIRTUAL_TEST(children_that_end_in_time_are_left_alone)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_ns start = hem_now(), d[] = {5, 20, 10};
        hem_scope s;
        open_kind(&s, kinds[i]);
        for (size_t k = 0; k < COUNT_OF(d); k++)
            check_int(hem_scope_spawn(&s, NULL, sleep_for, &d[k]), 0);
        check_int(hem_scope_drain(&s, 21), 0);
        check_int(hem_now(), start + 20);
        check_int(hem_scope_children(&s), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_for, &d[0]), 0);
        check_int(hem_scope_drain(&s, HEM_NEVER), 0); /* once more */
        check_int(hem_scope_close(&s, 3), 3);
        check_int(hem_now(), start + 25);
        check_int(hem_sleep(100), 0); /* the time limit is gone */
    }
    return 0;
}

VIRTUAL_TEST(those_that_do_not_are_cancelled_and_waited_for)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_ns start = hem_now();
        hem_scope s;
        hem_task *t;
        open_kind(&s, kinds[i]);
        check_int(hem_scope_spawn(&s, &t, end_slowly, NULL), 0);
        check_int(hem_scope_drain(&s, 20), HEM_ETIMEDOUT);
        check_int(hem_now(), start + 30);
        check(hem_task_cancelled(t));
        check_str(hem_task_reason(t), "grace period over");
        bool again = kinds[i] == HEM_PERSISTENT;
        check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL),
                  again ? 0 : HEM_EREFUSED);
        check_int(hem_scope_drain(&s, 20), again ? HEM_ETIMEDOUT : 0);
        check_int(hem_task_cancelling(hem_self()), 0);
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(without_time_they_are_cancelled_in_the_next_turn)
{
    static const hem_ns graces[] = {0, -1, -HEM_SEC, -HEM_NEVER};
    for (size_t i = 0; i < COUNT_OF(graces); i++) {
        hem_ns start = hem_now();
        hem_scope s;
        open_kind(&s, HEM_TASKSCOPE);
        check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
        check_int(hem_sleep(1), 0);
        check_int(hem_scope_drain(&s, graces[i]), HEM_ETIMEDOUT);
        check_int(hem_now(), start + 11);
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

static int count(void *arg)
{
    ++*(int *)arg;
    return 0;
}

FIFO_TEST(without_children_it_gives_way_once)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        int counted = 0;
        hem_scope s;
        open_kind(&s, kinds[i]);
        check_int(hem_spawn(NULL, count, &counted), 0);
        check_int(hem_scope_drain(&s, HEM_SEC), 0);
        check_int(counted, 1);
        check_int(hem_now(), 0);
        bool shielded = kinds[i] == HEM_SHIELDSCOPE;
        check(hem_task_cancel(hem_self(), NULL));
        check_int(hem_scope_drain(&s, HEM_SEC), shielded ? 0 : HEM_ECANCELED);
        check_int(hem_task_uncancel(hem_self()), 0);
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(what_is_not_open_is_not_drained)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope s;
        open_kind(&s, kinds[i]);
        check_int(hem_scope_close(&s, 0), 0);
        check_int(hem_scope_drain(&s, HEM_SEC), HEM_EMISUSE);
    }
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_scope_drain(&s, HEM_SEC), HEM_EMISUSE);
    check_int(hem_shield_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(where_memory_lacks_nothing_is_done)
{
    enum { MAX = 1000 };
    static hem_scope filler[MAX];
    hem_scope_options o = {.timeout = HEM_SEC};
    hem_scope s;
    open_kind(&s, HEM_PERSISTENT);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_sleep(1), 0);
    size_t n = 0;
    ledger_fail_from(1);
    while (n < MAX && hem_scope_open(&filler[n], &o) == 0)
        n++;
    check_int(hem_scope_drain(&s, 5), HEM_ENOMEM);
    check_int(hem_now(), 1);
    check_int(hem_scope_children(&s), 1);
    while (n-- > 0)
        check_int(hem_scope_close(&filler[n], 0), 0);
    check_int(hem_scope_drain(&s, 5), HEM_ETIMEDOUT); /* there is room again */
    ledger_fail_from(0);
    check_int(hem_now(), 6);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

/* Cancelled callers. */

static int own_and_drain(void *arg)
{
    hem_scope s;
    open_kind(&s, *(hem_scope_kind *)arg);
    hem_task *t;
    check_int(hem_scope_spawn(&s, &t, end_slowly, NULL), 0);
    int rc = hem_scope_drain(&s, HEM_SEC);
    check_str(hem_task_reason(t), "stop");
    check_int(hem_scope_children(&s), 0);
    int closed = hem_scope_close(&s, 0);
    return rc < 0 ? rc : closed;
}

VIRTUAL_TEST(cancelling_the_caller_cancels_the_children)
{
    static hem_scope_kind interruptible[] = {HEM_TASKSCOPE, HEM_SUPERVISOR,
                                             HEM_TASKGROUP, HEM_TASKCONTEXT,
                                             HEM_PERSISTENT};
    for (size_t i = 0; i < COUNT_OF(interruptible); i++) {
        hem_ns start = hem_now();
        hem_task *t;
        check_int(hem_spawn(&t, own_and_drain, &interruptible[i]), 0);
        check_int(hem_sleep(5), 0);
        check(hem_task_cancel(t, "stop"));
        check_int(hem_await(t), HEM_ECANCELED);
        check_int(hem_now(), start + 15);
    }
    return 0;
}

static int drain_pending(void *arg)
{
    hem_scope s;
    open_kind(&s, *(hem_scope_kind *)arg);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(hem_self(), "stop"));
    check_int(hem_scope_drain(&s, HEM_SEC), HEM_ECANCELED);
    check_int(hem_now(), 11);
    check_int(hem_task_uncancel(hem_self()), 0);
    return hem_scope_close(&s, 0);
}

static void a_pending_request_of_the_caller_does_so_at_once(void **state)
{
    (void)state;
    static hem_scope_kind some[] = {HEM_TASKSCOPE, HEM_TASKGROUP,
                                    HEM_TASKCONTEXT, HEM_PERSISTENT};
    for (size_t i = 0; i < COUNT_OF(some); i++)
        check_int(run_virtual(drain_pending, &some[i]), 0);
    run_assert_checks();
}

static int drain_after_grace(void *arg)
{
    hem_scope *s = arg;
    check_int(hem_scope_drain(s, 5), HEM_ECANCELED);
    check_int(hem_now(), 15);
    check_int(hem_task_cancelling(hem_self()), 1);
    return 0;
}

VIRTUAL_TEST(a_request_while_the_cancelled_ones_end_is_not_lost)
{
    hem_scope s;
    hem_task *t;
    open_kind(&s, HEM_PERSISTENT);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_spawn(&t, drain_after_grace, &s), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_scope_that_was_shut_down_is_drained_as_well)
{
    hem_scope s;
    open_kind(&s, HEM_PERSISTENT);
    check_int(hem_scope_shutdown(&s), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_scope_drain(&s, 5), HEM_ETIMEDOUT);
    check_int(hem_now(), 15);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

/* Draining by others than the owner, who closes meanwhile. */

struct shared {
    hem_scope *scope;
    hem_ns grace;
    hem_fn *child;
    void *arg;
};

static int drain_it(void *arg)
{
    struct shared *s = arg;
    return hem_scope_drain(s->scope, s->grace);
}

static int own_and_close(void *arg)
{
    struct shared *s = arg;
    s->scope = malloc(sizeof(*s->scope));
    open_kind(s->scope, HEM_TASKSCOPE);
    check_int(hem_scope_spawn(s->scope, NULL, s->child, s->arg), 0);
    int rc = hem_scope_close(s->scope, 0);
    memset(s->scope, 0xa5, sizeof(*s->scope));
    free(s->scope);
    return rc;
}

VIRTUAL_TEST(several_may_drain_while_the_owner_closes)
{
    hem_ns d = 30;
    struct shared s = {.grace = 50, .child = sleep_for, .arg = &d};
    hem_task *owner, *others[5];
    check_int(hem_spawn(&owner, own_and_close, &s), 0);
    check_int(hem_sleep(1), 0);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_int(hem_spawn(&others[i], drain_it, &s), 0);
    check_int(hem_await(owner), 0);
    check_int(hem_now(), 30);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_int(hem_await(others[i]), 0);
    return 0;
}

VIRTUAL_TEST(all_of_them_hear_that_time_is_over)
{
    struct shared s = {.grace = 50, .child = end_slowly};
    hem_task *owner, *others[5];
    check_int(hem_spawn(&owner, own_and_close, &s), 0);
    check_int(hem_sleep(1), 0);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_int(hem_spawn(&others[i], drain_it, &s), 0);
    check_int(hem_await(owner), 0);
    check_int(hem_now(), 61);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_int(hem_await(others[i]), HEM_ETIMEDOUT);
    return 0;
}

/* What happens as the last child ends, with the owner leaving at once. */

static void cancel_it(void *arg)
{
    check(hem_task_cancel(arg, NULL));
}

VIRTUAL_TEST(a_request_as_the_last_child_ends_is_not_lost)
{
    hem_ns d = 30;
    struct shared s = {.grace = 50, .child = sleep_for, .arg = &d};
    hem_task *owner, *other;
    hem_callback cb[2];
    check_int(hem_spawn(&other, sleep_long, NULL), 0);
    check_int(hem_spawn(&owner, own_and_close, &s), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_spawn(&other, drain_it, &s), 0);
    hem_callback_init(&cb[0], cancel_it, other);
    check_int(hem_call_at(&cb[0], 30), 0);
    check_int(hem_await(owner), 0);
    check_int(hem_await(other), HEM_ECANCELED);
    check_int(hem_now(), 30);
    return 0;
}

VIRTUAL_TEST(nor_is_one_just_behind_it)
{
    hem_ns d = 30;
    struct shared s = {.grace = 50, .child = sleep_for, .arg = &d};
    hem_task *owner, *other;
    check_int(hem_spawn(&owner, own_and_close, &s), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_spawn(&other, drain_it, &s), 0);
    check_int(hem_await(owner), 0); /* ready with the other */
    if (hem_task_cancel(other, NULL))
        check_int(hem_await(other), HEM_ECANCELED);
    else
        check_int(hem_task_result(other), 0);
    return 0;
}

static int wait_for_it(void *arg)
{
    return hem_future_wait(arg);
}

/* The owner, and then the task that drains, become ready as the child ends. At
 * some point of a turn the loop looks at its timers between the two. */
VIRTUAL_TEST(a_grace_period_does_not_outlive_the_scope)
{
    for (int steps = 0; steps < 600; steps++) {
        hem_future f;
        hem_task *owner;
        struct shared s = {.grace = 0, .child = wait_for_it, .arg = &f};
        hem_future_init(&f);
        check_int(hem_spawn(&owner, own_and_close, &s), 0);
        check_int(hem_sleep(1), 0);
        for (int i = 0; i < steps; i++)
            check_int(hem_yield(), 0);
        check_int(hem_future_set_result(&f, 0), 0);
        int rc = drain_it(&s);
        check(rc == 0 || rc == HEM_ETIMEDOUT);
        check_int(hem_await(owner), 0);
        hem_task_forget(owner);
    }
    return 0;
}

/* New children. */

static int spawn_late(void *arg)
{
    static hem_ns d = 10;
    check_int(hem_sleep(5), 0);
    check_int(hem_scope_spawn(arg, NULL, sleep_for, &d), 0);
    return 0;
}

VIRTUAL_TEST(children_spawned_meanwhile_are_waited_for)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (kinds[i] == HEM_TASKCONTEXT)
            continue;
        hem_ns start = hem_now();
        hem_scope s;
        open_kind(&s, kinds[i]);
        check_int(hem_scope_spawn(&s, NULL, spawn_late, &s), 0);
        check_int(hem_scope_drain(&s, HEM_SEC), 0);
        check_int(hem_now(), start + 15);
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(those_that_wait_for_their_turn_are_waited_for)
{
    hem_scope_options o = {.limit = 1};
    hem_ns d = 10;
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    for (int i = 0; i < 4; i++)
        check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_drain(&s, 100), 0);
    check_int(hem_now(), 40);
    for (int i = 0; i < 4; i++)
        check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_drain(&s, 15), HEM_ETIMEDOUT);
    check_int(hem_now(), 55);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_failure_in_a_group_interrupts_the_owner_that_drains_it)
{
    hem_scope s;
    open_kind(&s, HEM_TASKGROUP);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    int rc = hem_scope_drain(&s, 100);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_int(hem_scope_close(&s, rc), HEM_EGROUP);
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(children_that_end_in_time_are_left_alone),
        LEDGER_TEST(those_that_do_not_are_cancelled_and_waited_for),
        LEDGER_TEST(without_time_they_are_cancelled_in_the_next_turn),
        LEDGER_TEST(without_children_it_gives_way_once),
        LEDGER_TEST(what_is_not_open_is_not_drained),
        LEDGER_TEST(where_memory_lacks_nothing_is_done),
        LEDGER_TEST(cancelling_the_caller_cancels_the_children),
        LEDGER_TEST(a_pending_request_of_the_caller_does_so_at_once),
        LEDGER_TEST(a_request_while_the_cancelled_ones_end_is_not_lost),
        LEDGER_TEST(a_scope_that_was_shut_down_is_drained_as_well),
        LEDGER_TEST(several_may_drain_while_the_owner_closes),
        LEDGER_TEST(all_of_them_hear_that_time_is_over),
        LEDGER_TEST(a_request_as_the_last_child_ends_is_not_lost),
        LEDGER_TEST(nor_is_one_just_behind_it),
        LEDGER_TEST(a_grace_period_does_not_outlive_the_scope),
        LEDGER_TEST(children_spawned_meanwhile_are_waited_for),
        LEDGER_TEST(those_that_wait_for_their_turn_are_waited_for),
        LEDGER_TEST(a_failure_in_a_group_interrupts_the_owner_that_drains_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

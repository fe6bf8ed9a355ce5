/* SPDX-License-Identifier: MIT */
#include "settle.h"
#include "support.h"

/* Somebody who wants a lock. */
struct user {
    hem_lock *lock;
    char name;
    hem_ns holds; /* for so long */
};

static int use(void *arg)
{
    const struct user *u = arg;
    int rc = hem_lock_acquire(u->lock);
    trace("%c%s", u->name, rc < 0 ? "!" : "");
    HEM_TRY(rc);
    check(hem_lock_locked(u->lock));
    rc = u->holds ? hem_sleep(u->holds) : 0;
    check_int(hem_lock_release(u->lock), 0);
    return rc;
}

/* A lock that is held, and some who wait for it, in this order. */
struct scene {
    hem_lock lock;
    struct user users[4];
    hem_task *tasks[4];
};

static void set_scene(struct scene *s, int users)
{
    hem_lock_init(&s->lock);
    check_int(hem_lock_acquire(&s->lock), 0);
    for (int i = 0; i < users; i++) {
        s->users[i] = (struct user){&s->lock, (char)('a' + i), 0};
        s->tasks[i] = spawn_settled(use, &s->users[i]);
    }
}

static void release(hem_lock *l)
{
    check_int(hem_lock_release(l), 0);
}

static void cancel(hem_task *t)
{
    check(hem_task_cancel(t, "test"));
}

VIRTUAL_TEST(a_lock_is_free_then_locked_then_free)
{
    hem_lock l;
    hem_lock_init(&l);
    check(!hem_lock_locked(&l));
    check_int(hem_lock_acquire(&l), 0);
    check(hem_lock_locked(&l));
    check_int(hem_lock_release(&l), 0);
    check(!hem_lock_locked(&l));
    check_int(hem_now(), 0);
    return 0;
}

VIRTUAL_TEST(releasing_what_is_not_locked_is_refused)
{
    hem_lock l;
    hem_lock_init(&l);
    check_int(hem_lock_release(&l), HEM_EREFUSED);
    check(!hem_lock_locked(&l));
    check_int(hem_lock_acquire(&l), 0);
    check_int(hem_lock_release(&l), 0);
    check_int(hem_lock_release(&l), HEM_EREFUSED);
    return 0;
}

VIRTUAL_TEST(a_lock_on_its_way_to_the_next_one_cannot_be_released)
{
    struct scene s;
    set_scene(&s, 1);
    release(&s.lock);
    check(!hem_lock_locked(&s.lock));
    check_int(hem_lock_release(&s.lock), HEM_EREFUSED);
    settle();
    check_trace("a");
    return 0;
}

VIRTUAL_TEST(acquire_waits_until_the_lock_is_released)
{
    hem_lock l;
    hem_lock_init(&l);
    struct user holder = {&l, 'a', 10};
    check_int(hem_spawn(NULL, use, &holder), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_lock_acquire(&l), 0);
    check_int(hem_now(), 10);
    check_trace("a");
    return 0;
}

VIRTUAL_TEST(one_who_waits_is_seen_to_wait_for_a_lock)
{
    struct scene s;
    set_scene(&s, 1);
    check_str(hem_task_waits_for(s.tasks[0]), "lock");
    release(&s.lock);
    settle();
    check_trace("a");
    return 0;
}

VIRTUAL_TEST(the_lock_goes_round_in_the_order_of_coming)
{
    struct scene s;
    set_scene(&s, 4);
    check_trace("");
    release(&s.lock);
    settle();
    check_trace("a b c d");
    check(!hem_lock_locked(&s.lock));
    return 0;
}

VIRTUAL_TEST(nobody_gets_in_between_release_and_the_next_one)
{
    struct scene s;
    for (int users = 1; users <= 2; users++) {
        set_scene(&s, users);
        release(&s.lock);
        check_int(hem_lock_acquire(&s.lock), 0);
        check_trace(users == 1 ? "a" : "a b");
    }
    return 0;
}

VIRTUAL_TEST(nobody_gets_in_between_a_cancelled_one_and_the_next_one)
{
    struct scene s;
    set_scene(&s, 2);
    cancel(s.tasks[0]);
    release(&s.lock);
    check_int(hem_lock_acquire(&s.lock), 0);
    check_trace("a! b");
    return 0;
}

VIRTUAL_TEST(
    lock_is_passed_on_when_its_next_owner_is_cancelled_in_the_same_turn)
{
    struct scene s;
    set_scene(&s, 3);
    release(&s.lock);
    cancel(s.tasks[0]);
    settle();
    check_trace("a! b c");
    check_int(hem_task_result(s.tasks[0]), HEM_ECANCELED);
    check_str(hem_task_reason(s.tasks[0]), "test");
    return 0;
}

VIRTUAL_TEST(lock_is_passed_on_when_its_next_owner_is_cancelled_just_before)
{
    struct scene s;
    set_scene(&s, 3);
    cancel(s.tasks[0]);
    release(&s.lock);
    settle();
    check_trace("a! b c");
    return 0;
}

VIRTUAL_TEST(lock_is_passed_on_past_several_who_are_cancelled)
{
    struct scene s;
    set_scene(&s, 4);
    release(&s.lock);
    for (int i = 0; i < 3; i++)
        cancel(s.tasks[i]);
    settle();
    check_int(hem_task_result(s.tasks[3]), 0);
    trace_clear(); /* in any order but the last */
    check(!hem_lock_locked(&s.lock));
    return 0;
}

VIRTUAL_TEST(lock_is_free_when_all_who_waited_were_cancelled_in_the_same_turn)
{
    struct scene s;
    set_scene(&s, 1);
    release(&s.lock);
    cancel(s.tasks[0]);
    settle();
    check_trace("a!");
    check(!hem_lock_locked(&s.lock));
    check_int(hem_lock_acquire(&s.lock), 0);
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_waiting_is_left_out)
{
    struct scene s;
    set_scene(&s, 3);
    cancel(s.tasks[1]);
    settle();
    check_trace("b!");
    check(hem_lock_locked(&s.lock));
    release(&s.lock);
    settle();
    check_trace("a c");
    return 0;
}

VIRTUAL_TEST(a_lock_for_which_only_cancelled_tasks_wait_is_free_at_once)
{
    struct scene s;
    set_scene(&s, 2);
    cancel(s.tasks[0]);
    cancel(s.tasks[1]);
    release(&s.lock);
    check_int(hem_lock_acquire(&s.lock), 0);
    check_trace("");
    settle();
    trace_clear();
    check(hem_lock_locked(&s.lock));
    release(&s.lock);
    return 0;
}

static void release_it(void *arg)
{
    release(arg);
}

VIRTUAL_TEST(a_lock_has_no_owner)
{
    hem_lock l;
    hem_callback cb;
    hem_lock_init(&l);
    hem_callback_init(&cb, release_it, &l);
    check_int(hem_lock_acquire(&l), 0);
    check_int(hem_call_later(&cb, 7), 0);
    check_int(hem_lock_acquire(&l), 0); /* waits for the callback */
    check_int(hem_now(), 7);
    return 0;
}

VIRTUAL_TEST(waiting_for_a_lock_may_time_out)
{
    hem_lock l;
    hem_timeout t;
    hem_lock_init(&l);
    check_int(hem_lock_acquire(&l), 0);
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_close(&t, hem_lock_acquire(&l)), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    check(hem_lock_locked(&l));
    release(&l);
    check_int(hem_lock_acquire(&l), 0);
    return 0;
}

/* The lock is released in the turn in which the time is up. */
VIRTUAL_TEST(a_lock_that_comes_with_the_timeout_is_passed_on)
{
    hem_lock l;
    hem_timeout t;
    hem_lock_init(&l);
    struct user holder = {&l, 'a', 5};
    struct user next = {&l, 'b', 0};
    (void)spawn_settled(use, &holder);
    check_int(hem_timeout_open_at(&t, 5), 0);
    check_int(hem_spawn(NULL, use, &next), 0);
    int rc = hem_timeout_close(&t, hem_lock_acquire(&l));
    check(rc == 0 || rc == HEM_ETIMEDOUT); /* as the seed will have it */
    if (rc == 0)
        release(&l);
    settle();
    check_trace("a b");
    check(!hem_lock_locked(&l));
    return 0;
}

static int use_shielded(void *arg)
{
    hem_scope shield;
    check_int(hem_shield_open(&shield, NULL), 0);
    int rc = use(arg);
    check_int(hem_shield_close(&shield, rc), HEM_ECANCELED);
    return HEM_ECANCELED;
}

VIRTUAL_TEST(a_shielded_task_gets_the_lock_though_it_is_cancelled)
{
    hem_lock l;
    hem_lock_init(&l);
    struct user u = {&l, 'a', 0};
    check_int(hem_lock_acquire(&l), 0);
    hem_task *t = spawn_settled(use_shielded, &u);
    cancel(t);
    settle();
    check_str(hem_task_waits_for(t), "lock");
    release(&l);
    settle();
    check_trace("a");
    check_int(hem_task_result(t), HEM_ECANCELED);
    check(!hem_lock_locked(&l));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_lock_is_free_then_locked_then_free),
        LEDGER_TEST(releasing_what_is_not_locked_is_refused),
        LEDGER_TEST(a_lock_on_its_way_to_the_next_one_cannot_be_released),
        LEDGER_TEST(acquire_waits_until_the_lock_is_released),
        LEDGER_TEST(one_who_waits_is_seen_to_wait_for_a_lock),
        LEDGER_TEST(the_lock_goes_round_in_the_order_of_coming),
        LEDGER_TEST(nobody_gets_in_between_release_and_the_next_one),
        LEDGER_TEST(nobody_gets_in_between_a_cancelled_one_and_the_next_one),
        LEDGER_TEST(
            lock_is_passed_on_when_its_next_owner_is_cancelled_in_the_same_turn),
        LEDGER_TEST(
            lock_is_passed_on_when_its_next_owner_is_cancelled_just_before),
        LEDGER_TEST(lock_is_passed_on_past_several_who_are_cancelled),
        LEDGER_TEST(
            lock_is_free_when_all_who_waited_were_cancelled_in_the_same_turn),
        LEDGER_TEST(one_who_is_cancelled_while_waiting_is_left_out),
        LEDGER_TEST(a_lock_for_which_only_cancelled_tasks_wait_is_free_at_once),
        LEDGER_TEST(a_lock_has_no_owner),
        LEDGER_TEST(waiting_for_a_lock_may_time_out),
        LEDGER_TEST(a_lock_that_comes_with_the_timeout_is_passed_on),
        LEDGER_TEST(a_shielded_task_gets_the_lock_though_it_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

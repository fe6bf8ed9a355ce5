/* SPDX-License-Identifier: MIT */
#include "settle.h"
#include "support.h"

/* Somebody who takes a place and keeps it. */
struct user {
    hem_semaphore *semaphore;
    char name;
};

static int take(void *arg)
{
    const struct user *u = arg;
    int rc = hem_semaphore_acquire(u->semaphore);
    trace("%c%s", u->name, rc < 0 ? "!" : "");
    return rc;
}

/* Some who wait for places, in this order. */
struct scene {
    hem_semaphore semaphore;
    struct user users[4];
    hem_task *tasks[4];
};

static void set_scene(struct scene *s, int users)
{
    hem_semaphore_init(&s->semaphore, NULL);
    for (int i = 0; i < users; i++) {
        s->users[i] = (struct user){&s->semaphore, (char)('a' + i)};
        s->tasks[i] = spawn_settled(take, &s->users[i]);
    }
}

static void release(hem_semaphore *s)
{
    check_int(hem_semaphore_release(s), 0);
}

static void cancel(hem_task *t)
{
    check(hem_task_cancel(t, "test"));
}

/* Take all free places and return how many there were. */
static int drain(hem_semaphore *s)
{
    int places = 0;
    for (; !hem_semaphore_locked(s); places++)
        check_int(hem_semaphore_acquire(s), 0);
    return places;
}

VIRTUAL_TEST(places_are_taken_at_once_while_there_are_some)
{
    hem_semaphore s;
    hem_semaphore_init(&s, &(hem_semaphore_options){.value = 3});
    check_int(drain(&s), 3);
    check_int(hem_now(), 0);
    check(hem_semaphore_locked(&s));
    release(&s);
    check(!hem_semaphore_locked(&s));
    check_int(drain(&s), 1);
    return 0;
}

VIRTUAL_TEST(without_options_there_is_no_place)
{
    hem_semaphore s;
    hem_semaphore_init(&s, NULL);
    check(hem_semaphore_locked(&s));
    release(&s);
    check_int(drain(&s), 1);
    return 0;
}

VIRTUAL_TEST(more_may_be_released_than_there_were)
{
    hem_semaphore s;
    hem_semaphore_init(&s, &(hem_semaphore_options){.value = 1});
    release(&s);
    release(&s);
    check_int(drain(&s), 3);
    return 0;
}

VIRTUAL_TEST(a_bounded_one_refuses_more_than_there_were)
{
    hem_semaphore s;
    hem_semaphore_init(&s,
                       &(hem_semaphore_options){.value = 2, .bounded = true});
    check_int(hem_semaphore_release(&s), HEM_EINVAL);
    check_int(drain(&s), 2);
    release(&s);
    release(&s);
    check_int(hem_semaphore_release(&s), HEM_EINVAL);
    check_int(drain(&s), 2);
    hem_semaphore_init(&s, &(hem_semaphore_options){.bounded = true});
    check_int(hem_semaphore_release(&s), HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(the_number_of_places_does_not_wrap_round)
{
    hem_semaphore s;
    hem_semaphore_init(&s, &(hem_semaphore_options){.value = SIZE_MAX});
    check_int(hem_semaphore_release(&s), HEM_ELIMIT);
    check(!hem_semaphore_locked(&s));
    check_int(hem_semaphore_acquire(&s), 0);
    release(&s);
    check_int(hem_semaphore_release(&s), HEM_ELIMIT);
    return 0;
}

VIRTUAL_TEST(acquire_waits_for_a_release)
{
    struct scene s;
    set_scene(&s, 1);
    check_trace("");
    check_str(hem_task_waits_for(s.tasks[0]), "semaphore");
    release(&s.semaphore);
    check(hem_semaphore_locked(&s.semaphore)); /* the place is given away */
    settle();
    check_trace("a");
    check_int(drain(&s.semaphore), 0);
    return 0;
}

VIRTUAL_TEST(places_are_given_in_the_order_of_coming)
{
    struct scene s;
    set_scene(&s, 4);
    static const char *const trace[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) {
        release(&s.semaphore);
        settle();
        check_trace(trace[i]);
    }
    return 0;
}

FIFO_TEST(several_places_go_to_the_first_who_wait)
{
    struct scene s;
    set_scene(&s, 4);
    for (int i = 0; i < 3; i++)
        release(&s.semaphore);
    settle();
    check_trace("a b c");
    release(&s.semaphore);
    settle();
    check_trace("d");
    check_int(drain(&s.semaphore), 0);
    return 0;
}

VIRTUAL_TEST(a_newcomer_waits_behind_those_who_were_given_places)
{
    struct scene s;
    set_scene(&s, 1);
    release(&s.semaphore);
    release(&s.semaphore);
    check(hem_semaphore_locked(&s.semaphore)); /* one is free, but a first */
    check_int(hem_semaphore_acquire(&s.semaphore), 0);
    check_trace("a");
    check_int(drain(&s.semaphore), 0);
    return 0;
}

VIRTUAL_TEST(place_is_passed_on_by_one_cancelled_in_the_turn_it_gets_it)
{
    struct scene s;
    set_scene(&s, 3);
    release(&s.semaphore);
    cancel(s.tasks[0]);
    settle();
    check_trace("a! b");
    check_str(hem_task_reason(s.tasks[0]), "test");
    check(!hem_task_done(s.tasks[2]));
    release(&s.semaphore);
    settle();
    check_trace("c");
    return 0;
}

VIRTUAL_TEST(places_are_passed_on_past_several_who_are_cancelled)
{
    struct scene s;
    set_scene(&s, 4);
    release(&s.semaphore);
    release(&s.semaphore);
    cancel(s.tasks[0]);
    cancel(s.tasks[1]);
    settle();
    check_int(hem_task_result(s.tasks[2]), 0);
    check_int(hem_task_result(s.tasks[3]), 0);
    check_int(drain(&s.semaphore), 0);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(place_is_free_when_all_who_waited_were_cancelled)
{
    struct scene s;
    set_scene(&s, 2);
    release(&s.semaphore);
    cancel(s.tasks[0]);
    cancel(s.tasks[1]);
    settle();
    trace_clear();
    check_int(drain(&s.semaphore), 1);
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_waiting_is_left_out)
{
    struct scene s;
    set_scene(&s, 3);
    cancel(s.tasks[0]);
    release(&s.semaphore);
    settle();
    check_int(hem_task_result(s.tasks[0]), HEM_ECANCELED);
    check_int(hem_task_result(s.tasks[1]), 0);
    check(!hem_task_done(s.tasks[2]));
    trace_clear();
    release(&s.semaphore);
    settle();
    check_trace("c");
    return 0;
}

VIRTUAL_TEST(places_for_which_only_cancelled_tasks_wait_are_free_at_once)
{
    struct scene s;
    set_scene(&s, 2);
    cancel(s.tasks[0]);
    cancel(s.tasks[1]);
    release(&s.semaphore);
    check_int(drain(&s.semaphore), 1);
    check_trace("");
    settle();
    trace_clear();
    check_int(drain(&s.semaphore), 0);
    return 0;
}

VIRTUAL_TEST(waiting_for_a_place_may_time_out)
{
    hem_semaphore s;
    hem_timeout t;
    hem_semaphore_init(&s, NULL);
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_close(&t, hem_semaphore_acquire(&s)), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    release(&s);
    check_int(drain(&s), 1);
    return 0;
}

/* Ten at a time, of a hundred. */
struct crowd {
    hem_semaphore semaphore;
    int inside, most;
};

static int visit(void *arg)
{
    struct crowd *c = arg;
    HEM_TRY(hem_semaphore_acquire(&c->semaphore));
    if (++c->inside > c->most)
        c->most = c->inside;
    int rc = hem_sleep(5);
    c->inside--;
    check_int(hem_semaphore_release(&c->semaphore), 0);
    return rc;
}

VIRTUAL_TEST(no_more_than_that_many_are_inside)
{
    struct crowd c = {.inside = 0};
    hem_semaphore_init(&c.semaphore,
                       &(hem_semaphore_options){.value = 10, .bounded = true});
    HEM_SCOPE(s);
    for (int i = 0; i < 100; i++)
        check_int(hem_scope_spawn(&s, NULL, visit, &c), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(c.most, 10);
    check_int(hem_now(), 50);
    check_int(hem_semaphore_release(&c.semaphore), HEM_EINVAL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(places_are_taken_at_once_while_there_are_some),
        LEDGER_TEST(without_options_there_is_no_place),
        LEDGER_TEST(more_may_be_released_than_there_were),
        LEDGER_TEST(a_bounded_one_refuses_more_than_there_were),
        LEDGER_TEST(the_number_of_places_does_not_wrap_round),
        LEDGER_TEST(acquire_waits_for_a_release),
        LEDGER_TEST(places_are_given_in_the_order_of_coming),
        LEDGER_TEST(several_places_go_to_the_first_who_wait),
        LEDGER_TEST(a_newcomer_waits_behind_those_who_were_given_places),
        LEDGER_TEST(place_is_passed_on_by_one_cancelled_in_the_turn_it_gets_it),
        LEDGER_TEST(places_are_passed_on_past_several_who_are_cancelled),
        LEDGER_TEST(place_is_free_when_all_who_waited_were_cancelled),
        LEDGER_TEST(one_who_is_cancelled_while_waiting_is_left_out),
        LEDGER_TEST(
            places_for_which_only_cancelled_tasks_wait_are_free_at_once),
        LEDGER_TEST(waiting_for_a_place_may_time_out),
        LEDGER_TEST(no_more_than_that_many_are_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "settle.h"
#include "support.h"

static int arrive(void *arg)
{
    return hem_barrier_wait(arg);
}

/* A barrier of three, and some who wait, in this order. */
struct scene {
    hem_barrier barrier;
    hem_task *tasks[4];
};

static void set_scene(struct scene *s, int users)
{
    check_int(hem_barrier_init(&s->barrier, 3), 0);
    for (int i = 0; i < users; i++)
        s->tasks[i] = spawn_settled(arrive, &s->barrier);
}

VIRTUAL_TEST(a_barrier_has_at_least_one_party_and_at_most_int_max)
{
    hem_barrier b;
    check_int(hem_barrier_init(&b, 0), HEM_EINVAL);
    check_int(hem_barrier_init(&b, (uint32_t)INT_MAX + 1), HEM_EINVAL);
    check_int(hem_barrier_init(&b, UINT32_MAX), HEM_EINVAL);
    check_int(hem_barrier_init(&b, INT_MAX), 0);
    check_int(hem_barrier_init(&b, 1), 0);
    return 0;
}

VIRTUAL_TEST(a_party_of_one_never_waits)
{
    hem_barrier b;
    check_int(hem_barrier_init(&b, 1), 0);
    for (int i = 0; i < 3; i++)
        check_int(hem_barrier_wait(&b), 0);
    check_int(hem_barrier_waiting(&b), 0);
    check_int(hem_now(), 0);
    return 0;
}

VIRTUAL_TEST(all_wait_for_the_last_and_learn_how_many_came_before)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_waiting(&s.barrier), 2);
    check_str(hem_task_waits_for(s.tasks[0]), "barrier");
    check_int(hem_barrier_wait(&s.barrier), 2);
    check_int(hem_barrier_waiting(&s.barrier), 0);
    check_int(hem_await(s.tasks[0]), 0);
    check_int(hem_await(s.tasks[1]), 1);
    check(!hem_barrier_broken(&s.barrier));
    return 0;
}

struct rounds {
    hem_barrier barrier;
    int arrived[5]; /* in each round */
    int parties;
};

/* In no round anybody goes on before all have come. */
static int go_round(void *arg)
{
    struct rounds *r = arg;
    for (size_t i = 0; i < COUNT_OF(r->arrived); i++) {
        r->arrived[i]++;
        int index = hem_barrier_wait(&r->barrier);
        check(index >= 0 && index < r->parties);
        check_int(r->arrived[i], r->parties);
    }
    return 0;
}

VIRTUAL_TEST(it_serves_round_after_round)
{
    struct rounds r = {.parties = 7};
    check_int(hem_barrier_init(&r.barrier, (uint32_t)r.parties), 0);
    HEM_SCOPE(s);
    for (int i = 0; i < r.parties; i++)
        check_int(hem_scope_spawn(&s, NULL, go_round, &r), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(r.arrived[4], 7);
    return 0;
}

VIRTUAL_TEST(who_comes_while_others_leave_is_of_the_next_round)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_wait(&s.barrier), 2); /* the others leave yet */
    check_int(hem_spawn(&s.tasks[2], arrive, &s.barrier), 0);
    check_int(hem_spawn(&s.tasks[3], arrive, &s.barrier), 0);
    settle();
    check(hem_task_done(s.tasks[0]) && hem_task_done(s.tasks[1]));
    check_int(hem_barrier_waiting(&s.barrier), 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    check_int(hem_await(s.tasks[2]) + hem_await(s.tasks[3]), 0 + 1);
    return 0;
}

static int arrive_twice(void *arg)
{
    check_int(hem_barrier_wait(arg), 0);
    return hem_barrier_wait(arg);
}

/* The next round is over already when it runs. */
FIFO_TEST(who_is_overtaken_by_a_whole_round_is_of_the_round_after_that)
{
    hem_barrier b;
    hem_task *first, *late;
    check_int(hem_barrier_init(&b, 2), 0);
    first = spawn_settled(arrive_twice, &b);
    check_int(hem_barrier_wait(&b), 1);
    check_int(hem_spawn_with(&late, arrive, &b, .eager = true), 0);
    check_int(hem_yield(), 0);
    check_int(hem_barrier_wait(&b), 1);
    settle();
    check_int(hem_task_result(first), 0);
    check(!hem_task_done(late));
    check_int(hem_barrier_waiting(&b), 1);
    check_int(hem_barrier_wait(&b), 1);
    check_int(hem_await(late), 0);
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_waiting_does_not_count_any_more)
{
    struct scene s;
    set_scene(&s, 2);
    check(hem_task_cancel(s.tasks[0], "test"));
    check_int(hem_await(s.tasks[0]), HEM_ECANCELED);
    check_int(hem_barrier_waiting(&s.barrier), 1);
    check(!hem_barrier_broken(&s.barrier));
    s.tasks[2] = spawn_settled(arrive, &s.barrier);
    check(!hem_task_done(s.tasks[1]));
    check_int(hem_barrier_wait(&s.barrier), 2);
    check_int(hem_await(s.tasks[1]), 1);
    check_int(hem_await(s.tasks[2]), 1); /* one was before it */
    return 0;
}

struct user {
    hem_barrier *barrier;
    char name;
};

static int arrive_traced(void *arg)
{
    const struct user *u = arg;
    int rc = hem_barrier_wait(u->barrier);
    trace(rc < 0 ? "%c!" : "%c%d", u->name, rc);
    return rc;
}

/* asyncio's order: the one behind it moves to the end. */
FIFO_TEST(those_behind_one_who_is_cancelled_leave_in_another_order)
{
    hem_barrier b;
    struct user users[] = {{&b, 'a'}, {&b, 'b'}, {&b, 'c'}, {&b, 'd'}};
    hem_task *tasks[4];
    check_int(hem_barrier_init(&b, 4), 0);
    for (int i = 0; i < 3; i++)
        tasks[i] = spawn_settled(arrive_traced, &users[i]);
    check(hem_task_cancel(tasks[0], NULL));
    settle();
    tasks[3] = spawn_settled(arrive_traced, &users[3]);
    check_int(hem_barrier_wait(&b), 3);
    settle();
    check_trace("a! c2 b1 d2");
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_as_the_last_comes_leaves_the_others_going_on)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    check(hem_task_cancel(s.tasks[0], "test"));
    check_int(hem_await(s.tasks[0]), HEM_ECANCELED);
    check_int(hem_await(s.tasks[1]), 1);
    check_int(hem_barrier_waiting(&s.barrier), 0);
    set_scene(&s, 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    settle();
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_it_waits_for_others_to_leave_is_out)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    check_int(hem_spawn_with(&s.tasks[2], arrive, &s.barrier, .eager = true),
              0);
    check_str(hem_task_waits_for(s.tasks[2]), "barrier");
    check(hem_task_cancel(s.tasks[2], "test"));
    settle();
    check_int(hem_task_result(s.tasks[2]), HEM_ECANCELED);
    check_int(hem_barrier_waiting(&s.barrier), 0);
    check(hem_task_done(s.tasks[0]) && hem_task_done(s.tasks[1]));
    return 0;
}

VIRTUAL_TEST(reset_turns_away_who_waits_and_begins_anew)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_reset(&s.barrier), 0);
    check_int(hem_barrier_waiting(&s.barrier), 0);
    check(!hem_barrier_broken(&s.barrier));
    check_int(hem_barrier_reset(&s.barrier), 0); /* while it does */
    settle();
    check_int(hem_task_result(s.tasks[0]), HEM_EBROKEN);
    check_int(hem_task_result(s.tasks[1]), HEM_EBROKEN);
    set_scene(&s, 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    settle();
    return 0;
}

VIRTUAL_TEST(reset_of_an_empty_barrier_does_nothing)
{
    struct scene s;
    set_scene(&s, 0);
    check_int(hem_barrier_reset(&s.barrier), 0);
    check_int(hem_spawn(NULL, arrive, &s.barrier), 0);
    check_int(hem_spawn(NULL, arrive, &s.barrier), 0);
    settle();
    check_int(hem_barrier_wait(&s.barrier), 2);
    settle();
    return 0;
}

VIRTUAL_TEST(who_comes_during_a_reset_waits_for_the_next_round)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_reset(&s.barrier), 0);
    check_int(hem_spawn_with(&s.tasks[2], arrive, &s.barrier, .eager = true),
              0);
    check(!hem_task_done(s.tasks[2]));
    check_int(hem_spawn(&s.tasks[3], arrive, &s.barrier), 0);
    settle();
    check_int(hem_task_result(s.tasks[0]), HEM_EBROKEN);
    check_int(hem_task_result(s.tasks[1]), HEM_EBROKEN);
    check_int(hem_barrier_waiting(&s.barrier), 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    settle();
    check(hem_task_result(s.tasks[2]) >= 0);
    check(hem_task_result(s.tasks[3]) >= 0);
    return 0;
}

VIRTUAL_TEST(a_broken_barrier_turns_all_away_until_it_is_reset)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_abort(&s.barrier), 0);
    check(hem_barrier_broken(&s.barrier));
    check_int(hem_barrier_waiting(&s.barrier), 0);
    check_int(hem_barrier_wait(&s.barrier), HEM_EBROKEN);
    check_int(hem_await(s.tasks[0]), HEM_EBROKEN);
    check_int(hem_await(s.tasks[1]), HEM_EBROKEN);
    check_int(hem_barrier_abort(&s.barrier), 0);
    check_int(hem_barrier_wait(&s.barrier), HEM_EBROKEN);
    check(hem_barrier_broken(&s.barrier));
    check_int(hem_barrier_reset(&s.barrier), 0);
    check(!hem_barrier_broken(&s.barrier));
    set_scene(&s, 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    settle();
    return 0;
}

VIRTUAL_TEST(reset_mends_a_broken_barrier_that_some_have_not_left_yet)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_abort(&s.barrier), 0);
    check_int(hem_barrier_reset(&s.barrier), 0);
    check(!hem_barrier_broken(&s.barrier));
    s.tasks[2] = spawn_settled(arrive, &s.barrier);
    check_int(hem_task_result(s.tasks[0]), HEM_EBROKEN);
    check_int(hem_task_result(s.tasks[1]), HEM_EBROKEN);
    check_int(hem_barrier_waiting(&s.barrier), 1);
    check(hem_task_cancel(s.tasks[2], NULL));
    check_int(hem_await(s.tasks[2]), HEM_ECANCELED);
    return 0;
}

VIRTUAL_TEST(abort_as_the_last_one_comes_turns_away_who_has_not_left)
{
    struct scene s;
    set_scene(&s, 2);
    check_int(hem_barrier_wait(&s.barrier), 2);
    check_int(hem_barrier_abort(&s.barrier), 0);
    check_int(hem_await(s.tasks[0]), HEM_EBROKEN);
    check_int(hem_await(s.tasks[1]), HEM_EBROKEN);
    check(hem_barrier_broken(&s.barrier));
    return 0;
}

static void break_it(void *arg)
{
    check_int(hem_barrier_abort(arg), 0);
}

VIRTUAL_TEST(a_callback_may_break_a_barrier)
{
    struct scene s;
    hem_callback cb;
    set_scene(&s, 1);
    hem_callback_init(&cb, break_it, &s.barrier);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_barrier_wait(&s.barrier), HEM_EBROKEN);
    check_int(hem_await(s.tasks[0]), HEM_EBROKEN);
    return 0;
}

VIRTUAL_TEST(waiting_for_the_others_may_time_out)
{
    struct scene s;
    hem_timeout t;
    set_scene(&s, 1);
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_close(&t, hem_barrier_wait(&s.barrier)),
              HEM_ETIMEDOUT);
    check_int(hem_barrier_waiting(&s.barrier), 1);
    check_int(hem_barrier_abort(&s.barrier), 0);
    check_int(hem_await(s.tasks[0]), HEM_EBROKEN);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_barrier_has_at_least_one_party_and_at_most_int_max),
        LEDGER_TEST(a_party_of_one_never_waits),
        LEDGER_TEST(all_wait_for_the_last_and_learn_how_many_came_before),
        LEDGER_TEST(it_serves_round_after_round),
        LEDGER_TEST(who_comes_while_others_leave_is_of_the_next_round),
        LEDGER_TEST(
            who_is_overtaken_by_a_whole_round_is_of_the_round_after_that),
        LEDGER_TEST(one_who_is_cancelled_while_waiting_does_not_count_any_more),
        LEDGER_TEST(those_behind_one_who_is_cancelled_leave_in_another_order),
        LEDGER_TEST(
            one_who_is_cancelled_as_the_last_comes_leaves_the_others_going_on),
        LEDGER_TEST(
            one_who_is_cancelled_while_it_waits_for_others_to_leave_is_out),
        LEDGER_TEST(reset_turns_away_who_waits_and_begins_anew),
        LEDGER_TEST(reset_of_an_empty_barrier_does_nothing),
        LEDGER_TEST(who_comes_during_a_reset_waits_for_the_next_round),
        LEDGER_TEST(a_broken_barrier_turns_all_away_until_it_is_reset),
        LEDGER_TEST(reset_mends_a_broken_barrier_that_some_have_not_left_yet),
        LEDGER_TEST(abort_as_the_last_one_comes_turns_away_who_has_not_left),
        LEDGER_TEST(a_callback_may_break_a_barrier),
        LEDGER_TEST(waiting_for_the_others_may_time_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

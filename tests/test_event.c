/* SPDX-License-Identifier: MIT */
#include "settle.h"
#include "support.h"

static int wait_for(void *arg)
{
    return hem_event_wait(arg);
}

VIRTUAL_TEST(an_event_is_clear_then_set_then_clear)
{
    hem_event e;
    hem_event_init(&e);
    check(!hem_event_is_set(&e));
    hem_event_clear(&e);
    check(!hem_event_is_set(&e));
    hem_event_set(&e);
    hem_event_set(&e);
    check(hem_event_is_set(&e));
    hem_event_clear(&e);
    check(!hem_event_is_set(&e));
    return 0;
}

static void set_it(void *arg)
{
    hem_event_set(arg);
}

VIRTUAL_TEST(wait_waits_until_it_is_set)
{
    hem_event e;
    hem_callback cb;
    hem_event_init(&e);
    hem_callback_init(&cb, set_it, &e);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_event_wait(&e), 0);
    check_int(hem_now(), 5);
    check_int(hem_event_wait(&e), 0);
    check_int(hem_now(), 5);
    return 0;
}

VIRTUAL_TEST(one_who_waits_is_seen_to_wait_for_an_event)
{
    hem_event e;
    hem_event_init(&e);
    hem_task *t = spawn_settled(wait_for, &e);
    check_str(hem_task_waits_for(t), "event");
    hem_event_set(&e);
    check_int(hem_await(t), 0);
    return 0;
}

VIRTUAL_TEST(set_lets_all_go_who_wait)
{
    hem_event e;
    hem_task *tasks[20];
    hem_event_init(&e);
    for (size_t i = 0; i < COUNT_OF(tasks); i++)
        tasks[i] = spawn_settled(wait_for, &e);
    hem_event_set(&e);
    settle();
    for (size_t i = 0; i < COUNT_OF(tasks); i++)
        check_int(hem_task_result(tasks[i]), 0);
    return 0;
}

VIRTUAL_TEST(one_who_was_let_go_goes_on_though_the_event_is_clear_again)
{
    hem_event e;
    hem_event_init(&e);
    hem_task *early = spawn_settled(wait_for, &e);
    hem_event_set(&e);
    hem_event_clear(&e);
    hem_task *late = spawn_settled(wait_for, &e);
    check_int(hem_task_result(early), 0);
    check(!hem_task_done(late));
    hem_event_set(&e);
    check_int(hem_await(late), 0);
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_waiting_leaves_the_others_waiting)
{
    hem_event e;
    hem_event_init(&e);
    hem_task *a = spawn_settled(wait_for, &e);
    hem_task *b = spawn_settled(wait_for, &e);
    check(hem_task_cancel(a, "test"));
    check_int(hem_await(a), HEM_ECANCELED);
    check(!hem_task_done(b));
    hem_event_set(&e);
    check_int(hem_await(b), 0);
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_in_the_turn_of_the_set_is_cancelled)
{
    hem_event e;
    hem_event_init(&e);
    hem_task *a = spawn_settled(wait_for, &e);
    hem_task *b = spawn_settled(wait_for, &e);
    hem_task *c = spawn_settled(wait_for, &e);
    check(hem_task_cancel(b, "before"));
    hem_event_set(&e);
    check(hem_task_cancel(a, "after"));
    check_int(hem_await(a), HEM_ECANCELED);
    check_int(hem_await(b), HEM_ECANCELED);
    check_int(hem_await(c), 0);
    check_str(hem_task_reason(a), "after");
    check_str(hem_task_reason(b), "before");
    check(hem_event_is_set(&e));
    return 0;
}

VIRTUAL_TEST(waiting_for_an_event_may_time_out)
{
    hem_event e;
    hem_timeout t;
    hem_event_init(&e);
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_close(&t, hem_event_wait(&e)), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    hem_event_set(&e); /* nobody waits */
    return 0;
}

struct far {
    hem_loop *loop;
    hem_event *event;
};

/* On another thread. */
static int set_from_afar(void *arg)
{
    struct far *far = arg;
    return hem_post(far->loop, set_it, far->event);
}

VIRTUAL_TEST(an_event_is_set_from_another_thread_by_a_post)
{
    hem_event e;
    hem_event_init(&e);
    struct far far = {hem_loop_current(), &e};
    hem_task *t = spawn_settled(wait_for, &e);
    check_int(hem_thread_call(set_from_afar, &far, NULL), 0);
    check_int(hem_await(t), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_event_is_clear_then_set_then_clear),
        LEDGER_TEST(wait_waits_until_it_is_set),
        LEDGER_TEST(one_who_waits_is_seen_to_wait_for_an_event),
        LEDGER_TEST(set_lets_all_go_who_wait),
        LEDGER_TEST(one_who_was_let_go_goes_on_though_the_event_is_clear_again),
        LEDGER_TEST(
            one_who_is_cancelled_while_waiting_leaves_the_others_waiting),
        LEDGER_TEST(one_who_is_cancelled_in_the_turn_of_the_set_is_cancelled),
        LEDGER_TEST(waiting_for_an_event_may_time_out),
        LEDGER_TEST(an_event_is_set_from_another_thread_by_a_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

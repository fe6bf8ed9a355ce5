/* SPDX-License-Identifier: MIT */
/* Putting into queues and getting out of them, and waiting for it. */
#include "settle.h"
#include "support.h"

static void *item(intptr_t number)
{
    return (void *)number;
}

/* Somebody who gets an item, or puts one. */
struct user {
    hem_queue *queue;
    char name;
    intptr_t number;
};

static int get(void *arg)
{
    struct user *u = arg;
    void *got = u;
    int rc = hem_queue_get(u->queue, &got);
    if (rc < 0)
        check(got == u); /* untouched */
    else
        u->number = (intptr_t)got;
    trace(rc < 0 ? "%c!" : "%c%d", u->name, (int)u->number);
    return rc;
}

static int put(void *arg)
{
    struct user *u = arg;
    int rc = hem_queue_put(u->queue, item(u->number));
    trace(rc < 0 ? "%c!" : "%c%d", u->name, (int)u->number);
    return rc;
}

/* A queue, and some who wait to get or to put, in this order. */
struct scene {
    hem_queue queue;
    struct user users[4];
    hem_task *tasks[4];
};

static void begin(struct scene *s, size_t max_items)
{
    hem_queue_init(&s->queue, &(hem_queue_options){.max_items = max_items});
}

/* Those who put, put 1, 2, ... */
static void set_scene(struct scene *s, int users, hem_fn *fn)
{
    for (int i = 0; i < users; i++) {
        s->users[i] = (struct user){&s->queue, (char)('a' + i), i + 1};
        s->tasks[i] = spawn_settled(fn, &s->users[i]);
    }
}

static void try_put(hem_queue *q, intptr_t number)
{
    check_int(hem_queue_try_put(q, item(number)), 0);
}

static void try_get(hem_queue *q, intptr_t want)
{
    void *got;
    if (check(hem_queue_try_get(q, &got) == 0))
        check_int((intptr_t)got, want);
}

static void cancel(hem_task *t)
{
    check(hem_task_cancel(t, "test"));
}

VIRTUAL_TEST(what_is_put_is_got)
{
    hem_queue q;
    void *got;
    hem_queue_init(&q, NULL);
    check_int(hem_queue_size(&q), 0);
    check_int(hem_queue_put(&q, item(1)), 0);
    try_put(&q, 2);
    check_int(hem_queue_size(&q), 2);
    check_int(hem_queue_get(&q, &got), 0);
    check_int((intptr_t)got, 1);
    try_get(&q, 2);
    check_int(hem_queue_size(&q), 0);
    check_int(hem_now(), 0);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(any_pointer_is_an_item)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    try_put(&q, 0);
    try_put(&q, INTPTR_MIN);
    check_int(hem_queue_put(&q, &q), 0);
    try_get(&q, 0);
    try_get(&q, INTPTR_MIN);
    try_get(&q, (intptr_t)&q);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(trying_at_a_full_or_empty_queue_changes_nothing)
{
    struct scene s;
    begin(&s, 2);
    void *got = &s;
    check_int(hem_queue_try_get(&s.queue, &got), HEM_EEMPTY);
    check(got == &s);
    try_put(&s.queue, 1);
    try_put(&s.queue, 2);
    check_int(hem_queue_try_put(&s.queue, item(3)), HEM_EFULL);
    check_int(hem_queue_size(&s.queue), 2);
    try_get(&s.queue, 1);
    try_put(&s.queue, 4);
    try_get(&s.queue, 2);
    try_get(&s.queue, 4);
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(get_waits_for_an_item)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 1, get);
    check_str(hem_task_waits_for(s.tasks[0]), "queue get");
    try_put(&s.queue, 7);
    settle();
    check_trace("a7");
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(put_waits_for_room)
{
    struct scene s;
    begin(&s, 1);
    try_put(&s.queue, 9);
    set_scene(&s, 1, put);
    check_str(hem_task_waits_for(s.tasks[0]), "queue put");
    check_int(hem_queue_size(&s.queue), 1);
    try_get(&s.queue, 9);
    settle();
    check_trace("a1");
    try_get(&s.queue, 1);
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(each_item_wakes_one_getter_in_the_order_of_coming)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 3, get);
    for (int i = 1; i <= 3; i++) {
        try_put(&s.queue, i);
        settle();
    }
    check_trace("a1 b2 c3");
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(each_item_that_is_got_wakes_one_putter_in_the_order_of_coming)
{
    struct scene s;
    begin(&s, 1);
    try_put(&s.queue, 0);
    set_scene(&s, 3, put);
    for (int i = 0; i < 3; i++) {
        try_get(&s.queue, i);
        settle();
    }
    check_trace("a1 b2 c3");
    try_get(&s.queue, 3);
    hem_queue_deinit(&s.queue);
    return 0;
}

FIFO_TEST(items_that_come_together_go_to_the_first_who_wait)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 3, get);
    try_put(&s.queue, 1);
    try_put(&s.queue, 2);
    settle();
    check_trace("a1 b2");
    try_put(&s.queue, 3);
    settle();
    check_trace("c3");
    hem_queue_deinit(&s.queue);
    return 0;
}

/* As in asyncio: items are not handed over. */
VIRTUAL_TEST(one_who_finds_nothing_when_it_runs_waits_behind_the_others)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 2, get);
    try_put(&s.queue, 1);
    try_get(&s.queue, 1);
    settle();
    check_trace("");
    try_put(&s.queue, 2);
    settle();
    check_trace("b2");
    try_put(&s.queue, 3);
    settle();
    check_trace("a3");
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(one_who_finds_no_room_when_it_runs_waits_behind_the_others)
{
    struct scene s;
    begin(&s, 1);
    try_put(&s.queue, 0);
    set_scene(&s, 2, put);
    try_get(&s.queue, 0);
    try_put(&s.queue, 9);
    settle();
    check_trace("");
    try_get(&s.queue, 9);
    settle();
    check_trace("b2");
    try_get(&s.queue, 2);
    settle();
    check_trace("a1");
    try_get(&s.queue, 1);
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(item_is_not_lost_when_its_getter_is_cancelled_in_the_same_turn)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 3, get);
    try_put(&s.queue, 5);
    cancel(s.tasks[0]);
    settle();
    check_trace("a! b5");
    check_str(hem_task_reason(s.tasks[0]), "test");
    try_put(&s.queue, 6);
    settle();
    check_trace("c6");
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(item_stays_when_all_its_getters_are_cancelled_in_the_same_turn)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 2, get);
    try_put(&s.queue, 5);
    cancel(s.tasks[0]);
    cancel(s.tasks[1]);
    settle();
    trace_clear();
    check_int(hem_task_result(s.tasks[0]), HEM_ECANCELED);
    check_int(hem_task_result(s.tasks[1]), HEM_ECANCELED);
    try_get(&s.queue, 5);
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(getter_that_was_cancelled_before_is_left_out)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 4, get);
    cancel(s.tasks[0]);
    try_put(&s.queue, 5);
    settle();
    check_int(hem_task_result(s.tasks[0]), HEM_ECANCELED);
    check_int(hem_task_result(s.tasks[1]), 0);
    trace_clear();
    try_put(&s.queue, 6); /* c was not woken in vain: it comes before d */
    settle();
    try_put(&s.queue, 7);
    settle();
    check_trace("c6 d7");
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(putter_that_was_cancelled_before_is_left_out)
{
    struct scene s;
    begin(&s, 1);
    try_put(&s.queue, 0);
    set_scene(&s, 4, put);
    cancel(s.tasks[0]);
    try_get(&s.queue, 0);
    settle();
    check_int(hem_task_result(s.tasks[0]), HEM_ECANCELED);
    check_int(hem_task_result(s.tasks[1]), 0);
    trace_clear();
    try_get(&s.queue, 2);
    settle();
    try_get(&s.queue, 3);
    settle();
    check_trace("c3 d4");
    try_get(&s.queue, 4);
    hem_queue_deinit(&s.queue);
    return 0;
}

/* The getter that was woken, for an item that is gone, is cancelled: nobody
 * else is woken in vain. */
VIRTUAL_TEST(getter_cancelled_after_its_item_was_taken_wakes_nobody)
{
    struct scene s;
    begin(&s, 0);
    set_scene(&s, 3, get);
    try_put(&s.queue, 5);
    try_get(&s.queue, 5);
    cancel(s.tasks[0]);
    settle();
    check_trace("a!");
    try_put(&s.queue, 6); /* b is still the first */
    settle();
    check_trace("b6");
    try_put(&s.queue, 7);
    settle();
    check_trace("c7");
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(room_is_passed_on_when_its_putter_is_cancelled_in_the_same_turn)
{
    struct scene s;
    begin(&s, 1);
    try_put(&s.queue, 0);
    set_scene(&s, 3, put);
    try_get(&s.queue, 0);
    cancel(s.tasks[0]);
    settle();
    check_trace("a! b2");
    try_get(&s.queue, 2);
    settle();
    check_trace("c3");
    try_get(&s.queue, 3);
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(putter_that_is_cancelled_while_waiting_has_put_nothing)
{
    struct scene s;
    begin(&s, 1);
    try_put(&s.queue, 0);
    set_scene(&s, 2, put);
    cancel(s.tasks[0]);
    settle();
    check_trace("a!");
    try_get(&s.queue, 0);
    settle();
    check_trace("b2");
    try_get(&s.queue, 2);
    check_int(hem_queue_size(&s.queue), 0);
    hem_queue_deinit(&s.queue);
    return 0;
}

VIRTUAL_TEST(waiting_for_an_item_may_time_out)
{
    struct scene s;
    hem_timeout t;
    void *got = NULL;
    begin(&s, 0);
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_close(&t, hem_queue_get(&s.queue, &got)),
              HEM_ETIMEDOUT);
    check(got == NULL);
    try_put(&s.queue, 1);
    try_get(&s.queue, 1);
    hem_queue_deinit(&s.queue);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_is_put_is_got),
        LEDGER_TEST(any_pointer_is_an_item),
        LEDGER_TEST(trying_at_a_full_or_empty_queue_changes_nothing),
        LEDGER_TEST(get_waits_for_an_item),
        LEDGER_TEST(put_waits_for_room),
        LEDGER_TEST(each_item_wakes_one_getter_in_the_order_of_coming),
        LEDGER_TEST(
            each_item_that_is_got_wakes_one_putter_in_the_order_of_coming),
        LEDGER_TEST(items_that_come_together_go_to_the_first_who_wait),
        LEDGER_TEST(one_who_finds_nothing_when_it_runs_waits_behind_the_others),
        LEDGER_TEST(one_who_finds_no_room_when_it_runs_waits_behind_the_others),
        LEDGER_TEST(
            item_is_not_lost_when_its_getter_is_cancelled_in_the_same_turn),
        LEDGER_TEST(
            item_stays_when_all_its_getters_are_cancelled_in_the_same_turn),
        LEDGER_TEST(getter_that_was_cancelled_before_is_left_out),
        LEDGER_TEST(putter_that_was_cancelled_before_is_left_out),
        LEDGER_TEST(getter_cancelled_after_its_item_was_taken_wakes_nobody),
        LEDGER_TEST(
            room_is_passed_on_when_its_putter_is_cancelled_in_the_same_turn),
        LEDGER_TEST(putter_that_is_cancelled_while_waiting_has_put_nothing),
        LEDGER_TEST(waiting_for_an_item_may_time_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

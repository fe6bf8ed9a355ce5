/* SPDX-License-Identifier: MIT */
/* Being done with items, waiting for that, and shutting queues down. */
#include "settle.h"
#include "support.h"

static int join(void *arg)
{
    return hem_queue_join(arg);
}

static int get(void *arg)
{
    void *got;
    return hem_queue_get(arg, &got);
}

static int put(void *arg)
{
    return hem_queue_put(arg, NULL);
}

static void fill(hem_queue *q, size_t n)
{
    while (n-- > 0)
        check_int(hem_queue_try_put(q, NULL), 0);
}

static void take(hem_queue *q)
{
    void *got;
    check_int(hem_queue_try_get(q, &got), 0);
}

static void done(hem_queue *q)
{
    check_int(hem_queue_task_done(q), 0);
}

VIRTUAL_TEST(join_waits_until_all_items_are_done)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    check_int(hem_queue_join(&q), 0);
    fill(&q, 2);
    hem_task *t = spawn_settled(join, &q);
    check_str(hem_task_waits_for(t), "queue join");
    take(&q);
    take(&q);
    done(&q);
    settle();
    check(!hem_task_done(t)); /* got is not done */
    done(&q);
    check_int(hem_await(t), 0);
    check_int(hem_queue_join(&q), 0);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(more_is_done_than_was_put_is_an_error)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    check_int(hem_queue_task_done(&q), HEM_EINVAL);
    fill(&q, 1);
    done(&q); /* as in asyncio it need not have been got */
    check_int(hem_queue_task_done(&q), HEM_EINVAL);
    check_int(hem_queue_size(&q), 1);
    take(&q);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(all_who_join_go_on_though_new_items_come)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    fill(&q, 1);
    hem_task *a = spawn_settled(join, &q);
    hem_task *b = spawn_settled(join, &q);
    take(&q);
    done(&q);
    fill(&q, 1);
    hem_task *c = spawn_settled(join, &q);
    check_int(hem_task_result(a), 0);
    check_int(hem_task_result(b), 0);
    check(!hem_task_done(c));
    take(&q);
    done(&q);
    check_int(hem_await(c), 0);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_joining_leaves_the_others)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    fill(&q, 1);
    hem_task *a = spawn_settled(join, &q);
    hem_task *b = spawn_settled(join, &q);
    hem_task *c = spawn_settled(join, &q);
    check(hem_task_cancel(a, NULL));
    check_int(hem_await(a), HEM_ECANCELED);
    done(&q);
    check(hem_task_cancel(b, NULL)); /* in the turn in which it is let go */
    check_int(hem_await(b), HEM_ECANCELED);
    check_int(hem_await(c), 0);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(after_shutdown_what_is_left_is_got_and_then_no_more)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    void *got;
    fill(&q, 2);
    hem_queue_shutdown(&q, false);
    check_int(hem_queue_try_put(&q, NULL), HEM_ESHUTDOWN);
    check_int(hem_queue_put(&q, NULL), HEM_ESHUTDOWN);
    check_int(hem_queue_size(&q), 2);
    take(&q);
    check_int(hem_queue_get(&q, &got), 0);
    check_int(hem_queue_try_get(&q, &got), HEM_ESHUTDOWN);
    check_int(hem_queue_get(&q, &got), HEM_ESHUTDOWN);
    hem_queue_shutdown(&q, false);
    hem_task *t = spawn_settled(join, &q);
    done(&q);
    check(!hem_task_done(t)); /* join goes its way */
    done(&q);
    check_int(hem_await(t), 0);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(shutdown_turns_away_who_waits_to_get)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    hem_task *a = spawn_settled(get, &q);
    hem_task *b = spawn_settled(get, &q);
    hem_queue_shutdown(&q, false);
    settle();
    check_int(hem_task_result(a), HEM_ESHUTDOWN);
    check_int(hem_task_result(b), HEM_ESHUTDOWN);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(shutdown_turns_away_who_waits_to_put)
{
    hem_queue q;
    hem_queue_init(&q, &(hem_queue_options){.max_items = 1});
    fill(&q, 1);
    hem_task *a = spawn_settled(put, &q);
    hem_task *b = spawn_settled(put, &q);
    hem_queue_shutdown(&q, false);
    settle();
    check_int(hem_task_result(a), HEM_ESHUTDOWN);
    check_int(hem_task_result(b), HEM_ESHUTDOWN);
    check_int(hem_queue_size(&q), 1);
    take(&q);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(shutdown_in_the_turn_of_a_put_still_gives_the_item)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    hem_task *a = spawn_settled(get, &q);
    fill(&q, 1);
    hem_queue_shutdown(&q, false);
    check_int(hem_await(a), 0);
    check_int(hem_queue_size(&q), 0);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_in_the_turn_of_the_shutdown_is_cancelled)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    hem_task *a = spawn_settled(get, &q);
    hem_task *b = spawn_settled(get, &q);
    hem_queue_shutdown(&q, false);
    check(hem_task_cancel(a, NULL));
    settle();
    check_int(hem_task_result(a), HEM_ECANCELED);
    check_int(hem_task_result(b), HEM_ESHUTDOWN);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(immediate_shutdown_drops_what_is_left_and_ends_the_join)
{
    hem_queue q;
    hem_queue_init(&q, &(hem_queue_options){.max_items = 3});
    fill(&q, 3);
    hem_task *joiner = spawn_settled(join, &q);
    hem_task *putter = spawn_settled(put, &q);
    hem_queue_shutdown(&q, true);
    check_int(hem_queue_size(&q), 0);
    settle();
    check_int(hem_task_result(joiner), 0);
    check_int(hem_task_result(putter), HEM_ESHUTDOWN);
    check_int(hem_queue_task_done(&q), HEM_EINVAL);
    void *got;
    check_int(hem_queue_try_get(&q, &got), HEM_ESHUTDOWN);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(immediate_shutdown_leaves_what_was_got_to_be_done)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    fill(&q, 3);
    take(&q);
    hem_task *joiner = spawn_settled(join, &q);
    hem_queue_shutdown(&q, true);
    settle();
    check(!hem_task_done(joiner));
    done(&q);
    check_int(hem_await(joiner), 0);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(shutdown_may_become_immediate_later)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    fill(&q, 2);
    done(&q); /* fewer are unfinished than are left */
    hem_queue_shutdown(&q, false);
    check_int(hem_queue_size(&q), 2);
    hem_queue_shutdown(&q, true);
    check_int(hem_queue_size(&q), 0);
    check_int(hem_queue_join(&q), 0);
    hem_queue_shutdown(&q, true);
    hem_queue_deinit(&q);
    return 0;
}

/* As queue.h says: what must be freed is taken out first. */
VIRTUAL_TEST(what_is_left_can_be_taken_out_instead_of_dropped)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    for (int i = 0; i < 3; i++)
        check_int(hem_queue_try_put(&q, malloc(1)), 0);
    hem_task *joiner = spawn_settled(join, &q);
    hem_queue_shutdown(&q, false);
    void *left;
    while (hem_queue_try_get(&q, &left) == 0) {
        free(left);
        done(&q);
    }
    check_int(hem_await(joiner), 0);
    hem_queue_deinit(&q);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(join_waits_until_all_items_are_done),
        LEDGER_TEST(more_is_done_than_was_put_is_an_error),
        LEDGER_TEST(all_who_join_go_on_though_new_items_come),
        LEDGER_TEST(one_who_is_cancelled_while_joining_leaves_the_others),
        LEDGER_TEST(after_shutdown_what_is_left_is_got_and_then_no_more),
        LEDGER_TEST(shutdown_turns_away_who_waits_to_get),
        LEDGER_TEST(shutdown_turns_away_who_waits_to_put),
        LEDGER_TEST(shutdown_in_the_turn_of_a_put_still_gives_the_item),
        LEDGER_TEST(
            one_who_is_cancelled_in_the_turn_of_the_shutdown_is_cancelled),
        LEDGER_TEST(immediate_shutdown_drops_what_is_left_and_ends_the_join),
        LEDGER_TEST(immediate_shutdown_leaves_what_was_got_to_be_done),
        LEDGER_TEST(shutdown_may_become_immediate_later),
        LEDGER_TEST(what_is_left_can_be_taken_out_instead_of_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* How maps end: by failures, cancellations, without memory. */
#include "support.h"

#include "items.h"
#include "ms.h"

VIRTUAL_TEST(the_first_failure_ends_the_map)
{
    struct item x[6];
    items_prepare(x, 6, 10 * MS);
    x[1].takes = 5 * MS;
    x[1].result = HEM_EIO;
    x[2].cleanup = 4 * MS;
    int ret[6] = {1, 1, 1, 1, 1, 1};
    hem_map_options opts = {.max_at_once = 3, .ret = ret};
    check_int(hem_map(item_work, HEM_ITEMS(x, 6), &opts), HEM_EIO);
    check_int(now_ms(), 9);
    check_int(items_running, 0);
    check_str(hem_failure()->message, "item");
    check_str(hem_failure()->task, "item_work");
    for (size_t i = 0; i < 6; i++) {
        check_int(ret[i], i == 1 ? HEM_EIO : HEM_ECANCELED);
        check_int(x[i].begun == -1, i > 2);
    }
    check_int(hem_sleep(20 * MS), 0);
    check_int(x[3].begun, -1);
    return 0;
}

VIRTUAL_TEST(of_several_failures_the_first_is_returned)
{
    struct item x[3];
    items_prepare(x, 3, 10 * MS);
    x[2].takes = 2 * MS;
    x[2].result = HEM_EPIPE;
    x[0].takes = 4 * MS;
    x[0].result = HEM_EIO;
    check_int(hem_map(item_work, HEM_ITEMS(x, 3), NULL), HEM_EPIPE);
    check_int(hem_failure()->code, HEM_EPIPE);
    return 0;
}

VIRTUAL_TEST(a_failure_ends_the_wait_for_the_time_of_the_next)
{
    struct item x[3];
    items_prepare(x, 3, 20 * MS);
    x[0].result = HEM_EIO;
    hem_map_options opts = {.max_per_second = 1};
    check_int(hem_map(item_work, HEM_ITEMS(x, 3), &opts), HEM_EIO);
    check_int(now_ms(), 20);
    check_int(x[1].begun, -1);
    return 0;
}

VIRTUAL_TEST(with_return_errors_all_items_have_their_turn)
{
    struct item x[6];
    items_prepare(x, 6, 10 * MS);
    x[1].result = HEM_EIO;
    x[4].result = HEM_EPIPE;
    x[5].result = 7;
    int ret[6];
    hem_map_options opts = {
        .max_at_once = 2, .return_errors = true, .ret = ret};
    check_int(hem_map(item_work, HEM_ITEMS(x, 6), &opts), 0);
    check_int(ret[0], 0);
    check_int(ret[1], HEM_EIO);
    check_int(ret[4], HEM_EPIPE);
    check_int(ret[5], 7);
    check_int(now_ms(), 30);
    return 0;
}

static int cancel_yourself(void *arg)
{
    if (*(int *)arg == 1)
        return hem_cancelled("no use");
    return hem_sleep(MS);
}

VIRTUAL_TEST(a_call_that_ends_as_cancelled_has_failed)
{
    int x[] = {0, 1, 2};
    int ret[3];
    hem_map_options opts = {.ret = ret};
    check_int(hem_map(cancel_yourself, HEM_ITEMS(x, 3), &opts), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "no use");
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(now_ms(), 0);
    opts.return_errors = true;
    check_int(hem_map(cancel_yourself, HEM_ITEMS(x, 3), &opts), 0);
    check_int(ret[0], 0);
    check_int(ret[1], HEM_ECANCELED);
    check_int(ret[2], 0);
    return 0;
}

static bool cancel_work(void *arg, hem_task *t)
{
    (void)arg;
    if (strcmp(hem_task_name(t), "item_work") == 0)
        (void)hem_task_cancel(t, NULL);
    return true;
}

static void cancel_all_work(void *arg)
{
    hem_task_each(cancel_work, arg);
}

/* Their functions never run, but they count as ended. */
FIFO_TEST(calls_cancelled_before_their_first_step_make_room)
{
    struct item x[4];
    int ret[4];
    items_prepare(x, 4, MS);
    hem_callback cb;
    hem_callback_init(&cb, cancel_all_work, NULL);
    check_int(hem_call_soon(&cb), 0); /* before the first calls' steps */
    hem_map_options opts = {
        .max_at_once = 2, .return_errors = true, .ret = ret};
    check_int(hem_map(item_work, HEM_ITEMS(x, 4), &opts), 0);
    check_int(ret[0], HEM_ECANCELED);
    check_int(ret[1], HEM_ECANCELED);
    check_int(ret[2], 0);
    check_int(ret[3], 0);
    check_int(x[0].begun, -1);
    return 0;
}

struct mapper {
    struct item x[6];
    int ret[6];
    hem_map_options opts;
};

static int run_map(void *arg)
{
    struct mapper *m = arg;
    m->opts.ret = m->ret;
    return hem_map(item_work, HEM_ITEMS(m->x, 6), &m->opts);
}

VIRTUAL_TEST(cancelling_the_caller_cancels_all_calls)
{
    struct mapper m = {.opts = {.max_at_once = 2}};
    hem_task *t;
    items_prepare(m.x, 6, 10 * MS);
    m.x[2].cleanup = m.x[3].cleanup = 3 * MS;
    check_int(hem_spawn(&t, run_map, &m), 0);
    check_int(hem_sleep(15 * MS), 0);
    check_str(hem_task_waits_for(t), "map");
    check(hem_task_cancel(t, "stop"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "stop");
    check_int(now_ms(), 18);
    check_int(items_running, 0);
    static const int ret[] = {
        0, 0, HEM_ECANCELED, HEM_ECANCELED, HEM_ECANCELED, HEM_ECANCELED};
    for (size_t i = 0; i < 6; i++)
        check_int(m.ret[i], ret[i]);
    check_int(m.x[4].begun, -1);
    return 0;
}

VIRTUAL_TEST(cancelling_the_caller_counts_wherever_it_waits)
{
    static const struct {
        hem_map_options opts;
        int at;
    } cases[] = {
        {{.max_per_second = 10}, 150}, /* for the time of the next */
        {{.max_per_second = 10}, 100}, /* which has come */
        {{.max_at_once = 6}, 5},       /* for the last ones */
        {{.max_at_once = 6}, 10},      /* which end */
        {{.max_at_once = 1}, 10},      /* for room, that is made */
        {{.max_at_once = 1, .return_errors = true}, 20},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct mapper m = {.opts = cases[i].opts};
        hem_task *t;
        items_prepare(m.x, 6, 10 * MS);
        check_int(hem_spawn(&t, run_map, &m), 0);
        check_int(hem_sleep(cases[i].at * MS), 0);
        if (hem_task_cancel(t, NULL))
            check_int(hem_await(t), HEM_ECANCELED);
        else
            check_int(hem_await(t), 0);
        check_int(items_running, 0);
    }
    return 0;
}

VIRTUAL_TEST(a_cancellation_while_a_failed_map_ends_is_not_lost)
{
    struct mapper m = {.opts = {.max_at_once = 2}};
    hem_task *t;
    items_prepare(m.x, 6, 10 * MS);
    m.x[0].takes = 5 * MS;
    m.x[0].result = HEM_EIO;
    m.x[1].cleanup = 10 * MS;
    check_int(hem_spawn(&t, run_map, &m), 0);
    check_int(hem_sleep(8 * MS), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(now_ms(), 15);
    check_int(m.ret[0], HEM_EIO);
    return 0;
}

VIRTUAL_TEST(within_a_shield_a_failure_is_returned_all_the_same)
{
    struct item x[2];
    items_prepare(x, 2, 10 * MS);
    x[0].result = HEM_EIO;
    x[0].takes = MS;
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_map(item_work, HEM_ITEMS(x, 2), NULL), HEM_EIO);
    check_int(hem_shield_close(&s, 0), HEM_ECANCELED);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

static int inner(void *arg)
{
    return hem_map(item_work, HEM_ITEMS((struct item *)arg, 3),
                   &(hem_map_options){.max_at_once = 1});
}

VIRTUAL_TEST(maps_nest)
{
    struct item x[4][3];
    items_prepare(x[0], 12, 5 * MS);
    hem_map_options opts = {.max_at_once = 2};
    check_int(hem_map(inner, HEM_ITEMS(x, 4), &opts), 0);
    check_int(now_ms(), 30);
    check_int(items_most, 2);
    items_prepare(x[0], 12, 5 * MS);
    x[1][1].result = HEM_EIO;
    check_int(hem_map(inner, HEM_ITEMS(x, 4), &opts), HEM_EIO);
    check_str(hem_failure()->message, "item");
    check_int(items_running, 0);
    return 0;
}

VIRTUAL_TEST(a_rate_that_never_comes_waits_for_a_cancellation)
{
    struct mapper m = {.opts = {.max_per_second = 1e-300}};
    hem_task *t;
    items_prepare(m.x, 6, 0);
    check_int(hem_spawn(&t, run_map, &m), 0);
    check_int(hem_sleep(HEM_NEVER / 2), 0);
    check_int(m.x[1].begun, -1);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    return 0;
}

VIRTUAL_TEST(where_memory_lacks_the_map_waits_for_one_of_its_own)
{
    static struct item x[300];
    items_prepare(x, 300, MS);
    hem_map_options opts = {.max_at_once = SIZE_MAX};
    ledger_fail_from(1);
    int rc = hem_map(item_work, HEM_ITEMS(x, 300), &opts);
    ledger_fail_from(0);
    check_int(rc, 0);
    check(items_most > 1 && items_most < 300);
    check(now_ms() > 1);
    for (size_t i = 0; i < 300; i++)
        check(x[i].begun >= 0);
    items_prepare(x, 300, MS);
    x[2].result = HEM_EIO; /* while it waits */
    ledger_fail_from(1);
    rc = hem_map(item_work, HEM_ITEMS(x, 300), &opts);
    ledger_fail_from(0);
    check_int(rc, HEM_EIO);
    return 0;
}

VIRTUAL_TEST(without_memory_for_a_single_task_the_map_fails)
{
    struct item x[4];
    items_prepare(x, 4, MS);
    hem_map_options opts = {.stack_bytes = (size_t)300 << 10};
    ledger_fail_from(1);
    check_int(hem_map(item_work, HEM_ITEMS(x, 4), &opts), HEM_ENOMEM);
    ledger_fail_from(0);
    check_int(x[0].begun, -1);
    check_int(hem_map(item_work, HEM_ITEMS(x, 4), &opts), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_first_failure_ends_the_map),
        LEDGER_TEST(of_several_failures_the_first_is_returned),
        LEDGER_TEST(a_failure_ends_the_wait_for_the_time_of_the_next),
        LEDGER_TEST(with_return_errors_all_items_have_their_turn),
        LEDGER_TEST(a_call_that_ends_as_cancelled_has_failed),
        LEDGER_TEST(calls_cancelled_before_their_first_step_make_room),
        LEDGER_TEST(cancelling_the_caller_cancels_all_calls),
        LEDGER_TEST(cancelling_the_caller_counts_wherever_it_waits),
        LEDGER_TEST(a_cancellation_while_a_failed_map_ends_is_not_lost),
        LEDGER_TEST(within_a_shield_a_failure_is_returned_all_the_same),
        LEDGER_TEST(maps_nest),
        LEDGER_TEST(a_rate_that_never_comes_waits_for_a_cancellation),
        LEDGER_TEST(where_memory_lacks_the_map_waits_for_one_of_its_own),
        LEDGER_TEST(without_memory_for_a_single_task_the_map_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

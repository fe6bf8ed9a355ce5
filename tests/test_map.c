/* SPDX-License-Identifier: MIT */
/* Maps: how many calls at a time, how many a second. How they end:
 * test_map_end.c. */
#include "support.h"

#include "items.h"
#include "ms.h"

VIRTUAL_TEST(every_item_has_its_call)
{
    struct item x[10];
    items_prepare(x, 10, MS);
    check_int(hem_map(item_work, HEM_ITEMS(x, 10), NULL), 0);
    for (size_t i = 0; i < 10; i++)
        check_int(x[i].ended, MS);
    check_int(now_ms(), 1);
    check_int(items_running, 0);
    return 0;
}

VIRTUAL_TEST(nothing_is_done_at_once)
{
    check_int(hem_map(item_work, HEM_ITEMS((struct item *)NULL, 0), NULL), 0);
    hem_items none = {NULL, 0, 0};
    check_int(hem_map(item_work, none, NULL), 0);
    return 0;
}

FIFO_TEST(items_begin_in_their_order)
{
    struct item x[6];
    items_prepare(x, 6, 10 * MS);
    x[0].takes = 5 * MS;
    x[3].takes = 2 * MS;
    hem_map_options opts = {.max_at_once = 2};
    check_int(hem_map(item_work, HEM_ITEMS(x, 6), &opts), 0);
    check_int(items_most, 2);
    static const int begun[] = {0, 0, 5, 10, 12, 15};
    for (size_t i = 0; i < 6; i++)
        check_int(x[i].begun, begun[i] * MS);
    return 0;
}

VIRTUAL_TEST(one_at_a_time)
{
    struct item x[5];
    items_prepare(x, 5, 10 * MS);
    hem_map_options opts = {.max_at_once = 1};
    check_int(hem_map(item_work, HEM_ITEMS(x, 5), &opts), 0);
    check_int(items_most, 1);
    for (int i = 0; i < 5; i++)
        check_int(x[i].begun, 10 * i * MS);
    return 0;
}

VIRTUAL_TEST(sixty_four_at_a_time_by_default)
{
    static struct item x[200];
    items_prepare(x, 200, MS);
    check_int(hem_map(item_work, HEM_ITEMS(x, 200), NULL), 0);
    check_int(items_most, 64);
    check_int(now_ms(), 4);
    items_prepare(x, 200, MS);
    hem_map_options opts = {.max_at_once = SIZE_MAX};
    check_int(hem_map(item_work, HEM_ITEMS(x, 200), &opts), 0);
    check_int(items_most, 200);
    return 0;
}

VIRTUAL_TEST(calls_begin_evenly_spaced)
{
    struct item x[8];
    items_prepare(x, 8, 0);
    check_int(hem_sleep(7), 0);
    hem_map_options opts = {.max_per_second = 10};
    check_int(hem_map(item_work, HEM_ITEMS(x, 8), &opts), 0);
    for (int i = 0; i < 8; i++)
        check_int(x[i].begun, 7 + i * 100 * MS);
    check_int(hem_now(), 7 + 700 * MS);
    return 0;
}

VIRTUAL_TEST(fractions_of_the_spacing_do_not_add_up)
{
    static struct item x[3001];
    items_prepare(x, 3001, 0);
    hem_map_options opts = {.max_per_second = 3};
    check_int(hem_map(item_work, HEM_ITEMS(x, 3001), &opts), 0);
    for (int i = 0; i <= 3000; i += 3)
        check_int(x[i].begun, (hem_ns)(i / 3) * HEM_SEC);
    check_int(x[1].begun, 333333333);
    check_int(x[2].begun, 666666667);
    return 0;
}

VIRTUAL_TEST(less_than_one_a_second)
{
    struct item x[3];
    items_prepare(x, 3, 0);
    hem_map_options opts = {.max_per_second = 0.25};
    check_int(hem_map(item_work, HEM_ITEMS(x, 3), &opts), 0);
    check_int(x[2].begun, 8 * HEM_SEC);
    return 0;
}

VIRTUAL_TEST(who_begins_late_begins_the_spacing_anew)
{
    struct item x[5];
    items_prepare(x, 5, 0);
    x[0].takes = 250 * MS;
    hem_map_options opts = {.max_at_once = 1, .max_per_second = 10};
    check_int(hem_map(item_work, HEM_ITEMS(x, 5), &opts), 0);
    static const int begun[] = {0, 250, 350, 450, 550};
    for (size_t i = 0; i < 5; i++)
        check_int(x[i].begun, begun[i] * MS);
    return 0;
}

VIRTUAL_TEST(a_call_that_ends_while_the_next_waits_for_its_time_changes_nothing)
{
    struct item x[4];
    items_prepare(x, 4, 30 * MS);
    hem_map_options opts = {.max_per_second = 10};
    check_int(hem_map(item_work, HEM_ITEMS(x, 4), &opts), 0);
    for (int i = 0; i < 4; i++)
        check_int(x[i].begun, i * 100 * MS);
    check_int(items_most, 1);
    return 0;
}

static int count_up(void *arg)
{
    (*(unsigned char *)arg)++;
    return 0;
}

VIRTUAL_TEST(a_million_items_take_no_more_memory_than_a_few)
{
    size_t n = scaled(1000000);
    unsigned char *x = calloc(n, 1);
    check_int(hem_map(count_up, HEM_ITEMS(x, 1000), NULL), 0);
    size_t live = ledger_live();
    size_t resident = ledger_resident();
    check_int(hem_map(count_up, HEM_ITEMS(x, n), NULL), 0);
    check_int(ledger_live(), live);
    if (!SANITIZED)
        check(ledger_resident() < resident + n + (size_t)(1 << 20));
    for (size_t i = 0; i < n; i++) {
        if (x[i] != (i < 1000 ? 2 : 1))
            check_never("an item that was not called once");
    }
    free(x);
    return 0;
}

static int say_name(void *arg)
{
    int line;
    (void)arg;
    trace("%s", hem_task_name(hem_self()));
    check_contains(hem_task_site(hem_self(), &line), "test_map.c");
    return 0;
}

VIRTUAL_TEST(calls_have_names)
{
    int x[1] = {0};
    check_int(hem_map(say_name, HEM_ITEMS(x, 1), NULL), 0);
    hem_map_options opts = {.name = "named"};
    check_int(hem_map(say_name, HEM_ITEMS(x, 1), &opts), 0);
    check_trace("say_name named");
    return 0;
}

VIRTUAL_TEST(bad_options_are_refused)
{
    struct item x[2];
    items_prepare(x, 2, 0);
    hem_map_options opts = {.max_per_second = -1};
    check_int(hem_map(item_work, HEM_ITEMS(x, 2), &opts), HEM_EINVAL);
    opts.max_per_second = __builtin_nan("");
    check_int(hem_map(item_work, HEM_ITEMS(x, 2), &opts), HEM_EINVAL);
    hem_items flat = {x, 2, 0};
    check_int(hem_map(item_work, flat, NULL), HEM_EINVAL);
    opts = (hem_map_options){.stack_bytes = (size_t)2 << 30};
    check_int(hem_map(item_work, HEM_ITEMS(x, 2), &opts), HEM_EINVAL);
    check_int(x[0].begun, -1);
    opts = (hem_map_options){.max_per_second = __builtin_inf()};
    check_int(hem_map(item_work, HEM_ITEMS(x, 2), &opts), 0);
    check_int(x[1].begun, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(every_item_has_its_call),
        LEDGER_TEST(nothing_is_done_at_once),
        LEDGER_TEST(items_begin_in_their_order),
        LEDGER_TEST(one_at_a_time),
        LEDGER_TEST(sixty_four_at_a_time_by_default),
        LEDGER_TEST(calls_begin_evenly_spaced),
        LEDGER_TEST(fractions_of_the_spacing_do_not_add_up),
        LEDGER_TEST(less_than_one_a_second),
        LEDGER_TEST(who_begins_late_begins_the_spacing_anew),
        LEDGER_TEST(
            a_call_that_ends_while_the_next_waits_for_its_time_changes_nothing),
        LEDGER_TEST(a_million_items_take_no_more_memory_than_a_few),
        LEDGER_TEST(calls_have_names),
        LEDGER_TEST(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Loads that fail, are cancelled, or wait for each other. */
#include "support.h"

#include "loads.h"
#include "ms.h"

VIRTUAL_TEST(who_is_cancelled_in_the_turn_of_a_failure_has_no_record_of_it)
{
    for (int i = 0; i < 8; i++) {
        hem_cache *c = loads_cache((hem_cache_options){0});
        struct asker a;
        loads.result = HEM_EIO;
        asker_spawn(&a, c, "k");
        check_int(hem_sleep(20 * MS), 0);
        for (int turns = 0; turns < i; turns++)
            check_int(hem_yield(), 0);
        bool cancelled = hem_task_cancel(a.task, NULL);
        check_int(hem_await(a.task), cancelled ? HEM_ECANCELED : HEM_EIO);
        check_int(a.why == NULL, cancelled);
        check_int(hem_sleep(MS), 0);
        (void)reports_take(); /* if it was cancelled before */
        loads_destroy(c);
    }
    return 0;
}

VIRTUAL_TEST(a_cancelled_load_cancels_those_who_wait_and_is_not_kept)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    struct asker a[2];
    asker_spawn(&a[0], c, "k");
    asker_spawn(&a[1], c, "k");
    check_int(hem_sleep(5 * MS), 0);
    check(hem_task_cancel(loads.task, "not now"));
    for (size_t i = 0; i < COUNT_OF(a); i++) {
        check_int(hem_await(a[i].task), HEM_ECANCELED);
        check_int(hem_task_cancelling(a[i].task), 0);
        check_str(hem_task_reason(a[i].task), NULL);
        check_int(a[i].at, 5);
    }
    check_int(hem_cache_info(c).items, 0);
    check_int(loads_get(c, "k"), 2);
    loads_destroy(c);
    return 0;
}

static bool cancel_load(void *arg, hem_task *t)
{
    if (strcmp(hem_task_name(t), arg) == 0)
        check(hem_task_cancel(t, NULL));
    return true;
}

FIFO_TEST(a_load_cancelled_before_its_first_step_cancels_those_who_wait)
{
    hem_cache *c = loads_cache((hem_cache_options){.name = "loader"});
    struct asker a[2];
    asker_spawn(&a[0], c, "k");
    asker_spawn(&a[1], c, "k");
    check_int(hem_yield(), 0);
    hem_task_each(cancel_load, "loader");
    check_int(hem_await(a[0].task), HEM_ECANCELED);
    check_int(hem_await(a[1].task), HEM_ECANCELED);
    check_int(loads.begun, 0);
    check_int(loads_get(c, "k"), 1);
    loads_destroy(c);
    return 0;
}

static int load_in_spite(void *arg, const void *key, void *ret)
{
    (void)key;
    *(hem_task **)arg = hem_self();
    check(hem_task_cancel(hem_self(), NULL));
    *(int *)ret = 1;
    loads.alive++;
    return 0; /* with a cancellation pending */
}

VIRTUAL_TEST(a_value_of_a_load_that_ends_as_cancelled_is_dropped)
{
    hem_task *t;
    hem_cache *c;
    hem_cache_options opts = {
        .value_bytes = sizeof(int), .drop = loads_drop, .arg = &t};
    loads.alive = 0;
    check_int(hem_cache_create(&c, load_in_spite, &opts), 0);
    check_int(loads_get(c, "k"), HEM_ECANCELED);
    check_int(loads.alive, 0);
    check_int(hem_cache_info(c).items, 0);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(a_failure_goes_to_all_who_wait_with_its_record)
{
    hem_cache *c = loads_cache((hem_cache_options){.name = "loader"});
    struct asker a[3];
    loads.result = HEM_EIO;
    for (size_t i = 0; i < COUNT_OF(a); i++)
        asker_spawn(&a[i], c, "k");
    for (size_t i = 0; i < COUNT_OF(a); i++) {
        check_int(hem_await(a[i].task), HEM_EIO);
        check(a[i].why == a[0].why);
        check_str(a[i].message, "load 1");
    }
    check_str(hem_failure()->task, "loader");
    check_int(hem_cache_info(c).items, 0);
    loads.result = 0;
    check_int(loads_get(c, "k"), 2);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(a_failure_that_nobody_waits_for_is_reported)
{
    hem_cache *c = loads_cache((hem_cache_options){.name = "loader"});
    struct asker a;
    loads.result = HEM_EIO;
    asker_spawn(&a, c, "k");
    check_int(hem_sleep(5 * MS), 0);
    check(hem_task_cancel(a.task, NULL));
    check_int(hem_sleep(50 * MS), 0);
    check_report(HEM_REPORT_NEVER_RETRIEVED, "loader", HEM_EIO);
    check_str(report_message(), "load 1");
    check_int(hem_cache_info(c).items, 0);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(an_old_load_that_fails_leaves_the_new_one_alone)
{
    hem_cache *c = loads_cache((hem_cache_options){.expire = 30 * MS});
    struct asker old, young;
    loads.result = HEM_EIO;
    asker_spawn(&old, c, "k");
    check_int(hem_sleep(5 * MS), 0);
    check(hem_cache_invalidate(c, "k"));
    loads.result = 0;
    asker_spawn(&young, c, "k");
    check_int(hem_await(old.task), HEM_EIO);
    check_int(hem_cache_info(c).items, 1);
    check_int(hem_await(young.task), 2);
    check_int(hem_sleep(29 * MS), 0);
    check_int(loads_get(c, "k"), 2);
    check_int(hem_sleep(2 * MS), 0);
    check_int(hem_cache_info(c).items, 0);
    loads_destroy(c);
    return 0;
}

/* A load that asks for the next letter, of this cache or the other. */
struct pair {
    hem_cache *caches[2];
};

static int load_next(void *arg, const void *key, void *ret)
{
    struct pair *p = arg;
    char c = *(const char *)key;
    (void)ret;
    HEM_TRY(hem_sleep(MS));
    if (c == 'z')
        return 26;
    char next[2] = {c == 'e' ? 'a' : (char)(c + 1), '\0'};
    return hem_cache_get(p->caches[c % 2], next, NULL);
}

static int get_for_a_while(hem_cache *c, const char *key)
{
    hem_timeout t;
    check_int(hem_timeout_open(&t, HEM_SEC), 0);
    return hem_timeout_close(&t, hem_cache_get(c, key, NULL));
}

VIRTUAL_TEST(loads_may_ask_and_those_in_a_ring_wait_until_they_are_cancelled)
{
    struct pair p;
    hem_cache_options opts = {.arg = &p};
    check_int(hem_cache_create(&p.caches[0], load_next, &opts), 0);
    p.caches[1] = p.caches[0];
    check_int(hem_cache_get(p.caches[0], "v", NULL), 26);
    check_int(hem_cache_info(p.caches[0]).items, 5);
    check_int(get_for_a_while(p.caches[0], "c"), HEM_ETIMEDOUT);
    check_int(hem_cache_close(p.caches[0], false), 0);
    hem_cache_destroy(p.caches[0]);
    check_int(hem_cache_create(&p.caches[0], load_next, &opts), 0);
    check_int(hem_cache_create(&p.caches[1], load_next, &opts), 0);
    check_int(get_for_a_while(p.caches[1], "b"), HEM_ETIMEDOUT);
    check_int(hem_cache_close(p.caches[0], false), 0);
    check_int(hem_cache_close(p.caches[1], false), 0);
    hem_cache_destroy(p.caches[0]);
    hem_cache_destroy(p.caches[1]);
    return 0;
}

static int load_itself(void *arg, const void *key, void *ret)
{
    int value;
    (void)ret;
    return hem_cache_get(*(hem_cache **)arg, key, &value);
}

VIRTUAL_TEST(a_load_that_asks_for_what_it_loads_waits_until_it_is_cancelled)
{
    hem_cache *c;
    hem_cache_options opts = {.arg = &c};
    check_int(hem_cache_create(&c, load_itself, &opts), 0);
    check_int(get_for_a_while(c, "k"), HEM_ETIMEDOUT);
    check_int(hem_cache_info(c).hits, 1);
    check_int(hem_cache_close(c, false), 0);
    hem_cache_destroy(c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            who_is_cancelled_in_the_turn_of_a_failure_has_no_record_of_it),
        LEDGER_TEST(a_cancelled_load_cancels_those_who_wait_and_is_not_kept),
        LEDGER_TEST(
            a_load_cancelled_before_its_first_step_cancels_those_who_wait),
        LEDGER_TEST(a_value_of_a_load_that_ends_as_cancelled_is_dropped),
        LEDGER_TEST(a_failure_goes_to_all_who_wait_with_its_record),
        LEDGER_TEST(a_failure_that_nobody_waits_for_is_reported),
        LEDGER_TEST(an_old_load_that_fails_leaves_the_new_one_alone),
        LEDGER_TEST(
            loads_may_ask_and_those_in_a_ring_wait_until_they_are_cancelled),
        LEDGER_TEST(
            a_load_that_asks_for_what_it_loads_waits_until_it_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* One load for all who ask, whatever becomes of them meanwhile. */
#include "support.h"

#include "loads.h"
#include "ms.h"

VIRTUAL_TEST(all_who_ask_wait_for_one_load)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    struct asker a[5];
    for (size_t i = 0; i < COUNT_OF(a); i++) {
        asker_spawn(&a[i], c, "k");
        check_int(hem_sleep(3 * MS), 0);
    }
    check_str(hem_task_waits_for(a[0].task), "cache");
    check_int(hem_cache_info(c).loading, 1);
    for (size_t i = 0; i < COUNT_OF(a); i++) {
        check_int(hem_await(a[i].task), 1);
        check_int(a[i].at, 20);
    }
    check_int(loads.begun, 1);
    check_int(hem_cache_info(c).hits, 4);
    check_int(hem_cache_info(c).loading, 0);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(keys_are_loaded_side_by_side)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    struct asker a[3];
    static const char *const keys[] = {"x", "y", "z"};
    for (size_t i = 0; i < COUNT_OF(a); i++)
        asker_spawn(&a[i], c, keys[i]);
    for (size_t i = 0; i < COUNT_OF(a); i++)
        check(hem_await(a[i].task) > 0);
    check_int(now_ms(), 20);
    check_int(loads.begun, 3);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(cancelling_who_asked_first_leaves_the_load_to_the_others)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    struct asker a[3];
    for (size_t i = 0; i < COUNT_OF(a); i++) {
        asker_spawn(&a[i], c, "k");
        check_int(hem_sleep(MS), 0);
    }
    check(hem_task_cancel(a[0].task, "first"));
    check_int(hem_await(a[0].task), HEM_ECANCELED);
    check_str(hem_task_reason(a[0].task), "first");
    check_int(now_ms(), 3);
    check_int(hem_await(a[1].task), 1);
    check_int(hem_await(a[2].task), 1);
    check_int(now_ms(), 20);
    check_int(loads.begun, 1);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(a_load_that_nobody_waits_for_any_more_is_kept)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    struct asker a;
    asker_spawn(&a, c, "k");
    check_int(hem_sleep(5 * MS), 0);
    check(hem_task_cancel(a.task, NULL));
    check_int(hem_await(a.task), HEM_ECANCELED);
    check_int(hem_sleep(5 * MS), 0);
    check_int(loads_get(c, "k"), 1);
    check_int(now_ms(), 20);
    asker_spawn(&a, c, "l");
    check_int(hem_sleep(5 * MS), 0);
    check(hem_task_cancel(a.task, NULL));
    check_int(hem_sleep(50 * MS), 0);
    check_int(loads_get(c, "l"), 2);
    check_int(now_ms(), 75);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(one_with_a_pending_cancellation_begins_the_load_and_goes)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    check(hem_task_cancel(hem_self(), "pending"));
    check_int(loads_get(c, "k"), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    check_int(now_ms(), 0);
    check_int(loads_get(c, "k"), 1);
    check_int(now_ms(), 20);
    check(hem_task_cancel(hem_self(), "pending"));
    check_int(loads_get(c, "k"), 1); /* it does not wait */
    check_int(hem_yield(), HEM_ECANCELED);
    loads_destroy(c);
    return 0;
}

/* In the turn in which the load ends, before it and behind it. */
VIRTUAL_TEST(a_cancellation_in_the_turn_of_the_value_is_not_lost)
{
    for (int i = 0; i < 8; i++) {
        hem_cache *c = loads_cache((hem_cache_options){0});
        struct asker a;
        asker_spawn(&a, c, "k");
        check_int(hem_sleep(20 * MS), 0);
        for (int turns = 0; turns < i; turns++)
            check_int(hem_yield(), 0);
        if (hem_task_cancel(a.task, NULL))
            check_int(hem_await(a.task), HEM_ECANCELED);
        else
            check_int(hem_await(a.task), 1);
        check_int(loads_get(c, "k"), 1);
        loads_destroy(c);
    }
    return 0;
}

VIRTUAL_TEST(what_is_evicted_while_it_is_loaded_goes_to_those_who_wait)
{
    hem_cache *c = loads_cache((hem_cache_options){.max_items = 1});
    struct asker a[2], b;
    asker_spawn(&a[0], c, "a");
    asker_spawn(&a[1], c, "a");
    check_int(hem_sleep(5 * MS), 0);
    asker_spawn(&b, c, "b");
    check_int(hem_sleep(MS), 0);
    check_int(hem_cache_info(c).items, 1);
    check_int(hem_cache_info(c).loading, 2);
    check_int(hem_await(a[0].task), 1);
    check_int(hem_await(a[1].task), 1);
    check_int(hem_await(b.task), 2);
    check_int(loads.alive, 1);
    check_int(loads_get(c, "b"), 2);
    check_int(loads_get(c, "a"), 3);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(a_key_forgotten_while_it_is_loaded_is_loaded_anew)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    struct asker old, young;
    asker_spawn(&old, c, "k");
    check_int(hem_sleep(5 * MS), 0);
    check(hem_cache_invalidate(c, "k"));
    asker_spawn(&young, c, "k");
    check_int(hem_sleep(MS), 0);
    check_int(loads.begun, 2);
    check_int(hem_await(old.task), 1);
    check_int(old.at, 20);
    check_int(loads.alive, 0);
    check_int(hem_cache_info(c).items, 1);
    check_int(hem_await(young.task), 2);
    check_int(young.at, 25);
    check_int(loads_get(c, "k"), 2);
    loads_destroy(c);
    return 0;
}

static int ask_and_clear(void *arg)
{
    struct asker *a = arg;
    int rc = asker_ask(a);
    hem_cache_clear(a->cache);
    return rc;
}

VIRTUAL_TEST(who_waits_gets_the_value_though_another_forgets_it_first)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    struct asker a[4];
    for (size_t i = 0; i < COUNT_OF(a); i++) {
        a[i] = (struct asker){.cache = c, .key = "k"};
        check_int(hem_spawn(&a[i].task, ask_and_clear, &a[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(a); i++)
        check_int(hem_await(a[i].task), 1);
    check_int(loads.alive, 0);
    check_int(loads.begun, 1);
    loads_destroy(c);
    return 0;
}

VIRTUAL_TEST(an_expiry_at_once_lets_those_have_it_who_wait)
{
    hem_cache *c = loads_cache((hem_cache_options){.expire = -1});
    struct asker a[3];
    for (size_t i = 0; i < COUNT_OF(a); i++)
        asker_spawn(&a[i], c, "k");
    for (size_t i = 0; i < COUNT_OF(a); i++)
        check_int(hem_await(a[i].task), 1);
    check_int(loads.alive, 0);
    check_int(loads_get(c, "k"), 2);
    loads_destroy(c);
    return 0;
}

static hem_var user = HEM_VAR("user", "nobody");

static int load_user(void *arg, const void *key, void *ret)
{
    int line;
    (void)key;
    (void)ret;
    trace("%s:%s", hem_task_name(hem_self()), (char *)hem_var_get(&user));
    check_contains(hem_task_site(hem_self(), &line), "test_cache_load.c");
    check_int(hem_var_set(&user, "load"), 0);
    return arg ? 0 : hem_yield();
}

VIRTUAL_TEST(a_load_has_a_name_a_place_and_variables_of_who_asked_first)
{
    hem_cache *c;
    check_int(hem_cache_create(&c, load_user, NULL), 0);
    check_int(hem_var_set(&user, "me"), 0);
    check_int(hem_cache_get(c, "k", NULL), 0);
    check_str(hem_var_get(&user), "me");
    hem_cache_destroy(c);
    hem_cache_options named = {.name = "named"};
    check_int(hem_cache_create(&c, load_user, &named), 0);
    check_int(hem_cache_get(c, "k", NULL), 0);
    hem_cache_destroy(c);
    check_trace("load_user:me named:me");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(all_who_ask_wait_for_one_load),
        LEDGER_TEST(keys_are_loaded_side_by_side),
        LEDGER_TEST(cancelling_who_asked_first_leaves_the_load_to_the_others),
        LEDGER_TEST(a_load_that_nobody_waits_for_any_more_is_kept),
        LEDGER_TEST(one_with_a_pending_cancellation_begins_the_load_and_goes),
        LEDGER_TEST(a_cancellation_in_the_turn_of_the_value_is_not_lost),
        LEDGER_TEST(what_is_evicted_while_it_is_loaded_goes_to_those_who_wait),
        LEDGER_TEST(a_key_forgotten_while_it_is_loaded_is_loaded_anew),
        LEDGER_TEST(who_waits_gets_the_value_though_another_forgets_it_first),
        LEDGER_TEST(an_expiry_at_once_lets_those_have_it_who_wait),
        LEDGER_TEST(a_load_has_a_name_a_place_and_variables_of_who_asked_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

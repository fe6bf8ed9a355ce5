/* SPDX-License-Identifier: MIT */
/* What caches keep: limits, expiry, lifetimes. Loads: test_cache_load.c; keys
 * and values: test_cache_value.c. */
#include "support.h"

#include "ms.h"

/* Loads take `takes` and give the number of the load. */
struct source {
    hem_ns takes;
    int loads;
    int alive; /* values that were not dropped */
};

struct value {
    int load;
    char key[16];
};

static int load_value(void *arg, const void *key, void *ret)
{
    struct source *s = arg;
    struct value *v = ret;
    check_int(v->load, 0);
    v->load = ++s->loads;
    int load = v->load;
    snprintf(v->key, sizeof(v->key), "%s", (const char *)key);
    if (s->takes)
        HEM_TRY(hem_sleep(s->takes));
    s->alive++;
    return load;
}

static void drop_value(void *arg, void *value)
{
    struct source *s = arg;
    check(((struct value *)value)->load > 0);
    s->alive--;
}

static hem_cache *create(struct source *s, hem_cache_options opts)
{
    opts.value_bytes = sizeof(struct value);
    opts.drop = drop_value;
    opts.arg = s;
    hem_cache *c = NULL;
    check_int(hem_cache_create(&c, load_value, &opts), 0);
    return c;
}

/* Which load `key` came from. */
static int get(hem_cache *c, const char *key)
{
    struct value v = {0};
    int rc = hem_cache_get(c, key, &v);
    if (rc >= 0) {
        check_int(v.load, rc);
        check_str(v.key, key);
    }
    return rc;
}

/* All that was created has gone. */
static void destroy(hem_cache *c, const struct source *s)
{
    hem_cache_destroy(c);
    check_int(s->alive, 0);
}

VIRTUAL_TEST(a_key_is_loaded_once)
{
    struct source s = {.takes = 10 * MS};
    hem_cache *c = create(&s, (hem_cache_options){0});
    check_int(get(c, "a"), 1);
    check_int(now_ms(), 10);
    check_int(get(c, "b"), 2);
    check_int(get(c, "a"), 1);
    check_int(get(c, "b"), 2);
    check_int(now_ms(), 20);
    hem_cache_stats info = hem_cache_info(c);
    check_int(info.hits, 2);
    check_int(info.misses, 2);
    check_int(info.items, 2);
    check_int(info.max_items, 128);
    check_int(info.loading, 0);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(the_value_may_be_left_out)
{
    struct source s = {0};
    hem_cache *c = create(&s, (hem_cache_options){0});
    check_int(hem_cache_get(c, "a", NULL), 1);
    check_int(hem_cache_get(c, "a", NULL), 1);
    destroy(c, &s);
    return 0;
}

static int load_nothing(void *arg, const void *key, void *ret)
{
    check(arg == NULL && ret != NULL);
    return ((const char *)key)[0];
}

VIRTUAL_TEST(what_the_load_returns_may_be_all_there_is)
{
    hem_cache *c;
    check_int(hem_cache_create(&c, load_nothing, NULL), 0);
    check_int(hem_cache_get(c, "a", NULL), 'a');
    check_int(hem_cache_get(c, "", NULL), 0);
    int untouched = 5;
    check_int(hem_cache_get(c, "a", &untouched), 'a');
    check_int(untouched, 5);
    check_int(hem_cache_info(c).items, 2);
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(the_one_not_asked_for_the_longest_is_evicted)
{
    struct source s = {0};
    hem_cache *c = create(&s, (hem_cache_options){.max_items = 2});
    check_int(get(c, "a"), 1);
    check_int(get(c, "b"), 2);
    check_int(get(c, "a"), 1);
    check_int(get(c, "c"), 3);
    check_int(s.alive, 2);
    check_int(get(c, "a"), 1);
    check_int(get(c, "b"), 4);
    check_int(get(c, "a"), 1);
    check_int(get(c, "c"), 5);
    check_int(hem_cache_info(c).items, 2);
    check_int(hem_cache_info(c).max_items, 2);
    check_int(s.alive, 2);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(a_hundred_and_twenty_eight_are_kept_by_default)
{
    struct source s = {0};
    hem_cache *c = create(&s, (hem_cache_options){0});
    char key[16];
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "%d", i);
        check_int(get(c, key), i + 1);
    }
    check_int(hem_cache_info(c).items, 128);
    check_int(s.alive, 128);
    check_int(get(c, "72"), 73);
    check_int(get(c, "71"), 201);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(without_a_limit_all_are_kept)
{
    struct source s = {0};
    hem_cache *c =
        create(&s, (hem_cache_options){.max_items = HEM_CACHE_NO_LIMIT});
    int count = (int)scaled(100000);
    char key[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < count; i++) {
            snprintf(key, sizeof(key), "%d", i);
            if (get(c, key) != i + 1)
                check_never("a value that is not of its key");
        }
    }
    check_int(hem_cache_info(c).items, count);
    check_int(hem_cache_info(c).hits, count);
    hem_cache_clear(c);
    check_int(s.alive, 0);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(entries_expire_after_their_load_has_ended)
{
    struct source s = {.takes = 30 * MS};
    hem_cache *c = create(&s, (hem_cache_options){.expire = 50 * MS});
    check_int(get(c, "a"), 1);
    check_int(hem_sleep(10 * MS), 0);
    check_int(get(c, "b"), 2); /* ends at 70 */
    check_int(hem_sleep(9 * MS), 0);
    check_int(get(c, "a"), 1);
    check_int(s.alive, 2);
    check_int(hem_sleep(2 * MS), 0); /* 81 */
    check_int(s.alive, 1);
    check_int(hem_cache_info(c).items, 1);
    check_int(hem_sleep(38 * MS), 0); /* 119 */
    check_int(get(c, "b"), 2);        /* to be asked for does not renew it */
    check_int(hem_sleep(2 * MS), 0);
    check_int(hem_cache_info(c).items, 0);
    check_int(s.alive, 0);
    check_int(get(c, "a"), 3);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(what_is_evicted_or_forgotten_does_not_expire_again)
{
    struct source s = {0};
    hem_cache *c =
        create(&s, (hem_cache_options){.expire = 50 * MS, .max_items = 2});
    check_int(get(c, "a"), 1);
    check_int(get(c, "b"), 2);
    check_int(hem_sleep(20 * MS), 0);
    check_int(get(c, "c"), 3); /* "a" goes */
    check_int(get(c, "a"), 4); /* "b" goes */
    check(hem_cache_invalidate(c, "c"));
    check_int(get(c, "c"), 5);
    check_int(hem_sleep(49 * MS), 0);
    check_int(get(c, "a"), 4);
    check_int(get(c, "c"), 5);
    check_int(hem_sleep(2 * MS), 0);
    check_int(hem_cache_info(c).items, 0);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(a_negative_expiry_keeps_nothing_that_has_ended)
{
    struct source s = {.takes = MS};
    hem_cache *c = create(&s, (hem_cache_options){.expire = -1});
    check_int(get(c, "a"), 1);
    check_int(hem_cache_info(c).items, 0);
    check_int(s.alive, 0);
    check_int(get(c, "a"), 2);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(an_endless_expiry_is_none)
{
    struct source s = {0};
    hem_cache *c = create(&s, (hem_cache_options){.expire = HEM_NEVER});
    check_int(get(c, "a"), 1);
    check_int(hem_sleep(HEM_NEVER / 2), 0);
    check_int(get(c, "a"), 1);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(invalidate_forgets_one_key)
{
    struct source s = {0};
    hem_cache *c = create(&s, (hem_cache_options){0});
    check_int(get(c, "a"), 1);
    check_int(get(c, "b"), 2);
    check(!hem_cache_invalidate(c, "c"));
    check(hem_cache_invalidate(c, "a"));
    check(!hem_cache_invalidate(c, "a"));
    check_int(s.alive, 1);
    check_int(get(c, "b"), 2);
    check_int(get(c, "a"), 3);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(clear_forgets_all_and_counts_anew)
{
    struct source s = {0};
    hem_cache *c = create(&s, (hem_cache_options){0});
    check_int(get(c, "a"), 1);
    check_int(get(c, "b"), 2);
    check_int(get(c, "b"), 2);
    hem_cache_clear(c);
    check_int(s.alive, 0);
    hem_cache_stats info = hem_cache_info(c);
    check(info.hits == 0 && info.misses == 0 && info.items == 0);
    check_int(get(c, "a"), 3);
    check_int(hem_cache_info(c).misses, 1);
    destroy(c, &s);
    return 0;
}

VIRTUAL_TEST(strings_that_begin_alike_are_different_keys)
{
    static const char *const keys[] = {"",    "a",        "ab",
                                       "abc", "abcdefgh", "abcdefghabcdefg"};
    struct source s = {0};
    hem_cache *c = create(&s, (hem_cache_options){0});
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(keys); i++) {
            char copy[20];
            strcpy(copy, keys[i]);
            check_int(get(c, copy), i + 1);
        }
    }
    destroy(c, &s);
    return 0;
}

static int leave_a_cache(void *arg)
{
    static struct source s;
    hem_cache **ret = arg;
    s = (struct source){.takes = MS};
    *ret = create(&s, (hem_cache_options){.expire = HEM_SEC});
    return get(*ret, "a");
}

static void a_cache_may_be_destroyed_when_its_loop_is_no_more(void **state)
{
    (void)state;
    hem_cache *c = NULL;
    check_int(run_virtual(leave_a_cache, &c), 1);
    hem_cache_destroy(c);
    hem_cache_destroy(NULL);
    run_assert_checks();
}

static int use_it_again(void *arg)
{
    return hem_cache_get(arg, "a", NULL);
}

static int use_in_another_loop(void *arg)
{
    (void)arg;
    hem_cache *c = NULL;
    if (hem_run(leave_a_cache, &c, NULL) != 1)
        return 1;
    return hem_run(use_it_again, c, NULL);
}

static void use_in_another_loop_aborts(void **state)
{
    (void)state;
    check_aborts(use_in_another_loop, NULL,
                 "hem_cache_get: the cache created at ");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_key_is_loaded_once),
        LEDGER_TEST(the_value_may_be_left_out),
        LEDGER_TEST(what_the_load_returns_may_be_all_there_is),
        LEDGER_TEST(the_one_not_asked_for_the_longest_is_evicted),
        LEDGER_TEST(a_hundred_and_twenty_eight_are_kept_by_default),
        LEDGER_TEST(without_a_limit_all_are_kept),
        LEDGER_TEST(entries_expire_after_their_load_has_ended),
        LEDGER_TEST(what_is_evicted_or_forgotten_does_not_expire_again),
        LEDGER_TEST(a_negative_expiry_keeps_nothing_that_has_ended),
        LEDGER_TEST(an_endless_expiry_is_none),
        LEDGER_TEST(invalidate_forgets_one_key),
        LEDGER_TEST(clear_forgets_all_and_counts_anew),
        LEDGER_TEST(strings_that_begin_alike_are_different_keys),
        LEDGER_TEST(a_cache_may_be_destroyed_when_its_loop_is_no_more),
        LEDGER_TEST(use_in_another_loop_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Keys and values of caches: their bytes, their place, references to them. */
#include "support.h"

static int load_sum(void *arg, const void *key, void *ret)
{
    const unsigned char *p = key;
    int sum = 0;
    for (size_t i = 0; i < 8; i++)
        sum = 256 * sum + p[i];
    (*(int *)arg)++;
    *(int *)ret = sum;
    return 0;
}

VIRTUAL_TEST(keys_of_a_fixed_size_may_hold_zeros)
{
    static const unsigned char keys[][8] = {
        {0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 1},
        {0, 0, 0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 0, 1, 1},
        {0, 0, 0, 0, 9, 0, 1, 1}, {0, 0, 0, 0, 9, 0, 0, 1},
    };
    int loads = 0;
    hem_cache_options opts = {.key_bytes = sizeof(keys[0]),
                              .value_bytes = sizeof(int),
                              .arg = &loads};
    hem_cache *c;
    check_int(hem_cache_create(&c, load_sum, &opts), 0);
    int sums[COUNT_OF(keys)];
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        check_int(hem_cache_get(c, keys[i], &sums[i]), 0);
    check_int(loads, COUNT_OF(keys));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        int again = -1;
        unsigned char copy[8];
        memcpy(copy, keys[i], sizeof(copy));
        check_int(hem_cache_get(c, copy, &again), 0);
        check_int(again, sums[i]);
    }
    check_int(sums[4], 9 * 0x1000000 + 0x101);
    check_int(loads, COUNT_OF(keys));
    hem_cache_destroy(c);
    return 0;
}

struct wide {
    _Alignas(16) long double number;
    char pad[16];
};

static int load_wide(void *arg, const void *key, void *ret)
{
    (void)arg;
    check_int((uintptr_t)key % _Alignof(struct wide), 0);
    check_int((uintptr_t)ret % _Alignof(max_align_t), 0);
    *(char *)ret = 'x';
    return 0;
}

VIRTUAL_TEST(keys_and_values_are_aligned_for_everything)
{
    for (size_t bytes = 1; bytes < 40; bytes++) {
        struct wide key;
        memset(&key, 1, sizeof(key));
        char value[40] = {0};
        hem_cache_options opts = {.key_bytes = sizeof(key),
                                  .value_bytes = bytes};
        hem_cache *c;
        check_int(hem_cache_create(&c, load_wide, &opts), 0);
        check_int(hem_cache_get(c, &key, value), 0);
        check_str(value, "x");
        hem_cache_destroy(c);
    }
    return 0;
}

/* References that are counted, taken by .copy. */
struct counted {
    int refs;
};

static int load_counted(void *arg, const void *key, void *ret)
{
    (void)key;
    struct counted *r = arg;
    r->refs++;
    *(struct counted **)ret = r;
    return 0;
}

static int take_counted(void *arg, void *ret, const void *value)
{
    struct counted *r = *(struct counted *const *)value;
    check(arg == r);
    if (r->refs > 3)
        return HEM_ELIMIT;
    r->refs++;
    *(struct counted **)ret = r;
    return 1; /* of no meaning */
}

static void give_counted_back(void *arg, void *value)
{
    check(arg == *(struct counted **)value);
    (*(struct counted **)value)->refs--;
}

VIRTUAL_TEST(copy_may_take_references_and_fail)
{
    struct counted r = {0};
    hem_cache_options opts = {.value_bytes = sizeof(struct counted *),
                              .copy = take_counted,
                              .drop = give_counted_back,
                              .arg = &r};
    hem_cache *c;
    check_int(hem_cache_create(&c, load_counted, &opts), 0);
    struct counted *taken = NULL;
    check_int(hem_cache_get(c, "a", &taken), 0);
    check(taken == &r);
    check_int(r.refs, 2);
    check_int(hem_cache_get(c, "a", NULL), 0);
    check_int(r.refs, 2);
    check_int(hem_cache_get(c, "a", &taken), 0);
    check_int(hem_cache_get(c, "a", &taken), 0);
    taken = NULL;
    check_int(hem_cache_get(c, "a", &taken), HEM_ELIMIT);
    check(taken == NULL);
    check_int(hem_cache_info(c).items, 1);
    hem_cache_destroy(c);
    check_int(r.refs, 3);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(keys_of_a_fixed_size_may_hold_zeros),
        LEDGER_TEST(keys_and_values_are_aligned_for_everything),
        LEDGER_TEST(copy_may_take_references_and_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

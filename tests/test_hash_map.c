/* SPDX-License-Identifier: MIT */
/* Hash maps, and what they do without memory. */
#include "support.h"

#include "base/hash_map.h"
#include "base/list.h"

struct thing {
    hem__hash_node node;
    int n;
    bool in;
};

static struct thing *find(const hem__hash_map *m, uint64_t hash, int n)
{
    hem__hash_node *e = hem__hash_map_find(m, hash);
    for (; e; e = hem__hash_map_next(e)) {
        struct thing *t = HEM__CONTAINER(e, struct thing, node);
        check(e->hash == hash);
        if (t->n == n)
            return t;
    }
    return NULL;
}

static uint64_t hash_of(int n)
{
    return hem__hash(&n, sizeof(n));
}

static void what_was_added_is_found_until_it_is_removed(void **state)
{
    (void)state;
    static struct thing things[5000];
    hem__hash_map m;
    check_int(hem__hash_map_init(&m), 0);
    for (int i = 0; i < 5000; i++) {
        check(!find(&m, hash_of(i), i));
        things[i].n = i;
        hem__hash_map_add(&m, &things[i].node, hash_of(i));
        check(find(&m, hash_of(i), i) == &things[i]);
    }
    check_int(m.count, 5000);
    check(m.mask + 1 >= 4096);
    for (int i = 0; i < 5000; i += 3)
        hem__hash_map_remove(&m, &things[i].node);
    for (int i = 0; i < 5000; i++)
        check(find(&m, hash_of(i), i) == (i % 3 ? &things[i] : NULL));
    check_int(m.count, 3333);
    hem__hash_map_deinit(&m);
    run_assert_checks();
}

static void equal_hashes_are_told_apart_by_who_asks(void **state)
{
    (void)state;
    struct thing things[40];
    hem__hash_map m;
    check_int(hem__hash_map_init(&m), 0);
    for (int i = 0; i < 40; i++) {
        things[i].n = i;
        hem__hash_map_add(&m, &things[i].node, (uint64_t)(i % 2) << 40);
    }
    for (int i = 0; i < 40; i++) {
        check(find(&m, (uint64_t)(i % 2) << 40, i) == &things[i]);
        check(!find(&m, (uint64_t)(1 - i % 2) << 40, i));
    }
    for (int i = 0; i < 40; i++) {
        hem__hash_map_remove(&m, &things[i].node);
        check(!find(&m, (uint64_t)(i % 2) << 40, i));
        if (i < 39)
            check(find(&m, (uint64_t)(1 - i % 2) << 40, i + 1));
    }
    hem__hash_map_deinit(&m);
    run_assert_checks();
}

static void without_memory_a_map_goes_on_with_the_buckets_it_has(void **state)
{
    (void)state;
    static struct thing things[200];
    hem__hash_map m;
    ledger_fail_from(1);
    check_int(hem__hash_map_init(&m), HEM_ENOMEM);
    ledger_fail_from(0);
    check_int(hem__hash_map_init(&m), 0);
    ledger_fail_from(1);
    for (int i = 0; i < 200; i++) {
        things[i].n = i;
        hem__hash_map_add(&m, &things[i].node, hash_of(i));
    }
    ledger_fail_from(0);
    check_int(m.mask, 15);
    for (int i = 0; i < 200; i++)
        check(find(&m, hash_of(i), i) == &things[i]);
    hem__hash_map_remove(&m, &things[0].node);
    hem__hash_map_add(&m, &things[0].node, hash_of(0));
    check_int(m.mask, 31);
    for (int i = 0; i < 200; i++)
        check(find(&m, hash_of(i), i) == &things[i]);
    hem__hash_map_deinit(&m);
    run_assert_checks();
}

static void hashes_depend_on_every_byte_and_on_the_length(void **state)
{
    (void)state;
    unsigned char bytes[40] = {0};
    uint64_t seen[41 + 40 * 8];
    size_t count = 0;
    for (size_t n = 0; n <= sizeof(bytes); n++)
        seen[count++] = hem__hash(bytes, n);
    for (size_t i = 0; i < sizeof(bytes) * 8; i++) {
        bytes[i / 8] = (unsigned char)(1U << i % 8);
        seen[count++] = hem__hash(bytes, sizeof(bytes));
        bytes[i / 8] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            check(seen[i] != seen[k]);
    }
    check(hem__hash("abc", 3) == hem__hash("abc", 3));
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_was_added_is_found_until_it_is_removed),
        LEDGER_TEST(equal_hashes_are_told_apart_by_who_asks),
        LEDGER_TEST(without_memory_a_map_goes_on_with_the_buckets_it_has),
        LEDGER_TEST(hashes_depend_on_every_byte_and_on_the_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The order of ready tasks: first in first out, or drawn from a seed. */
#include "support.h"

#define TASKS 12

struct order {
    char names[TASKS + 1];
    size_t count;
};

struct one {
    struct order *order;
    char name;
};

static int append(void *arg)
{
    struct one *o = arg;
    o->order->names[o->order->count++] = o->name;
    return 0;
}

static int spawn_all(void *arg)
{
    struct order *o = arg;
    struct one ones[TASKS];
    HEM_SCOPE(s);
    for (int i = 0; i < TASKS; i++) {
        ones[i] = (struct one){o, (char)('a' + i)};
        HEM_TRY(hem_scope_spawn(&s, NULL, append, &ones[i]));
    }
    return hem_scope_close(&s, 0);
}

static void run_order(struct order *ret, uint64_t seed)
{
    *ret = (struct order){.count = 0};
    hem_run_options o = {.seed = seed};
    assert_int_equal(run_with(spawn_all, ret, &o), 0);
    assert_int_equal(ret->count, TASKS);
}

static const char in_order[] = "abcdefghijkl";

/* Each test puts HEM_SEED back. */
static char *saved;

static int take_seed(void **state)
{
    const char *seed = getenv("HEM_SEED");
    saved = seed ? strdup(seed) : NULL;
    unsetenv("HEM_SEED");
    return ledger_begin(state);
}

static int put_seed(void **state)
{
    if (saved)
        setenv("HEM_SEED", saved, 1);
    else
        unsetenv("HEM_SEED");
    free(saved);
    return ledger_end(state);
}

static void without_a_seed_tasks_run_first_in_first_out(void **state)
{
    (void)state;
    struct order o;
    run_order(&o, 0);
    assert_string_equal(o.names, in_order);
}

static void a_seed_draws_the_order_and_again_the_same(void **state)
{
    (void)state;
    int same = 0, fifo = 0;
    struct order before = {.count = 0};
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct order o, again;
        run_order(&o, seed);
        run_order(&again, seed);
        assert_string_equal(o.names, again.names);
        same += strcmp(o.names, before.names) == 0;
        fifo += strcmp(o.names, in_order) == 0;
        before = o;
    }
    assert_int_equal(same, 0);
    assert_int_equal(fifo, 0);
}

static void all_seeds_together_let_each_task_come_first(void **state)
{
    (void)state;
    bool first[TASKS] = {false};
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct order o;
        run_order(&o, seed);
        first[o.names[0] - 'a'] = true;
    }
    for (size_t i = 0; i < TASKS; i++)
        assert_true(first[i]);
}

static void the_environment_gives_a_seed_if_the_options_do_not(void **state)
{
    (void)state;
    struct order want, got;
    run_order(&want, 17);
    setenv("HEM_SEED", "17", 1);
    run_order(&got, 0);
    assert_string_equal(got.names, want.names);
    setenv("HEM_SEED", "0x11", 1);
    run_order(&got, 0);
    assert_string_equal(got.names, want.names);
    setenv("HEM_SEED", "18", 1);
    run_order(&got, 17);
    assert_string_equal(got.names, want.names);
    setenv("HEM_SEED", "0", 1);
    run_order(&got, 0);
    assert_string_equal(got.names, in_order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            without_a_seed_tasks_run_first_in_first_out, take_seed, put_seed),
        cmocka_unit_test_setup_teardown(
            a_seed_draws_the_order_and_again_the_same, take_seed, put_seed),
        cmocka_unit_test_setup_teardown(
            all_seeds_together_let_each_task_come_first, take_seed, put_seed),
        cmocka_unit_test_setup_teardown(
            the_environment_gives_a_seed_if_the_options_do_not, take_seed,
            put_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

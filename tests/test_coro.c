/* SPDX-License-Identifier: MIT */
/* Contexts: switching between flows of control. */
#include "coro/context.h"
#include "coro/valgrind.h"
#include "support.h"

#define STACK_BYTES ((size_t)64 << 10)
#define RING        50

struct flow {
    hem__coro main, coro;
    char *stack;
    unsigned valgrind_id;
    char *seen; /* an address on the stack of the coroutine */
    double sum;
};

static void flow_init(struct flow *f, hem__coro_fn *fn)
{
    memset(f, 0, sizeof(*f));
    f->stack = aligned_alloc(4096, STACK_BYTES);
    hem__annotate_stack(f->stack, STACK_BYTES);
    f->valgrind_id = hem__valgrind_stack(f->stack, f->stack + STACK_BYTES);
    hem__coro_prepare(&f->coro, f->stack, f->stack + STACK_BYTES, fn, f);
}

static void flow_deinit(struct flow *f)
{
    hem__valgrind_stack_gone(f->valgrind_id);
    hem__annotate_stack_gone(f->stack, STACK_BYTES);
    free(f->stack);
}

/* Doubles what it is given until that is negative. */
__attribute__((no_sanitize_address)) HEM__CORO_BODY static hem__next
double_it(void *arg, int value)
{
    struct flow *f = arg;
    hem__coro_entered(&f->coro);
    while (value >= 0)
        value = hem__coro_switch(&f->coro, &f->main, value * 2);
    return hem__coro_finish(&f->coro, &f->main, value);
}

static void values_are_passed_both_ways(void **state)
{
    (void)state;
    struct flow f;
    flow_init(&f, double_it);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(hem__coro_switch(&f.main, &f.coro, i), 2 * i);
    assert_int_equal(hem__coro_switch(&f.main, &f.coro, INT32_MIN), INT32_MIN);
    flow_deinit(&f);
}

static void a_stack_may_be_used_again(void **state)
{
    (void)state;
    struct flow f;
    flow_init(&f, double_it);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(hem__coro_switch(&f.main, &f.coro, i), 2 * i);
        assert_int_equal(hem__coro_switch(&f.main, &f.coro, -i - 1), -i - 1);
        hem__annotate_stack_reuse(f.stack, STACK_BYTES);
        hem__coro_prepare(&f.coro, f.stack, f.stack + STACK_BYTES, double_it,
                          &f);
    }
    assert_int_equal(hem__coro_switch(&f.main, &f.coro, -1), -1);
    flow_deinit(&f);
}

/* Has doubles on its stack and in registers, which needs alignment. */
__attribute__((no_sanitize_address)) HEM__CORO_BODY static hem__next
add_up(void *arg, int value)
{
    struct flow *f = arg;
    hem__coro_entered(&f->coro);
    _Alignas(16) volatile char local[16] = {0};
    f->seen = (char *)local;
    double sum = 0.5;
    while (value > 0) {
        char text[64];
        snprintf(text, sizeof(text), "%.3f", sum + value);
        sum = strtod(text, NULL);
        value = hem__coro_switch(&f->coro, &f->main, 0);
    }
    f->sum = sum;
    return hem__coro_finish(&f->coro, &f->main, 0);
}

static void a_coroutine_runs_on_its_stack_which_is_aligned(void **state)
{
    (void)state;
    struct flow f;
    flow_init(&f, add_up);
    double mine = 0.25;
    for (int i = 1; i <= 100; i++) {
        mine += i;
        (void)hem__coro_switch(&f.main, &f.coro, i);
    }
    (void)hem__coro_switch(&f.main, &f.coro, 0);
    assert_true(f.sum == 5050.5);
    assert_true(mine == 5050.25);
    assert_true(f.seen > f.stack && f.seen < f.stack + STACK_BYTES);
    assert_int_equal((uintptr_t)f.seen % 16, 0);
    flow_deinit(&f);
}

/* More values than a CPU has registers that a call must keep, all needed
 * behind the switch. */
__attribute__((noinline)) static uint64_t mix(struct flow *f, bool inside,
                                              uint64_t x)
{
    uint64_t v[12];
    for (size_t i = 0; i < 12; i++)
        v[i] = x = x * UINT64_C(6364136223846793005) + i;
    uint64_t a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], g = v[5];
    uint64_t h = v[6], i = v[7], j = v[8], k = v[9], l = v[10], m = v[11];
    if (inside)
        (void)hem__coro_switch(&f->coro, &f->main, 0);
    else
        (void)hem__coro_switch(&f->main, &f->coro, 0);
    return a ^ b << 1 ^ c << 2 ^ d << 3 ^ e << 4 ^ g << 5 ^ h << 6 ^ i << 7 ^
           j << 8 ^ k << 9 ^ l << 10 ^ m << 11;
}

static uint64_t mix_without_switch(uint64_t x)
{
    uint64_t v[12], sum = 0;
    for (size_t i = 0; i < 12; i++) {
        v[i] = x = x * UINT64_C(6364136223846793005) + i;
        sum ^= v[i] << i;
    }
    return sum;
}

__attribute__((no_sanitize_address)) HEM__CORO_BODY static hem__next
mix_inside(void *arg, int value)
{
    struct flow *f = arg;
    hem__coro_entered(&f->coro);
    (void)value;
    for (uint64_t x = 1000; x < 1100; x++)
        check(mix(f, true, x) == mix_without_switch(x));
    return hem__coro_finish(&f->coro, &f->main, 0);
}

static void registers_survive_a_switch(void **state)
{
    (void)state;
    struct flow f;
    flow_init(&f, mix_inside);
    for (uint64_t x = 0; x <= 100; x++)
        check(mix(&f, false, x) == mix_without_switch(x));
    flow_deinit(&f);
    run_assert_checks();
}

/* Coroutines that go on with each other, not through a common one. */
static struct flow ring[RING];

__attribute__((no_sanitize_address)) HEM__CORO_BODY static hem__next
pass_on(void *arg, int value)
{
    struct flow *f = arg;
    struct flow *next = f + 1 == ring + RING ? ring : f + 1;
    hem__coro_entered(&f->coro);
    while (value > 0)
        value = hem__coro_switch(&f->coro, &next->coro, value - 1);
    return hem__coro_finish(&f->coro, &ring[0].main, value);
}

static void coroutines_may_switch_to_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < RING; i++)
        flow_init(&ring[i], pass_on);
    /* The ball goes round and comes back to the first, which ends. */
    int hops = RING * 100;
    assert_int_equal(hem__coro_switch(&ring[0].main, &ring[0].coro, hops), 0);
    for (size_t i = 0; i < RING; i++)
        flow_deinit(&ring[i]);
}

static void a_switch_to_itself_returns_at_once(void **state)
{
    (void)state;
    hem__coro here = {0};
    for (int i = -5; i < 5; i++)
        assert_int_equal(hem__coro_switch(&here, &here, i), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(values_are_passed_both_ways),
        LEDGER_TEST(a_stack_may_be_used_again),
        LEDGER_TEST(a_coroutine_runs_on_its_stack_which_is_aligned),
        LEDGER_TEST(registers_survive_a_switch),
        LEDGER_TEST(coroutines_may_switch_to_each_other),
        LEDGER_TEST(a_switch_to_itself_returns_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

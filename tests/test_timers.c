/* SPDX-License-Identifier: MIT */
/* The heap of timers, against a model that looks at all of them. */
#include "loop/timers.h"
#include "support.h"

#define TIMERS 300

struct model {
    hem__timers heap;
    hem__timer timers[TIMERS];
    uint64_t order[TIMERS]; /* of arming */
    uint64_t armed;         /* so far */
    uint64_t random;
};

static uint32_t draw(struct model *m, uint32_t below)
{
    m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(m->random >> 33) % below;
}

/* Each entry is where its timer says, and not before its parent. */
static void check_heap(const hem__timers *ts)
{
    assert_true(ts->count <= ts->reserved);
    assert_true(ts->reserved <= ts->capacity);
    for (uint32_t i = 1; i <= ts->count; i++) {
        const hem__timer_entry *e = &ts->heap[i];
        assert_int_equal(e->timer->index, i);
        assert_int_equal(e->timer->when, e->when);
        if (i > 1)
            assert_true(ts->heap[(i + 2) / 4].when <= e->when);
    }
}

/* The earliest one, the first armed of equals; NULL: none. */
static hem__timer *earliest(struct model *m)
{
    hem__timer *best = NULL;
    for (size_t i = 0; i < TIMERS; i++) {
        hem__timer *t = &m->timers[i];
        if (!hem__timer_armed(t))
            continue;
        if (!best || t->when < best->when ||
            (t->when == best->when && m->order[i] < m->order[best - m->timers]))
            best = t;
    }
    return best;
}

static void arm(struct model *m, hem__timer *t, hem_ns when)
{
    assert_int_equal(hem__timers_reserve(&m->heap), 0);
    hem__timer_arm(&m->heap, t, when);
    m->order[t - m->timers] = m->armed++;
}

static void disarm(struct model *m, hem__timer *t)
{
    hem__timer_disarm(&m->heap, t);
    assert_false(hem__timer_armed(t));
    hem__timers_release(&m->heap);
}

static void check_earliest(struct model *m)
{
    hem__timer *want = earliest(m);
    assert_int_equal(hem__timers_next(&m->heap), want ? want->when : HEM_NEVER);
    if (want)
        assert_ptr_equal(m->heap.heap[1].timer, want);
}

static void drain(struct model *m)
{
    while (m->heap.count) {
        check_earliest(m);
        disarm(m, m->heap.heap[1].timer);
    }
    assert_int_equal(m->heap.reserved, 0);
    hem__timers_deinit(&m->heap);
}

/* Many random armings and disarmings, deadlines below `range`. */
static void exercise(uint32_t range, uint32_t first_seq)
{
    static struct model m;
    m = (struct model){.random = range, .heap.seq = first_seq};
    for (int step = 0; step < (int)scaled(20000); step++) {
        hem__timer *t = &m.timers[draw(&m, TIMERS)];
        if (hem__timer_armed(t))
            disarm(&m, t);
        else
            arm(&m, t, draw(&m, range));
        check_earliest(&m);
        if (step % 64 == 0)
            check_heap(&m.heap);
    }
    check_heap(&m.heap);
    drain(&m);
}

static void the_earliest_timer_is_first(void **state)
{
    (void)state;
    exercise(1000000, 0);
}

static void equal_deadlines_come_in_the_order_of_arming(void **state)
{
    (void)state;
    exercise(5, 0);
    exercise(1, 0);
}

static void the_order_survives_a_wrap_of_its_counter(void **state)
{
    (void)state;
    exercise(3, UINT32_MAX - 100);
    exercise(3, (uint32_t)INT32_MAX - 100);
}

static void disarming_an_unarmed_timer_does_nothing(void **state)
{
    (void)state;
    hem__timers ts = {0};
    hem__timer t = {0};
    hem__timer_disarm(&ts, &t);
    assert_false(hem__timer_armed(&t));
    assert_int_equal(hem__timers_next(&ts), HEM_NEVER);
    hem__timers_deinit(&ts);
}

static void a_reserved_place_needs_no_memory(void **state)
{
    (void)state;
    static hem__timer timers[1000];
    hem__timers ts = {0};
    for (size_t i = 0; i < COUNT_OF(timers); i++)
        assert_int_equal(hem__timers_reserve(&ts), 0);
    ledger_fail_from(1);
    for (size_t i = 0; i < COUNT_OF(timers); i++)
        hem__timer_arm(&ts, &timers[i], (hem_ns)(1000 - i));
    check_heap(&ts);
    for (size_t i = 0; i < COUNT_OF(timers); i++)
        hem__timer_disarm(&ts, &timers[i]);
    ledger_fail_from(0);
    assert_int_equal(ts.count, 0);
    hem__timers_deinit(&ts);
}

static void reserving_without_memory_changes_nothing(void **state)
{
    (void)state;
    hem__timers ts = {0};
    ledger_fail_from(1);
    assert_int_equal(hem__timers_reserve(&ts), HEM_ENOMEM);
    ledger_fail_from(0);
    assert_int_equal(ts.reserved, 0);
    while (ts.reserved < 64 || ts.reserved < ts.capacity)
        assert_int_equal(hem__timers_reserve(&ts), 0);
    uint32_t before = ts.reserved;
    ledger_fail_from(1);
    assert_int_equal(hem__timers_reserve(&ts), HEM_ENOMEM);
    ledger_fail_from(0);
    assert_int_equal(ts.reserved, before);
    assert_int_equal(hem__timers_reserve(&ts), 0);
    hem__timers_deinit(&ts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_earliest_timer_is_first),
        LEDGER_TEST(equal_deadlines_come_in_the_order_of_arming),
        LEDGER_TEST(the_order_survives_a_wrap_of_its_counter),
        LEDGER_TEST(disarming_an_unarmed_timer_does_nothing),
        LEDGER_TEST(a_reserved_place_needs_no_memory),
        LEDGER_TEST(reserving_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

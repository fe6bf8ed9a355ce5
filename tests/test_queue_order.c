/* SPDX-License-Identifier: MIT */
/* The order in which items are got, and the memory they take. */
#include "support.h"

static void *item(intptr_t number)
{
    return (void *)number;
}

static void put_all(hem_queue *q, const intptr_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_int(hem_queue_try_put(q, item(numbers[i])), 0);
}

static void check_all(hem_queue *q, const intptr_t *want, size_t n)
{
    void *got;
    for (size_t i = 0; i < n; i++) {
        if (!check(hem_queue_try_get(q, &got) == 0))
            return;
        check_int((intptr_t)got, want[i]);
    }
    check_int(hem_queue_try_get(q, &got), HEM_EEMPTY);
}

static void check_order(const hem_queue_options *o, const intptr_t *put,
                        const intptr_t *want, size_t n)
{
    hem_queue q;
    hem_queue_init(&q, o);
    put_all(&q, put, n);
    check_int(hem_queue_size(&q), n);
    check_all(&q, want, n);
    hem_queue_deinit(&q);
}

#define NUMBERS(...) ((const intptr_t[]){__VA_ARGS__})

VIRTUAL_TEST(fifo_gives_the_oldest_first)
{
    check_order(NULL, NUMBERS(3, 1, 2, 5, 4), NUMBERS(3, 1, 2, 5, 4), 5);
    return 0;
}

VIRTUAL_TEST(lifo_gives_the_newest_first)
{
    check_order(&(hem_queue_options){.order = HEM_LIFO}, NUMBERS(3, 1, 2, 5, 4),
                NUMBERS(4, 5, 2, 1, 3), 5);
    return 0;
}

VIRTUAL_TEST(priority_gives_the_least_number_first)
{
    check_order(&(hem_queue_options){.order = HEM_PRIORITY},
                NUMBERS(3, -1, 2, 5, -4), NUMBERS(-4, -1, 2, 3, 5), 5);
    return 0;
}

struct job {
    int priority, id;
};

static int by_priority(const void *a, const void *b)
{
    return ((const struct job *)a)->priority -
           ((const struct job *)b)->priority;
}

VIRTUAL_TEST(priority_gives_the_least_by_compare_and_equals_as_they_came)
{
    static struct job jobs[] = {{2, 0}, {1, 1}, {2, 2}, {1, 3}, {2, 4},
                                {1, 5}, {0, 6}, {2, 7}, {1, 8}};
    static const int want[] = {6, 1, 3, 5, 8, 0, 2, 4, 7};
    hem_queue q;
    hem_queue_init(&q, &(hem_queue_options){.order = HEM_PRIORITY,
                                            .compare = by_priority});
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        check_int(hem_queue_try_put(&q, &jobs[i]), 0);
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        void *got = NULL;
        check_int(hem_queue_try_get(&q, &got), 0);
        check_int(((struct job *)got)->id, want[i]);
    }
    hem_queue_deinit(&q);
    return 0;
}

/* What a queue should be: an array in the order of coming. */
struct model {
    struct job jobs[64];
    size_t count;
};

static size_t model_next(const struct model *m, hem_queue_order order)
{
    size_t best = order == HEM_LIFO ? m->count - 1 : 0;
    for (size_t i = 1; order == HEM_PRIORITY && i < m->count; i++) {
        if (m->jobs[i].priority < m->jobs[best].priority)
            best = i;
    }
    return best;
}

static int model_take(struct model *m, hem_queue_order order)
{
    size_t at = model_next(m, order);
    int id = m->jobs[at].id;
    m->count--;
    memmove(&m->jobs[at], &m->jobs[at + 1],
            (m->count - at) * sizeof(m->jobs[0]));
    return id;
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245 + 12345;
    return *state >> 16;
}

/* Put and get at random, and compare. */
static void compare_with_model(hem_queue_order order, unsigned seed)
{
    static struct job jobs[3000];
    struct model m = {.count = 0};
    hem_queue q;
    hem_queue_init(&q, &(hem_queue_options){.max_items = COUNT_OF(m.jobs),
                                            .order = order,
                                            .compare = by_priority});
    for (int i = 0; i < (int)COUNT_OF(jobs); i++) {
        jobs[i] = (struct job){(int)(next_random(&seed) % 10), i};
        bool grows = next_random(&seed) % 100 < (i % 400 < 200 ? 70 : 30);
        void *got;
        if (grows && m.count < COUNT_OF(m.jobs)) {
            check_int(hem_queue_try_put(&q, &jobs[i]), 0);
            m.jobs[m.count++] = jobs[i];
        } else if (m.count) {
            check_int(hem_queue_try_get(&q, &got), 0);
            check_int(((struct job *)got)->id, model_take(&m, order));
        } else {
            check_int(hem_queue_try_get(&q, &got), HEM_EEMPTY);
        }
        check_int(hem_queue_size(&q), m.count);
    }
    hem_queue_deinit(&q);
}

VIRTUAL_TEST(any_sequence_of_puts_and_gets_is_in_order)
{
    for (unsigned seed = 1; seed <= 5; seed++) {
        compare_with_model(HEM_FIFO, seed);
        compare_with_model(HEM_LIFO, seed);
        compare_with_model(HEM_PRIORITY, seed);
    }
    return 0;
}

VIRTUAL_TEST(the_default_limit_is_a_million_items)
{
    hem_queue q;
    hem_queue_init(&q, NULL);
    size_t n = 0;
    while (hem_queue_try_put(&q, NULL) == 0)
        n++;
    check_int(n, 1048576);
    check_int(hem_queue_try_put(&q, NULL), HEM_EFULL);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(an_empty_queue_takes_no_memory)
{
    size_t live = ledger_live();
    hem_queue q;
    void *got;
    hem_queue_init(&q, &(hem_queue_options){.max_items = 3});
    check_int(hem_queue_try_get(&q, &got), HEM_EEMPTY);
    check_int(ledger_live(), live);
    check_int(hem_queue_try_put(&q, NULL), 0);
    check_int(ledger_live(), live + 1);
    hem_queue_deinit(&q);
    check_int(ledger_live(), live);
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(without_memory_put_says_so_and_changes_nothing)
{
    static const intptr_t numbers[] = {1, 2,  3,  4,  5,  6,  7,  8,
                                       9, 10, 11, 12, 13, 14, 15, 16};
    hem_queue q;
    hem_queue_init(&q, NULL);
    ledger_fail_from(1);
    check_int(hem_queue_put(&q, item(1)), HEM_ENOMEM);
    check_int(hem_queue_try_put(&q, item(1)), HEM_ENOMEM);
    check_int(hem_queue_size(&q), 0);
    ledger_fail_from(0);
    put_all(&q, numbers, COUNT_OF(numbers));
    ledger_fail_from(1);
    check_int(hem_queue_put(&q, item(17)), HEM_ENOMEM);
    ledger_fail_from(0);
    check_int(hem_queue_size(&q), COUNT_OF(numbers));
    check_all(&q, numbers, COUNT_OF(numbers));
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        check_int(hem_queue_task_done(&q), 0);
    check_int(hem_queue_task_done(&q), HEM_EINVAL); /* none was counted */
    hem_queue_deinit(&q);
    return 0;
}

VIRTUAL_TEST(memory_grows_to_the_limit_and_not_beyond)
{
    hem_queue q;
    hem_queue_init(&q, &(hem_queue_options){.max_items = 20});
    for (int i = 0; i < 20; i++)
        check_int(hem_queue_try_put(&q, NULL), 0);
    check_int(q.capacity, 20);
    hem_queue_deinit(&q);
    return 0;
}

/* A ring that has gone round before it grows. */
VIRTUAL_TEST(growing_keeps_the_order)
{
    hem_queue q;
    intptr_t next = 0, oldest = 0;
    void *got;
    hem_queue_init(&q, NULL);
    for (int round = 1; round < 200; round++) {
        for (int i = 0; i < 7; i++)
            check_int(hem_queue_try_put(&q, item(next++)), 0);
        for (int i = 0; i < 5; i++) {
            check_int(hem_queue_try_get(&q, &got), 0);
            check_int((intptr_t)got, oldest++);
        }
    }
    hem_queue_deinit(&q);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(fifo_gives_the_oldest_first),
        LEDGER_TEST(lifo_gives_the_newest_first),
        LEDGER_TEST(priority_gives_the_least_number_first),
        LEDGER_TEST(
            priority_gives_the_least_by_compare_and_equals_as_they_came),
        LEDGER_TEST(any_sequence_of_puts_and_gets_is_in_order),
        LEDGER_TEST(the_default_limit_is_a_million_items),
        LEDGER_TEST(an_empty_queue_takes_no_memory),
        LEDGER_TEST(without_memory_put_says_so_and_changes_nothing),
        LEDGER_TEST(memory_grows_to_the_limit_and_not_beyond),
        LEDGER_TEST(growing_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

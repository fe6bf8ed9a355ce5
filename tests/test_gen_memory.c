/* SPDX-License-Identifier: MIT */
/* Generators: stacks and memory. */
#include "support.h"

/* Gives 1 to *arg. */
static int count_to(hem_gen *g, void *arg)
{
    for (int i = 1; i <= *(int *)arg; i++)
        HEM_TRY(hem_gen_yield(g, &i));
    return 0;
}

/* The next value, which must be there. */
static int next_int(hem_gen *g)
{
    void *value = NULL;
    check_int(hem_gen_next(g, &value), 1);
    return value ? *(int *)value : 0;
}

/* Memory. */

static int note_stack(hem_gen *g, void *arg)
{
    volatile char here = 0;
    *(uintptr_t *)arg = (uintptr_t)&here;
    HEM_TRY(hem_gen_yield(g, NULL));
    return here;
}

VIRTUAL_TEST(one_after_the_other_they_use_one_stack)
{
    uintptr_t first = 0;
    uintptr_t at = 0;
    for (int i = 0; i < 1000; i++) {
        HEM_GEN(g, note_stack, &at);
        check_int(hem_gen_next(&g, NULL), 1);
        if (i == 0)
            first = at;
        check_int(at, first);
        if (i % 2)
            check_int(hem_gen_next(&g, NULL), 0);
    }
    return 0;
}

VIRTUAL_TEST(many_may_be_open)
{
    size_t count = scaled(100000);
    /* Where guards are made by mprotect, the pool ends before that. */
    hem_gen *g = calloc(count, sizeof(*g));
    int n = 2;
    size_t begun = 0;
    int rc = 1;
    while (rc > 0 && begun < count) {
        hem_gen_init(&g[begun], count_to, &n);
        rc = hem_gen_next(&g[begun], NULL);
        check(rc == 1 || (rc == HEM_ENOMEM && begun > 20000));
        begun += rc > 0;
    }
    for (size_t i = 0; i < begun; i++)
        check_int(next_int(&g[i]), 2);
    for (size_t i = 0; i < begun; i++)
        check_int(hem_gen_close(&g[i]), 0);
    free(g);
    return 0;
}

static int take_stack(hem_gen *g, void *arg)
{
    volatile char much[200 << 10];
    much[0] = much[sizeof(much) - 1] = 1;
    HEM_TRY(hem_yield());
    return hem_gen_yield(g, arg) + (much[0] - much[sizeof(much) - 1]);
}

VIRTUAL_TEST(its_stack_may_be_larger)
{
    HEM_GEN(g, take_stack, NULL, .stack_bytes = 1 << 20);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

VIRTUAL_TEST(a_stack_above_one_gib_is_refused_at_the_first_step)
{
    hem_gen g;
    hem_gen_init_with(&g, take_stack, NULL,
                      .stack_bytes = ((size_t)1 << 30) + 1);
    check_int(hem_gen_next(&g, NULL), HEM_EINVAL);
    check(!hem_gen_done(&g));
    check_int(hem_gen_close(&g), 0);
    return 0;
}

VIRTUAL_TEST(without_memory_it_has_not_begun_and_may_be_tried_again)
{
    int n = 1;
    HEM_GEN(g, count_to, &n, .stack_bytes = 1 << 20);
    int failed = 0;
    for (size_t i = 1;; i++) {
        ledger_fail_from(i);
        int rc = hem_gen_next(&g, NULL);
        ledger_fail_from(0);
        if (rc == 1)
            break;
        check_int(rc, HEM_ENOMEM);
        check(!hem_gen_done(&g));
        failed++;
    }
    check(failed > 0);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(one_after_the_other_they_use_one_stack),
        LEDGER_TEST(many_may_be_open),
        LEDGER_TEST(its_stack_may_be_larger),
        LEDGER_TEST(a_stack_above_one_gib_is_refused_at_the_first_step),
        LEDGER_TEST(without_memory_it_has_not_begun_and_may_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

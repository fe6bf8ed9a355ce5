/* SPDX-License-Identifier: MIT */
/* Generators: what ends the process. */
#include "support.h"

/* Gives 1 to *arg. */
static int count_to(hem_gen *g, void *arg)
{
    for (int i = 1; i <= *(int *)arg; i++)
        HEM_TRY(hem_gen_yield(g, &i));
    return 0;
}

static int tick(hem_gen *g, void *arg)
{
    (void)arg;
    for (int i = 1; i <= 2; i++) {
        HEM_TRY(hem_sleep(HEM_SEC));
        HEM_TRY(hem_gen_yield(g, &i));
    }
    return hem_yield();
}

/* Makes one step of a generator, and returns what that did. */
static int one_step(void *arg)
{
    return hem_gen_next(arg, NULL);
}

/* Mistakes: each ends the process with a line that says so. */

static int yield_outside(void *arg)
{
    int n = 1;
    HEM_GEN(g, count_to, &n);
    if (arg)
        (void)!hem_gen_next(&g, NULL);
    return hem_gen_yield(&g, NULL);
}

static int yield_as(hem_gen *g, void *arg)
{
    (void)g;
    return hem_gen_yield(arg, NULL);
}

static int yield_for_outer(hem_gen *g, void *arg)
{
    (void)arg;
    HEM_GEN(inner, yield_as, g);
    return hem_gen_next(&inner, NULL);
}

static int yield_from_within(void *arg)
{
    HEM_GEN(g, yield_for_outer, arg);
    return hem_gen_next(&g, NULL);
}

static int leave_open_scope(hem_gen *g, void *arg)
{
    hem_scope s;
    (void)arg;
    HEM_TRY(hem_scope_open(&s, NULL));
    return hem_gen_yield(g, NULL);
}

static int leave_open_timeout(hem_gen *g, void *arg)
{
    hem_timeout t;
    (void)arg;
    HEM_TRY(hem_timeout_open(&t, HEM_SEC));
    return hem_gen_yield(g, NULL);
}

static int end_with_open_scope(void *arg)
{
    HEM_GEN(g, leave_open_scope, arg);
    HEM_TRY(hem_gen_next(&g, NULL));
    return hem_gen_next(&g, NULL);
}

static int end_with_open_timeout(void *arg)
{
    HEM_GEN(g, leave_open_timeout, arg);
    HEM_TRY(hem_gen_next(&g, NULL));
    return hem_gen_next(&g, NULL);
}

static int leave_while_it_runs(void *arg)
{
    HEM_GEN(g, tick, arg);
    HEM_TRY(hem_spawn(NULL, one_step, &g));
    return hem_sleep(HEM_MSEC);
}

static int run_mistake(void *arg)
{
    hem_fn *fn = *(hem_fn **)arg;
    return hem_run(fn, NULL, NULL);
}

static int yield_not_begun(void *arg)
{
    (void)arg;
    return yield_outside(NULL);
}

static int yield_begun(void *arg)
{
    (void)arg;
    int n;
    return yield_outside(&n);
}

static void mistakes_end_the_process(void **state)
{
    (void)state;
    static const struct {
        hem_fn *fn;
        const char *part;
    } cases[] = {
        {yield_not_begun, "hem_gen_yield: the main task \"main\""},
        {yield_begun, "is not in the body of the generator"},
        {yield_from_within, "is not in the body of the generator"},
        {end_with_open_scope, "generator \"leave_open_scope\", made at"},
        {end_with_open_timeout, "returned with an open timeout"},
        {leave_while_it_runs, "HEM_GEN: the main task \"main\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        hem_fn *fn = cases[i].fn;
        check_aborts(run_mistake, &fn, cases[i].part);
    }
    run_assert_checks();
}

/* Not turned into a loop. */
__attribute__((noinline)) static int recurse(volatile int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

static int overflow(hem_gen *g, void *arg)
{
    HEM_TRY(hem_gen_yield(g, arg));
    HEM_TRY(hem_yield());
    return recurse(0);
}

static int overflow_in_generator(void *arg)
{
    HEM_GEN(g, overflow, arg, .stack_bytes = 1 << 17);
    HEM_TRY(hem_gen_next(&g, NULL));
    return hem_gen_next(&g, NULL);
}

static int spawn_overflow(void *arg)
{
    HEM_TRY(hem_spawn_with(NULL, overflow_in_generator, arg, .name = "deep"));
    return hem_sleep(HEM_SEC);
}

static int run_overflow(void *arg)
{
    return hem_run(spawn_overflow, arg, NULL);
}

static void an_overflow_names_the_task_and_the_stack_of_the_body(void **state)
{
    (void)state;
    if (SANITIZED || in_valgrind())
        skip();
    struct ending e;
    process_run(run_overflow, NULL, &e);
    check(e.signo != 0);
    check_contains(e.text, "stack overflow in task \"deep\"");
    check_contains(e.text, "whose stack has 128 KiB");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(mistakes_end_the_process),
        LEDGER_TEST(an_overflow_names_the_task_and_the_stack_of_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

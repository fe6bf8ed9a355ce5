/* SPDX-License-Identifier: MIT */
/* Generators: closing. */
#include "support.h"

/* The next value, which must be there. */
static int next_int(hem_gen *g)
{
    void *value = NULL;
    check_int(hem_gen_next(g, &value), 1);
    return value ? *(int *)value : 0;
}

/* Closing. */

struct ending_body {
    int thrown; /* what the yield returned */
    int result; /* what the body is to return then; 1: that */
    hem_ns wait;
    int waited;
};

static int end_as_told(hem_gen *g, void *arg)
{
    struct ending_body *b = arg;
    b->thrown = hem_gen_yield(g, NULL);
    b->waited = b->wait ? hem_sleep(b->wait) : 0;
    return b->result == 1 ? b->thrown : b->result;
}

VIRTUAL_TEST(closing_lets_the_body_clean_up)
{
    static const struct {
        int result, want;
    } cases[] = {{1, 0}, {0, 0}, {9, 0}, {HEM_ECLOSED, 0}, {HEM_EIO, HEM_EIO}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ending_body b = {.result = cases[i].result, .wait = HEM_SEC};
        HEM_GEN(g, end_as_told, &b);
        check_int(hem_gen_next(&g, NULL), 1);
        hem_ns began = hem_now();
        check_int(hem_gen_close(&g), cases[i].want);
        check_int(hem_now() - began, HEM_SEC);
        check_int(b.thrown, HEM_ECLOSED);
        check(hem_gen_done(&g));
        check_int(hem_gen_close(&g), 0);
        check_int(hem_gen_next(&g, NULL), 0);
    }
    check_int(hem_gen_close(NULL), 0);
    return 0;
}

static int go_on_yielding(hem_gen *g, void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        trace("%s", hem_errname(hem_gen_yield(g, &i)));
    return 0;
}

VIRTUAL_TEST(one_that_yields_while_it_is_closed_is_suspended_there)
{
    int n = 3;
    HEM_GEN(g, go_on_yielding, &n);
    check_int(next_int(&g), 0);
    check_int(hem_gen_close(&g), HEM_EREFUSED);
    check(!hem_gen_done(&g));
    check_int(next_int(&g), 2);
    check_int(hem_gen_close(&g), 0);
    check_trace("HEM_ECLOSED HEM_OK HEM_ECLOSED");
    return 0;
}

static int use(struct ending_body *b, int n)
{
    HEM_GEN(g, end_as_told, b);
    if (n == 0)
        return HEM_EPERM; /* not begun */
    check_int(hem_gen_next(&g, NULL), 1);
    for (int i = 0; i < n; i++) {
        HEM_GEN(inner, end_as_told, b + 1);
        check_int(hem_gen_next(&inner, NULL), 1);
        if (n == 2)
            break;
        if (n == 3)
            goto out;
        return hem_fail(HEM_EIO, "on the way out");
    }
out:
    check_int(b[1].thrown, HEM_ECLOSED);
    check_int(b[0].thrown, 0);
    return 0;
}

VIRTUAL_TEST(it_is_closed_with_its_block)
{
    struct ending_body b[2] = {{.result = 1}, {.result = 1}};
    check_int(use(b, 0), HEM_EPERM);
    check_int(use(b, 1), HEM_EIO);
    check_int(b[0].thrown, HEM_ECLOSED);
    for (int n = 2; n <= 3; n++) {
        b[0].thrown = b[1].thrown = 0;
        check_int(use(b, n), 0);
        check_int(b[0].thrown, HEM_ECLOSED);
    }
    return 0;
}

static int fail_and_recover(hem_gen *g, void *arg)
{
    (void)arg;
    int rc = hem_gen_yield(g, NULL);
    (void)hem_fail(HEM_EIO, "in the cleanup");
    return rc;
}

static int fail_with_open(void)
{
    HEM_GEN(g, fail_and_recover, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    return hem_fail(HEM_EPERM, "in the block");
}

VIRTUAL_TEST(closing_leaves_the_record_of_the_task_alone)
{
    check_int(fail_with_open(), HEM_EPERM);
    check_str(hem_failure()->message, "in the block");
    HEM_GEN(g, fail_and_recover, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_close(&g), 0);
    check_str(hem_failure()->message, "in the block");
    return 0;
}

static int leave_waiting(void *arg)
{
    HEM_GEN(g, end_as_told, arg);
    check_int(hem_gen_next(&g, NULL), 1);
    return 0;
}

static int leave_and_go_on(void *arg)
{
    check_int(leave_waiting(arg), 0);
    int rc = hem_sleep(HEM_SEC);
    check_str(hem_task_reason(hem_self()), "now");
    return rc;
}

VIRTUAL_TEST(a_cancellation_in_the_close_of_a_block_interrupts_the_next_wait)
{
    struct ending_body b = {.result = HEM_ECANCELED, .wait = HEM_SEC};
    hem_task *t;
    check_int(hem_spawn(&t, leave_and_go_on, &b), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, "now"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_int(b.waited, HEM_ECANCELED);
    return 0;
}

static int leave_stubborn(int *n)
{
    HEM_GEN(g, go_on_yielding, n);
    check_int(hem_gen_next(&g, NULL), 1);
    return 0;
}

VIRTUAL_TEST(a_block_whose_generator_goes_on_yielding_says_so)
{
    static int n = 2; /* the end of the run closes it once more */
    check_int(leave_stubborn(&n), 0);
    check_logged("generator \"go_on_yielding\", made at");
    trace_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(closing_lets_the_body_clean_up),
        LEDGER_TEST(one_that_yields_while_it_is_closed_is_suspended_there),
        LEDGER_TEST(it_is_closed_with_its_block),
        LEDGER_TEST(closing_leaves_the_record_of_the_task_alone),
        LEDGER_TEST(
            a_cancellation_in_the_close_of_a_block_interrupts_the_next_wait),
        LEDGER_TEST(a_block_whose_generator_goes_on_yielding_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

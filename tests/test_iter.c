/* SPDX-License-Identifier: MIT */
/* Iterating over what a function returns. */
#include "support.h"

static int count(void *arg)
{
    return ++*(int *)arg;
}

VIRTUAL_TEST(it_gives_results_until_the_sentinel)
{
    int calls = 0;
    int value = -1;
    int sum = 0;
    int rc;
    while ((rc = hem_iter_until(count, &calls, 4, &value)) > 0) {
        check_int(rc, 1);
        sum = 10 * sum + value;
    }
    check_int(rc, 0);
    check_int(sum, 123);
    check_int(value, 3);
    check_int(calls, 4);
    return 0;
}

VIRTUAL_TEST(zero_may_be_a_result_or_the_sentinel)
{
    int calls = -1;
    int value = -1;
    check_int(hem_iter_until(count, &calls, 1, &value), 1);
    check_int(value, 0);
    calls = -1;
    check_int(hem_iter_until(count, &calls, 0, &value), 0);
    return 0;
}

static int fail_late(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(5));
    return hem_fail(HEM_EIO, "late");
}

VIRTUAL_TEST(an_error_of_the_function_is_returned)
{
    int value = -1;
    check_int(hem_iter_until(fail_late, NULL, HEM_EIO, &value), HEM_EIO);
    check_int(value, -1);
    check_int(hem_now(), 5);
    check_str(hem_failure()->message, "late");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(it_gives_results_until_the_sentinel),
        LEDGER_TEST(zero_may_be_a_result_or_the_sentinel),
        LEDGER_TEST(an_error_of_the_function_is_returned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

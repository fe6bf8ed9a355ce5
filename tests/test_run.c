/* SPDX-License-Identifier: MIT */
/* hem_run: its result, its options, and what keeps it from running. */
#include "support.h"

#include <pthread.h>
#include <sys/resource.h>

static int give(void *arg)
{
    return *(int *)arg;
}

static void run_returns_the_result_of_main(void **state)
{
    (void)state;
    static const int results[] = {0, 1, 12345, HEM_EIO, -1, HEM_ETIMEDOUT};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        int result = results[i];
        assert_int_equal(hem_run(give, &result, NULL), result);
    }
}

static int cancel_self(void *arg)
{
    hem_task_cancel(hem_self(), NULL);
    check(arg == NULL);
    return hem_sleep(HEM_NEVER);
}

static void run_returns_ecanceled_if_main_is_cancelled(void **state)
{
    (void)state;
    assert_int_equal(hem_run(cancel_self, NULL, NULL), HEM_ECANCELED);
    run_assert_checks();
}

static int unreachable(void *arg)
{
    (void)arg;
    check_never("this runs");
    return 0;
}

static void run_nested(void *arg)
{
    *(int *)arg = hem_run(unreachable, NULL, NULL);
}

VIRTUAL_TEST(a_run_within_a_run_is_refused)
{
    int rc = 0;
    check_int(hem_run(unreachable, NULL, NULL), HEM_EREFUSED);
    hem_callback cb;
    hem_callback_init(&cb, run_nested, &rc);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(1), 0);
    check_int(rc, HEM_EREFUSED);
    return 0;
}

static int check_name(void *arg)
{
    check_str(hem_task_name(hem_self()), arg);
    return 0;
}

static void main_has_a_name(void **state)
{
    (void)state;
    assert_int_equal(hem_run(check_name, "main", NULL), 0);
    hem_run_options o = {.name = "server"};
    assert_int_equal(hem_run(check_name, "server", &o), 0);
    run_assert_checks();
}

static int sleep_and_spawn(void *arg)
{
    hem_task *t;
    HEM_TRY(hem_spawn(&t, give, arg));
    HEM_TRY(hem_sleep(1));
    return hem_await(t);
}

static void runs_may_follow_each_other(void **state)
{
    (void)state;
    hem_virtual_clock clock = {0};
    hem_run_options o = {.clock = &clock};
    for (int i = 0; i < (int)scaled(1000); i++) {
        assert_int_equal(hem_run(sleep_and_spawn, &i, &o), i);
        assert_int_equal(clock.now, i + 1);
    }
}

static void *run_in_thread(void *arg)
{
    for (int i = 0; i < 100; i++) {
        hem_virtual_clock clock = {0};
        int rc =
            hem_run(sleep_and_spawn, arg, &(hem_run_options){.clock = &clock});
        if (rc != *(int *)arg)
            return NULL;
    }
    return arg;
}

static void each_thread_may_have_a_loop(void **state)
{
    (void)state;
    pthread_t threads[4];
    int results[COUNT_OF(threads)];
    for (int i = 0; i < (int)COUNT_OF(threads); i++) {
        results[i] = i + 10;
        assert_int_equal(
            pthread_create(&threads[i], NULL, run_in_thread, &results[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *ret;
        assert_int_equal(pthread_join(threads[i], &ret), 0);
        assert_ptr_equal(ret, &results[i]);
    }
}

static void run_without_memory_runs_nothing(void **state)
{
    (void)state;
    int result = 8;
    int rc = HEM_ENOMEM;
    size_t n = 0;
    while (rc == HEM_ENOMEM && n < 100) {
        ledger_fail_from(++n);
        rc = hem_run(give, &result, NULL);
        ledger_fail_from(0);
        assert_int_equal(ledger_live(), 0);
    }
    assert_int_equal(rc, 8);
    assert_true(n > 3);
    for (size_t at = 1; at < n; at++) {
        ledger_fail_at(at);
        rc = hem_run(give, &result, NULL);
        ledger_fail_at(0);
        assert_true(rc == 8 || rc == HEM_ENOMEM);
        assert_int_equal(ledger_live(), 0);
    }
}

static void run_without_descriptors_runs_nothing(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int probe = dup(STDERR_FILENO);
    close(probe);
    int result = 8;
    int rc = HEM_EMFILE;
    unsigned spare = 0;
    for (; rc == HEM_EMFILE && spare < 10; spare++) {
        struct rlimit few = before;
        few.rlim_cur = (rlim_t)probe + spare;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        rc = hem_run(give, &result, NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(ledger_live(), 0);
    }
    assert_int_equal(rc, 8);
    assert_int_equal(spare, 3); /* the poller's, and one for posts */
}

static void a_default_stack_above_a_gibibyte_is_refused(void **state)
{
    (void)state;
    hem_run_options o = {.stack_bytes = ((size_t)1 << 30) + 1};
    assert_int_equal(hem_run(unreachable, NULL, &o), HEM_EINVAL);
    run_assert_checks();
}

static int be_the_child(void *arg)
{
    int result = 21;
    check(hem_loop_current() == NULL);
    check(hem_self() == NULL);
    check_int(ledger_descriptors(), *(size_t *)arg);
    check_int(run_virtual(sleep_and_spawn, &result), 21);
    check_int(ledger_descriptors(), *(size_t *)arg);
    return check_failures_take() ? 1 : 0;
}

static int fork_in_task(void *arg)
{
    struct ending e;
    process_run(be_the_child, arg, &e);
    check_str(e.text, "");
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check(hem_loop_current() != NULL);
    return hem_sleep(1);
}

static void a_forked_child_has_no_loop_and_may_run_one(void **state)
{
    (void)state;
    /* One more: what the child says to its parent. */
    size_t descriptors = ledger_descriptors() + 1;
    assert_int_equal(run_virtual(fork_in_task, &descriptors), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(run_returns_the_result_of_main),
        LEDGER_TEST(run_returns_ecanceled_if_main_is_cancelled),
        LEDGER_TEST(a_run_within_a_run_is_refused),
        LEDGER_TEST(main_has_a_name),
        LEDGER_TEST(runs_may_follow_each_other),
        LEDGER_TEST(each_thread_may_have_a_loop),
        LEDGER_TEST(run_without_memory_runs_nothing),
        LEDGER_TEST(run_without_descriptors_runs_nothing),
        LEDGER_TEST(a_default_stack_above_a_gibibyte_is_refused),
        LEDGER_TEST(a_forked_child_has_no_loop_and_may_run_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

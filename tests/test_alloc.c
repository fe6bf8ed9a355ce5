/* SPDX-License-Identifier: MIT */
/* The allocator can be replaced, and may fail anywhere. */
#include "base/alloc.h"
#include "support.h"

struct counter {
    size_t allocs, reallocs, frees;
};

static void *count_alloc(void *arg, size_t bytes)
{
    ((struct counter *)arg)->allocs++;
    return malloc(bytes);
}

static void *count_realloc(void *arg, void *p, size_t bytes)
{
    struct counter *c = arg;
    if (p)
        c->reallocs++;
    else
        c->allocs++;
    return realloc(p, bytes);
}

static void count_free(void *arg, void *p)
{
    ((struct counter *)arg)->frees++;
    free(p);
}

static int sleep_short(void *arg)
{
    (void)arg;
    return hem_sleep(1);
}

static int spawn_some(void *arg)
{
    HEM_SCOPE(s, .timeout = HEM_SEC);
    for (int i = 0; i < 100; i++) {
        hem_task *t;
        HEM_TRY(hem_scope_spawn(&s, &t, sleep_short, arg));
    }
    return hem_scope_close(&s, 0);
}

static void all_memory_comes_from_the_allocator_and_goes_back(void **state)
{
    (void)state;
    struct counter c = {0, 0, 0};
    hem_allocator a = {count_alloc, count_realloc, count_free, &c};
    hem_allocator_set(&a);
    memset(&a, 0, sizeof(a)); /* it was copied */
    assert_int_equal(run_virtual(spawn_some, NULL), 0);
    assert_true(c.allocs > 100);
    assert_int_equal(c.frees, c.allocs);
    hem_allocator_set(NULL);
    size_t before = c.allocs;
    assert_int_equal(run_virtual(spawn_some, NULL), 0);
    assert_int_equal(c.allocs, before);
}

static void the_calls_of_the_library_pass_on(void **state)
{
    (void)state;
    char *p = hem__calloc(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    memset(p, 'x', 100);
    p = hem__realloc(p, 10000);
    assert_non_null(p);
    assert_int_equal(p[99], 'x');
    ledger_fail_from(1);
    assert_null(hem__alloc(1));
    assert_null(hem__calloc(1));
    assert_null(hem__realloc(p, 20000));
    ledger_fail_from(0);
    assert_int_equal(p[99], 'x');
    hem__free(p);
    hem__free(NULL);
    assert_int_equal(ledger_live(), 0);
}

static int await_it(void *arg)
{
    return hem_await(arg);
}

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

static int wait_future(void *arg)
{
    return hem_future_wait(arg);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

VIRTUAL_TEST(cancelling_and_closing_need_no_memory)
{
    hem_scope outer, inner, shield;
    hem_timeout timeout;
    hem_future future;
    hem_callback callback;
    hem_task *t[3];
    hem_future_init(&future);
    hem_callback_init(&callback, do_nothing, NULL);
    check_int(hem_scope_open(&outer, &(hem_scope_options){.timeout = 50}), 0);
    check_int(hem_scope_spawn(&outer, &t[0], sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&outer, &t[1], await_it, t[0]), 0);
    check_int(hem_scope_spawn(&outer, &t[2], wait_future, &future), 0);
    check_int(hem_scope_open(&inner, NULL), 0);
    check_int(hem_scope_spawn(&inner, NULL, sleep_long, NULL), 0);
    check_int(hem_shield_open(&shield, NULL), 0);
    check_int(hem_timeout_open(&timeout, 20), 0);
    check_int(hem_call_later(&callback, 100), 0);
    ledger_fail_from(1);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t[1], NULL));
    check(hem_task_cancel(t[2], NULL));
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_task_uncancel(hem_self()), 0);
    check_int(hem_sleep(15), 0); /* the timeout is kept back by the shield */
    check_int(hem_timeout_close(&timeout, 0), 0);
    check_int(hem_shield_close(&shield, 0), 0);
    check_int(hem_scope_close(&inner, HEM_EIO), HEM_EIO);
    check_int(hem_scope_close(&outer, 0), 0);
    check(hem_callback_cancel(&callback));
    ledger_fail_from(0);
    check_int(hem_now(), 25);
    return 0;
}

static int run_many(void *arg)
{
    for (int i = 0; i < 100; i++)
        HEM_TRY(spawn_some(arg));
    return 0;
}

static int run_few(void *arg)
{
    HEM_TRY(spawn_some(arg));
    size_t before = ledger_allocations();
    HEM_TRY(run_many(arg));
    check_int(ledger_allocations(), before);
    return 0;
}

static void what_is_used_again_needs_no_memory(void **state)
{
    (void)state;
    assert_int_equal(run_virtual(run_few, NULL), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(all_memory_comes_from_the_allocator_and_goes_back),
        LEDGER_TEST(the_calls_of_the_library_pass_on),
        LEDGER_TEST(cancelling_and_closing_need_no_memory),
        LEDGER_TEST(what_is_used_again_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

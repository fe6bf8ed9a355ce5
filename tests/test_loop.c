/* SPDX-License-Identifier: MIT */
/* Callbacks of the loop: soon, later, at, and not after all. */
#include "support.h"

static void say(void *arg)
{
    check(hem_self() == NULL);
    check(hem_loop_current() != NULL);
    trace("%s", (const char *)arg);
}

static int say_in_task(void *arg)
{
    trace("%s", (const char *)arg);
    return 0;
}

FIFO_TEST(soon_is_behind_what_is_ready)
{
    hem_callback a, b;
    hem_callback_init(&a, say, "a");
    hem_callback_init(&b, say, "b");
    check_int(hem_call_soon(&a), 0);
    check_int(hem_spawn(NULL, say_in_task, "task"), 0);
    check_int(hem_call_soon(&b), 0);
    check_trace("");
    check_int(hem_yield(), 0);
    check_trace("a task b");
    return 0;
}

VIRTUAL_TEST(a_callback_is_scheduled_once_at_a_time)
{
    hem_callback cb;
    hem_callback_init(&cb, say, "x");
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_call_soon(&cb), HEM_EALREADY);
    check_int(hem_call_later(&cb, 10), HEM_EALREADY);
    check_int(hem_call_at(&cb, 10), HEM_EALREADY);
    check_int(hem_sleep(1), 0);
    check_trace("x");
    check_int(hem_call_later(&cb, 10), 0);
    check_int(hem_call_soon(&cb), HEM_EALREADY);
    check_int(hem_call_later(&cb, 0), HEM_EALREADY);
    check_int(hem_sleep(20), 0);
    check_trace("x");
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(1), 0);
    check_trace("x");
    return 0;
}

VIRTUAL_TEST(later_and_at_wait_for_their_time)
{
    hem_callback c[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < COUNT_OF(c); i++)
        hem_callback_init(&c[i], say, (void *)names[i]);
    check_int(hem_sleep(100), 0);
    check_int(hem_call_later(&c[0], 30), 0);
    check_int(hem_call_at(&c[1], 110), 0);
    check_int(hem_call_later(&c[2], 20), 0);
    check_int(hem_call_later(&c[3], HEM_NEVER), 0);
    check_int(hem_call_at(&c[4], HEM_NEVER), 0);
    check_int(hem_sleep(15), 0);
    check_trace("b");
    check_int(hem_sleep(10), 0);
    check_trace("c");
    check_int(hem_sleep(10), 0);
    check_trace("a");
    check_int(hem_sleep(1000000 * HEM_SEC), 0);
    check_trace("");
    check(hem_callback_cancel(&c[3]));
    check(hem_callback_cancel(&c[4]));
    return 0;
}

VIRTUAL_TEST(a_time_that_has_passed_is_soon)
{
    hem_callback c[4];
    check_int(hem_sleep(100), 0);
    for (size_t i = 0; i < COUNT_OF(c); i++)
        hem_callback_init(&c[i], say, "x");
    check_int(hem_call_later(&c[0], 0), 0);
    check_int(hem_call_later(&c[1], INT64_MIN), 0);
    check_int(hem_call_at(&c[2], 100), 0);
    check_int(hem_call_at(&c[3], 5), 0);
    check_trace("");
    check_int(hem_sleep(1), 0);
    check_trace("x x x x");
    check_int(hem_now(), 101);
    return 0;
}

VIRTUAL_TEST(cancel_says_whether_it_was_scheduled)
{
    hem_callback cb;
    hem_callback_init(&cb, say, "x");
    check(!hem_callback_cancel(&cb));
    check_int(hem_call_soon(&cb), 0);
    check(hem_callback_cancel(&cb));
    check(!hem_callback_cancel(&cb));
    check_int(hem_call_later(&cb, 5), 0);
    check(hem_callback_cancel(&cb));
    check(!hem_callback_cancel(&cb));
    check_int(hem_sleep(10), 0);
    check_trace("");
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(10), 0);
    check(!hem_callback_cancel(&cb));
    check_trace("x");
    return 0;
}

VIRTUAL_TEST(a_cancelled_callback_may_be_freed)
{
    for (int i = 0; i < 100; i++) {
        hem_callback *cb = malloc(sizeof(*cb));
        hem_callback_init(cb, say, "x");
        check_int(i % 2 ? hem_call_soon(cb) : hem_call_later(cb, 5), 0);
        check(hem_callback_cancel(cb));
        memset(cb, 0xff, sizeof(*cb));
        free(cb);
    }
    check_int(hem_sleep(10), 0);
    check_trace("");
    return 0;
}

struct periodic {
    hem_callback cb;
    int left;
};

static void again(void *arg)
{
    struct periodic *p = arg;
    trace("%d", (int)hem_now());
    if (--p->left > 0)
        check_int(hem_call_later(&p->cb, 10), 0);
}

VIRTUAL_TEST(a_callback_may_schedule_itself_again)
{
    struct periodic p = {.left = 4};
    hem_callback_init(&p.cb, again, &p);
    check_int(hem_call_soon(&p.cb), 0);
    check_int(hem_sleep(100), 0);
    check_trace("0 10 20 30");
    return 0;
}

static void free_itself(void *arg)
{
    hem_callback *cb = *(hem_callback **)arg;
    memset(cb, 0xff, sizeof(*cb));
    free(cb);
    *(hem_callback **)arg = NULL;
}

VIRTUAL_TEST(a_callback_may_free_itself)
{
    hem_callback *cb = malloc(sizeof(*cb));
    hem_callback_init(cb, free_itself, &cb);
    check_int(hem_call_soon(cb), 0);
    check_int(hem_sleep(1), 0);
    check(cb == NULL);
    return 0;
}

static void cancel_other(void *arg)
{
    trace("one");
    check(hem_callback_cancel(arg));
}

VIRTUAL_TEST(a_callback_may_cancel_others)
{
    hem_callback a, b;
    hem_callback_init(&a, cancel_other, &b);
    hem_callback_init(&b, cancel_other, &a);
    check_int(hem_call_soon(&a), 0);
    check_int(hem_call_soon(&b), 0);
    check_int(hem_sleep(1), 0);
    check_trace("one");
    check_int(hem_call_later(&a, 5), 0);
    check_int(hem_call_later(&b, 5), 0);
    check_int(hem_sleep(10), 0);
    check_trace("one");
    return 0;
}

VIRTUAL_TEST(a_time_needs_memory_once)
{
    enum { MAX = 1000 };
    static hem_callback c[MAX];
    size_t n = 0;
    ledger_fail_from(1);
    int rc = 0;
    for (; n < MAX; n++) {
        hem_callback_init(&c[n], say, "x");
        rc = hem_call_later(&c[n], 10);
        if (rc < 0)
            break;
    }
    check_int(rc, HEM_ENOMEM);
    check(!hem_callback_cancel(&c[n]));
    check_int(hem_call_at(&c[n], 10), HEM_ENOMEM);
    check_int(hem_call_later(&c[n], 0), 0); /* soon needs none */
    check_int(hem_sleep(1), 0);
    check_trace("x");
    check(hem_callback_cancel(&c[0]));
    check_int(hem_call_later(&c[n], 10), 0); /* the place of that one */
    for (size_t i = 1; i <= n; i++)
        check(hem_callback_cancel(&c[i]));
    ledger_fail_from(0);
    return 0;
}

static void spin(void *arg)
{
    struct periodic *p = arg;
    if (--p->left > 0)
        check_int(hem_call_soon(&p->cb), 0);
}

static int count_yields(void *arg)
{
    for (int *n = arg; *n < 5000; ++*n)
        HEM_TRY(hem_yield());
    return 0;
}

FIFO_TEST(callbacks_and_tasks_take_turns)
{
    struct periodic p = {.left = 5000};
    hem_callback_init(&p.cb, spin, &p);
    check_int(hem_call_soon(&p.cb), 0);
    int yields = 0;
    hem_task *t;
    check_int(hem_spawn(&t, count_yields, &yields), 0);
    while (yields < 2500)
        check_int(hem_yield(), 0);
    check(p.left < 2510 && p.left > 2490);
    check_int(hem_await(t), 0);
    check_int(hem_sleep(1), 0);
    check_int(p.left, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(soon_is_behind_what_is_ready),
        LEDGER_TEST(a_callback_is_scheduled_once_at_a_time),
        LEDGER_TEST(later_and_at_wait_for_their_time),
        LEDGER_TEST(a_time_that_has_passed_is_soon),
        LEDGER_TEST(cancel_says_whether_it_was_scheduled),
        LEDGER_TEST(a_cancelled_callback_may_be_freed),
        LEDGER_TEST(a_callback_may_schedule_itself_again),
        LEDGER_TEST(a_callback_may_free_itself),
        LEDGER_TEST(a_callback_may_cancel_others),
        LEDGER_TEST(a_time_needs_memory_once),
        LEDGER_TEST(callbacks_and_tasks_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

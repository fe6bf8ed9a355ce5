/* SPDX-License-Identifier: MIT */
/* Cancelling a task that awaits another is a request to that one. */
#include "support.h"

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

static int await_it(void *arg)
{
    return hem_await(arg);
}

static int count_and_pass_on(void *arg)
{
    int rc = hem_await(arg);
    check_int(hem_task_cancelling(hem_self()), 1);
    return rc;
}

VIRTUAL_TEST(a_request_to_the_waiter_goes_to_the_awaited)
{
    hem_task *target, *waiter;
    check_int(hem_spawn(&target, sleep_long, NULL), 0);
    check_int(hem_spawn(&waiter, count_and_pass_on, target), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(waiter, "stop"));
    check_int(hem_task_cancelling(waiter), 1);
    check_int(hem_task_cancelling(target), 1);
    check_int(hem_await(waiter), HEM_ECANCELED);
    check(hem_task_cancelled(target));
    check_str(hem_task_reason(target), "stop");
    check_str(hem_task_reason(waiter), "stop");
    return 0;
}

static int swallow(void *arg)
{
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_sleep(HEM_SEC), 0);
    return *(int *)arg;
}

VIRTUAL_TEST(the_waiter_of_one_that_swallows_the_request_gets_its_result)
{
    static int results[] = {17, HEM_EINVAL};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_ns start = hem_now();
        hem_task *target, *waiter;
        check_int(hem_spawn(&target, swallow, &results[i]), 0);
        check_int(hem_spawn(&waiter, count_and_pass_on, target), 0);
        check_int(hem_sleep(1), 0);
        check(hem_task_cancel(waiter, NULL));
        check_int(hem_await(waiter), results[i]);
        check_int(hem_now(), start + HEM_SEC + 1);
    }
    return 0;
}

VIRTUAL_TEST(all_who_await_it_see_the_cancellation)
{
    hem_task *target, *waiters[5];
    check_int(hem_spawn(&target, sleep_long, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(waiters); i++)
        check_int(hem_spawn(&waiters[i], await_it, target), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(waiters[2], NULL));
    for (size_t i = 0; i < COUNT_OF(waiters); i++) {
        check_int(hem_await(waiters[i]), HEM_ECANCELED);
        check_int(hem_task_cancelling(waiters[i]), i == 2);
    }
    return 0;
}

VIRTUAL_TEST(a_request_that_is_pending_goes_to_the_awaited_as_well)
{
    hem_task *target;
    check_int(hem_spawn(&target, sleep_long, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(hem_self(), "pending"));
    check_int(hem_await(target), HEM_ECANCELED);
    check(hem_task_cancelled(target));
    check_str(hem_task_reason(target), "pending");
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_pending_request_does_not_touch_a_task_that_has_ended)
{
    hem_task *target;
    check_int(hem_spawn(&target, await_it, hem_self()), 0);
    check(hem_task_cancel(target, NULL));
    check_int(hem_await(target), HEM_ECANCELED);
    check(hem_task_cancel(hem_self(), "mine"));
    check_int(hem_await(target), HEM_ECANCELED);
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "mine");
    return 0;
}

static int await_or_sleep(void *arg)
{
    hem_task **awaited = arg;
    return *awaited ? hem_await(*awaited) : hem_sleep(HEM_SEC);
}

/* There are stacks for these on every kernel (HEM__STACK_GUARDS_MAX). */
#define LONG_CHAIN 20000

VIRTUAL_TEST(a_long_chain_is_cancelled_flat)
{
    size_t n = scaled(LONG_CHAIN);
    hem_task **t = calloc(n + 1, sizeof(*t));
    for (size_t i = 0; i < n; i++)
        check_int(hem_spawn(&t[i + 1], await_or_sleep, &t[i]), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t[n], "all"));
    check_int(hem_await(t[n]), HEM_ECANCELED);
    check_int(hem_now(), 1);
    size_t cancelled = 0;
    for (size_t i = 1; i <= n; i++) {
        cancelled += hem_task_cancelled(t[i]);
        if (hem_task_cancelling(t[i]) != 1 ||
            strcmp(hem_task_reason(t[i]), "all") != 0)
            check_never("each had one request, with the reason");
    }
    check_int(cancelled, n);
    free(t);
    return 0;
}

VIRTUAL_TEST(a_long_chain_ends_by_itself)
{
    size_t n = scaled(LONG_CHAIN);
    hem_task **t = calloc(n + 1, sizeof(*t));
    for (size_t i = 0; i < n; i++)
        check_int(hem_spawn(&t[i + 1], await_or_sleep, &t[i]), 0);
    check_int(hem_await(t[n]), 0);
    check_int(hem_now(), HEM_SEC);
    free(t);
    return 0;
}

/* Cancel a ring of `n` tasks, each awaiting the next, at `at`, reached through
 * a tail of `tail` tasks that are not in it. All must end. */
static void cancel_ring(size_t n, size_t tail, size_t at)
{
    hem_task *t[16];
    for (size_t i = 0; i < n + tail; i++) {
        size_t next = i + 1 == n ? 0 : i < n ? i + 1 : i - 1;
        check_int(hem_spawn(&t[i], await_or_sleep, &t[next]), 0);
    }
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t[at], "ring"));
    for (size_t i = 0; i < n + tail; i++) {
        while (!hem_task_done(t[i]) && hem_now() < HEM_SEC)
            check_int(hem_sleep(1), 0);
        check(hem_task_cancelled(t[i]));
    }
}

VIRTUAL_TEST(tasks_that_await_each_other_can_be_cancelled)
{
    for (size_t n = 2; n <= 8; n++) {
        for (size_t tail = 0; tail <= 5; tail++) {
            for (size_t at = 0; at < n + tail; at++) {
                if (at < n || tail)
                    cancel_ring(n, tail, at);
            }
        }
    }
    return 0;
}

static int forget_and_await(void *arg)
{
    hem_task *t = arg;
    hem_task_forget(t);
    return hem_await(t);
}

VIRTUAL_TEST(the_record_of_a_forgotten_task_is_not_needed_by_who_awaits_it)
{
    hem_task *target, *waiter;
    check_int(hem_spawn(&target, sleep_long, NULL), 0);
    check_int(hem_spawn(&waiter, forget_and_await, target), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(waiter, "gone"));
    check_int(hem_await(waiter), HEM_ECANCELED);
    check_str(hem_task_reason(waiter), "gone");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_request_to_the_waiter_goes_to_the_awaited),
        LEDGER_TEST(
            the_waiter_of_one_that_swallows_the_request_gets_its_result),
        LEDGER_TEST(all_who_await_it_see_the_cancellation),
        LEDGER_TEST(a_request_that_is_pending_goes_to_the_awaited_as_well),
        LEDGER_TEST(a_pending_request_does_not_touch_a_task_that_has_ended),
        LEDGER_TEST(a_long_chain_is_cancelled_flat),
        LEDGER_TEST(a_long_chain_ends_by_itself),
        LEDGER_TEST(tasks_that_await_each_other_can_be_cancelled),
        LEDGER_TEST(
            the_record_of_a_forgotten_task_is_not_needed_by_who_awaits_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

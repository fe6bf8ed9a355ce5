/* SPDX-License-Identifier: MIT */
/* Tasks called from other threads. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#include "settle.h"

static int give(void *arg)
{
    check(hem_self() != NULL);
    return *(int *)arg;
}

static int call_give(void *arg)
{
    struct where {
        hem_loop *loop;
        int wanted;
    } *w = arg;
    int result = 99;
    check(hem_self() == NULL);
    check_int(hem_call_from_thread(w->loop, give, &w->wanted, &result), 0);
    return result;
}

VIRTUAL_TEST(a_call_returns_what_the_task_returns)
{
    struct {
        hem_loop *loop;
        int wanted;
    } w = {hem_loop_current(), 0};
    static const int results[] = {0, 42, INT32_MAX, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        w.wanted = results[i];
        check_int(hem_thread_call(call_give, &w, NULL), results[i]);
    }
    return 0;
}

static int wait_and_name(void *arg)
{
    HEM_TRY(hem_sleep(HEM_SEC));
    check_str(hem_task_name(hem_self()), "wait_and_name");
    *(hem_ns *)arg = hem_now();
    return 3;
}

static int call_wait(void *arg)
{
    hem_ns woke = 0;
    int result = 0;
    HEM_TRY(hem_call_from_thread(arg, wait_and_name, &woke, &result));
    return woke == HEM_SEC ? result : HEM_EIO;
}

VIRTUAL_TEST(the_task_may_suspend_and_has_the_name_of_its_function)
{
    check_int(hem_thread_call(call_wait, hem_loop_current(), NULL), 3);
    return 0;
}

VIRTUAL_TEST(the_loops_own_thread_is_refused)
{
    int result = 5, wanted = 6;
    check_int(hem_call_from_thread(hem_loop_current(), give, &wanted, &result),
              HEM_EDEADLK);
    check_int(result, 5);
    return 0;
}

static int cancel_self(void *arg)
{
    (void)arg;
    check(hem_task_cancel(hem_self(), NULL));
    return hem_sleep(HEM_NEVER);
}

static int call_cancelled(void *arg)
{
    int result = 0;
    check_int(hem_call_from_thread(arg, cancel_self, NULL, &result), 0);
    return result == HEM_ECANCELED;
}

VIRTUAL_TEST(a_task_that_is_cancelled_ends_the_call_as_cancelled)
{
    check_int(hem_thread_call(call_cancelled, hem_loop_current(), NULL), 1);
    return 0;
}

static int call_without_memory(void *arg)
{
    int result = 5, wanted = 6;
    ledger_fail_from(1);
    check_int(hem_call_from_thread(arg, give, &wanted, &result), HEM_ENOMEM);
    ledger_fail_from(0);
    check_int(result, 5);
    check_int(hem_call_from_thread(arg, give, &wanted, &result), 0);
    return result;
}

static int run_without_memory(void *arg)
{
    (void)arg;
    return hem_thread_call(call_without_memory, hem_loop_current(), NULL);
}

static void a_call_without_memory_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run_virtual(run_without_memory, NULL), 6);
    run_assert_checks();
}

/* Threads that the loop does not know. */

struct foreign {
    pthread_t thread;
    hem_loop *loop;
    atomic_int *inside; /* tasks: they run one at a time, without locks */
    int count;
    int made, refused, cancelled;
};

static int add_one(void *arg)
{
    struct foreign *f = arg;
    check_int((*f->inside)++, 0);
    f->made++;
    check_int(--(*f->inside), 0);
    return hem_yield();
}

static void *call_until_refused(void *arg)
{
    struct foreign *f = arg;
    while (f->count-- > 0) {
        int result = 0;
        int rc = hem_call_from_thread(f->loop, add_one, f, &result);
        if (rc == HEM_ESHUTDOWN) {
            f->refused++;
            break;
        }
        check_int(rc, 0);
        check(result == 0 || result == HEM_ECANCELED);
        f->cancelled += result == HEM_ECANCELED;
    }
    hem_loop_release(f->loop);
    return NULL;
}

#define THREADS 4

static void start(struct foreign *all, int count, atomic_int *inside)
{
    for (size_t i = 0; i < THREADS; i++) {
        all[i] = (struct foreign){.loop = hem_loop_hold(hem_loop_current()),
                                  .inside = inside,
                                  .count = count};
        check_int(
            pthread_create(&all[i].thread, NULL, call_until_refused, &all[i]),
            0);
    }
}

static int join_all(void *arg)
{
    struct foreign *all = arg;
    for (size_t i = 0; i < THREADS; i++)
        check_int(pthread_join(all[i].thread, NULL), 0);
    return 0;
}

static int call_and_join(void *arg)
{
    atomic_int inside = 0;
    struct foreign *all = arg;
    int each = (int)scaled(20000);
    start(all, each, &inside);
    check_int(hem_thread_call(join_all, all, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        check_int(all[i].made, each);
    return 0;
}

static void threads_may_call_at_once(void **state)
{
    (void)state;
    struct foreign all[THREADS];
    assert_int_equal(run_virtual(call_and_join, all), 0);
    assert_int_equal(hem_run(call_and_join, all, NULL), 0);
    run_assert_checks();
}

struct leaving {
    struct foreign all[THREADS];
    atomic_int inside;
    int turns;
};

static int call_and_leave(void *arg)
{
    struct leaving *a = arg;
    start(a->all, INT32_MAX, &a->inside);
    for (int i = 0; i < a->turns; i++)
        HEM_TRY(hem_yield());
    return 0;
}

/* The threads call on while the loop ends, and when it has ended. */
static void a_loop_that_ends_refuses_calls(void **state)
{
    (void)state;
    for (int turns = 0; turns < (int)scaled(2000); turns += 3) {
        struct leaving a = {.turns = turns % 100};
        assert_int_equal(run_virtual(call_and_leave, &a), 0);
        join_all(a.all);
        for (size_t i = 0; i < THREADS; i++) {
            assert_int_equal(a.all[i].refused, 1);
            assert_true(a.all[i].cancelled <= 1);
        }
    }
    run_assert_checks();
}

/* A call of the pool's thread that waits for a task when all is ended. */

static int sleep_for_ever(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
    return hem_sleep(HEM_NEVER);
}

struct last_calls {
    hem_loop *loop;
    atomic_bool sleeps;
    int first, second; /* results of the calls */
};

static int call_into_the_end(void *arg)
{
    struct last_calls *c = arg;
    int result = 0;
    check_int(
        hem_call_from_thread(c->loop, sleep_for_ever, &c->sleeps, &result), 0);
    c->first = result;
    c->second =
        hem_call_from_thread(c->loop, sleep_for_ever, &c->sleeps, &result);
    return 0;
}

static int call_into(void *arg)
{
    return hem_thread_call(call_into_the_end, arg, NULL);
}

static int leave_it(void *arg)
{
    struct last_calls *c = arg;
    c->loop = hem_loop_current();
    check_int(hem_spawn(NULL, call_into, c), 0);
    while (!c->sleeps)
        HEM_TRY(hem_yield());
    return 0;
}

static void the_end_of_the_run_ends_calls_that_the_loop_waits_for(void **state)
{
    (void)state;
    struct last_calls c = {.first = 1};
    assert_int_equal(run_virtual(leave_it, &c), 0);
    assert_int_equal(c.first, HEM_ECANCELED);
    assert_int_equal(c.second, HEM_ESHUTDOWN);
    run_assert_checks();
}

static int yield_once(void *arg)
{
    (void)arg;
    return hem_yield();
}

static void do_nothing(void *arg)
{
    (void)arg;
}

static int call_left(void *arg)
{
    struct last_calls *c = arg;
    int result;
    while (hem_call_from_thread(c->loop, yield_once, NULL, &result) == 0)
        continue;
    c->first = hem_post(c->loop, do_nothing, NULL);
    return 0;
}

static int call_abandoned(void *arg)
{
    hem_thread_options o = {.abandon = do_nothing};
    return hem_thread_call(call_left, arg, &o);
}

static int leave_abandoned(void *arg)
{
    struct last_calls *c = arg;
    c->loop = hem_loop_current();
    hem_task *t;
    check_int(hem_spawn(&t, call_abandoned, c), 0);
    for (int i = 0; i < 50; i++)
        HEM_TRY(hem_yield());
    (void)hem_task_cancel(t, NULL);
    return 0;
}

static void an_abandoned_call_cannot_hang_the_end(void **state)
{
    (void)state;
    for (int i = 0; i < (int)scaled(1000); i++) {
        struct last_calls c = {.first = 1};
        assert_int_equal(run_virtual(leave_abandoned, &c), 0);
        /* Not called at all, too late, or just in time. */
        assert_true(c.first == HEM_ESHUTDOWN || c.first == 1 || c.first == 0);
    }
    run_assert_checks();
}

static int fail_loudly(void *arg)
{
    (void)arg;
    return hem_fail(HEM_EIO, "told to the thread");
}

static int call_failing(void *arg)
{
    int result = 0;
    check_int(hem_call_from_thread(arg, fail_loudly, NULL, &result), 0);
    return result;
}

VIRTUAL_TEST(a_failure_is_the_callers_and_is_not_reported)
{
    check_int(hem_thread_call(call_failing, hem_loop_current(), NULL), HEM_EIO);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_call_returns_what_the_task_returns),
        LEDGER_TEST(the_task_may_suspend_and_has_the_name_of_its_function),
        LEDGER_TEST(the_loops_own_thread_is_refused),
        LEDGER_TEST(a_task_that_is_cancelled_ends_the_call_as_cancelled),
        LEDGER_TEST(a_call_without_memory_is_refused),
        LEDGER_TEST(threads_may_call_at_once),
        LEDGER_TEST(a_loop_that_ends_refuses_calls),
        LEDGER_TEST(the_end_of_the_run_ends_calls_that_the_loop_waits_for),
        LEDGER_TEST(an_abandoned_call_cannot_hang_the_end),
        LEDGER_TEST(a_failure_is_the_callers_and_is_not_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Futures, and the done callbacks of futures and tasks. */
#include "support.h"

static int wait_for(void *arg)
{
    return hem_future_wait(arg);
}

VIRTUAL_TEST(wait_returns_what_was_set)
{
    static const int values[] = {0, 1, INT32_MAX, HEM_EIO, -1, INT32_MIN};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        hem_future f;
        hem_task *t;
        hem_future_init(&f);
        check(!hem_future_done(&f));
        check_int(hem_future_result(&f), HEM_ESTATE);
        check_int(hem_spawn(&t, wait_for, &f), 0);
        check_int(hem_sleep(1), 0);
        check_int(values[i] < 0 ? hem_future_set_error(&f, values[i])
                                : hem_future_set_result(&f, values[i]),
                  0);
        check(hem_future_done(&f));
        check(!hem_future_cancelled(&f));
        check_int(hem_future_result(&f), values[i]);
        check_int(hem_await(t), values[i]);
        check_int(hem_future_wait(&f), values[i]);
    }
    return 0;
}

VIRTUAL_TEST(a_future_is_set_once)
{
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_set_result(&f, 1), 0);
    check_int(hem_future_set_result(&f, 2), HEM_ESTATE);
    check_int(hem_future_set_error(&f, HEM_EIO), HEM_ESTATE);
    check(!hem_future_cancel(&f, NULL));
    check_int(hem_future_result(&f), 1);
    return 0;
}

VIRTUAL_TEST(a_value_of_the_wrong_sign_is_refused)
{
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_set_result(&f, -1), HEM_EINVAL);
    check_int(hem_future_set_error(&f, 0), HEM_EINVAL);
    check_int(hem_future_set_error(&f, 1), HEM_EINVAL);
    check(!hem_future_done(&f));
    check_int(hem_future_set_result(&f, 0), 0);
    check_int(hem_future_set_error(&f, 1), HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(cancel_is_seen_by_all_who_wait)
{
    hem_future f;
    hem_task *t[3];
    hem_future_init(&f);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_spawn(&t[i], wait_for, &f), 0);
    check_int(hem_sleep(1), 0);
    check(hem_future_cancel(&f, "no more"));
    check(hem_future_cancelled(&f));
    check_int(hem_future_result(&f), HEM_ECANCELED);
    check_int(hem_future_set_result(&f, 1), HEM_ESTATE);
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        check_int(hem_await(t[i]), HEM_ECANCELED);
        check_str(hem_task_reason(t[i]), "no more");
        check_int(hem_task_cancelling(t[i]), 0);
    }
    check_int(hem_future_wait(&f), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "no more");
    return 0;
}

VIRTUAL_TEST(cancelling_one_who_waits_cancels_the_future_for_all)
{
    hem_future f;
    hem_task *t[3];
    hem_future_init(&f);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_spawn(&t[i], wait_for, &f), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t[1], "one"));
    check(hem_future_cancelled(&f));
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        check_int(hem_await(t[i]), HEM_ECANCELED);
        check_str(hem_task_reason(t[i]), "one");
    }
    return 0;
}

VIRTUAL_TEST(a_pending_request_cancels_the_future_at_once)
{
    hem_future f;
    hem_future_init(&f);
    check(hem_task_cancel(hem_self(), "pending"));
    check_int(hem_future_wait(&f), HEM_ECANCELED);
    check(hem_future_cancelled(&f));
    check_int(hem_yield(), 0);
    hem_future_init(&f);
    check_int(hem_future_set_result(&f, 3), 0);
    check(hem_task_cancel(hem_self(), "pending"));
    check_int(hem_future_wait(&f), 3); /* it does not wait */
    check_int(hem_yield(), HEM_ECANCELED);
    return 0;
}

VIRTUAL_TEST(ecanceled_as_an_error_is_no_cancellation)
{
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_set_error(&f, HEM_ECANCELED), 0);
    check(!hem_future_cancelled(&f));
    check_int(hem_future_wait(&f), HEM_ECANCELED);
    return 0;
}

struct speaker {
    hem_future *f;
    const char *name;
};

static int wait_and_say(void *arg)
{
    struct speaker *w = arg;
    int rc = hem_future_wait(w->f);
    trace("%s%d", w->name, rc);
    return 0;
}

FIFO_TEST(those_who_wait_are_told_in_order)
{
    hem_future f;
    hem_future_init(&f);
    struct speaker w[] = {{&f, "a"}, {&f, "b"}, {&f, "c"}, {&f, "d"}};
    for (size_t i = 0; i < COUNT_OF(w); i++)
        check_int(hem_spawn(NULL, wait_and_say, &w[i]), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_future_set_result(&f, 1), 0);
    check_trace("");
    check_int(hem_sleep(1), 0);
    check_trace("a1 b1 c1 d1");
    return 0;
}

VIRTUAL_TEST(the_memory_of_a_future_may_go_once_it_is_set)
{
    hem_future *f = malloc(sizeof(*f));
    hem_task *t;
    hem_future_init(f);
    check_int(hem_spawn(&t, wait_for, f), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_future_set_result(f, 12), 0);
    memset(f, 0xff, sizeof(*f));
    free(f);
    check_int(hem_await(t), 12);
    return 0;
}

static void say_done(void *arg, int status)
{
    check(hem_self() == NULL);
    trace("%s%d", (const char *)arg, status);
}

FIFO_TEST(done_callbacks_are_called_in_the_next_turn_in_order)
{
    hem_future f;
    hem_done d[3];
    hem_future_init(&f);
    hem_future_on_done(&f, &d[0], say_done, "a");
    hem_future_on_done(&f, &d[1], say_done, "b");
    hem_future_on_done(&f, &d[2], say_done, "c");
    check_int(hem_future_set_result(&f, 5), 0);
    check_trace("");
    check_int(hem_yield(), 0);
    check_trace("a5 b5 c5");
    check_int(hem_yield(), 0);
    check_trace("");
    return 0;
}

VIRTUAL_TEST(a_done_callback_of_what_is_done_is_called_soon)
{
    hem_future f;
    hem_done d;
    hem_future_init(&f);
    check(hem_future_cancel(&f, NULL));
    hem_future_on_done(&f, &d, say_done, "x");
    check_trace("");
    check_int(hem_sleep(1), 0);
    check_trace("x-125");
    check(!hem_done_remove(&d));
    hem_task *t;
    check_int(hem_spawn(&t, wait_for, &f), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    hem_task_on_done(t, &d, say_done, "y"); /* used again */
    check_int(hem_sleep(1), 0);
    check_trace("y-125");
    return 0;
}

VIRTUAL_TEST(a_done_callback_may_be_taken_back)
{
    hem_future f;
    hem_done a, b, c;
    hem_future_init(&f);
    hem_future_on_done(&f, &a, say_done, "a");
    hem_future_on_done(&f, &b, say_done, "b");
    hem_future_on_done(&f, &c, say_done, "c");
    check(hem_done_remove(&b)); /* it waits */
    check(!hem_done_remove(&b));
    check_int(hem_future_set_result(&f, 1), 0);
    check(hem_done_remove(&a)); /* about to be called */
    check(!hem_done_remove(&a));
    check_int(hem_sleep(1), 0);
    check_trace("c1");
    check(!hem_done_remove(&c));
    return 0;
}

static void remove_other(void *arg, int status)
{
    trace("%d", status);
    check(hem_done_remove(arg));
}

VIRTUAL_TEST(a_done_callback_may_take_others_back)
{
    hem_future f;
    hem_done a, b;
    hem_future_init(&f);
    hem_future_on_done(&f, &a, remove_other, &b);
    hem_future_on_done(&f, &b, remove_other, &a);
    check_int(hem_future_set_result(&f, 9), 0);
    check_int(hem_sleep(1), 0);
    check_trace("9"); /* the first took the second back */
    return 0;
}

static int give(void *arg)
{
    return *(int *)arg;
}

VIRTUAL_TEST(tasks_have_done_callbacks_too)
{
    int result = 8;
    hem_task *t, *cancelled;
    hem_done d[2], removed;
    check_int(hem_spawn(&t, give, &result), 0);
    hem_task_on_done(t, &d[0], say_done, "t");
    hem_task_on_done(t, &removed, say_done, "removed");
    check(hem_done_remove(&removed));
    check_int(hem_sleep(1), 0);
    check_trace("t8");
    check_int(hem_spawn(&cancelled, give, &result), 0);
    hem_task_on_done(cancelled, &d[1], say_done, "c");
    check(hem_task_cancel(cancelled, NULL));
    check_int(hem_sleep(1), 0);
    check_trace("c-125");
    return 0;
}

struct chain {
    hem_future future;
    hem_done done;
};

static void set_next(void *arg, int status)
{
    struct chain *c = arg;
    check_int(hem_future_set_result(&c->future, status + 1), 0);
}

VIRTUAL_TEST(a_done_callback_may_set_futures)
{
    enum { N = 1000 };
    static struct chain c[N];
    for (int i = 0; i < N; i++)
        hem_future_init(&c[i].future);
    for (int i = 0; i < N - 1; i++)
        hem_future_on_done(&c[i].future, &c[i].done, set_next, &c[i + 1]);
    check_int(hem_future_set_result(&c[0].future, 1), 0);
    check_int(hem_future_wait(&c[N - 1].future), N);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(wait_returns_what_was_set),
        LEDGER_TEST(a_future_is_set_once),
        LEDGER_TEST(a_value_of_the_wrong_sign_is_refused),
        LEDGER_TEST(cancel_is_seen_by_all_who_wait),
        LEDGER_TEST(cancelling_one_who_waits_cancels_the_future_for_all),
        LEDGER_TEST(a_pending_request_cancels_the_future_at_once),
        LEDGER_TEST(ecanceled_as_an_error_is_no_cancellation),
        LEDGER_TEST(those_who_wait_are_told_in_order),
        LEDGER_TEST(the_memory_of_a_future_may_go_once_it_is_set),
        LEDGER_TEST(done_callbacks_are_called_in_the_next_turn_in_order),
        LEDGER_TEST(a_done_callback_of_what_is_done_is_called_soon),
        LEDGER_TEST(a_done_callback_may_be_taken_back),
        LEDGER_TEST(a_done_callback_may_take_others_back),
        LEDGER_TEST(tasks_have_done_callbacks_too),
        LEDGER_TEST(a_done_callback_may_set_futures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

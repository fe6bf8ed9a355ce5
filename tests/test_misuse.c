/* SPDX-License-Identifier: MIT */
/* Mistakes in the program's text end it with one line that names them. */
#include "support.h"

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void nothing_done(void *arg, int status)
{
    (void)arg;
    (void)status;
}

static void nothing_called(void *arg)
{
    (void)arg;
}

static bool nothing_each(void *arg, hem_task *t)
{
    (void)t;
    return arg != NULL;
}

/* What the calls below are given; zero is good enough where no loop runs. */
static union {
    hem_callback callback;
    hem_scope scope;
    hem_future future;
    hem_timeout timeout;
    hem_signal signal;
    hem_done done;
    char task[1024];
} zero;

#define ZERO_TASK ((hem_task *)(void *)zero.task)

/* name, whether it needs a task, call */
#define CALLS(X)                                                               \
    X(hem_now, false, hem_now())                                               \
    X(hem_call_soon, false, hem_call_soon(&zero.callback))                     \
    X(hem_call_later, false, hem_call_later(&zero.callback, 1))                \
    X(hem_call_at, false, hem_call_at(&zero.callback, 1))                      \
    X(hem_callback_cancel, false, hem_callback_cancel(&zero.callback))         \
    X(hem_spawn, false, hem_spawn(NULL, nothing, NULL))                        \
    X(hem_await, true, hem_await(ZERO_TASK))                                   \
    X(hem_yield, true, hem_yield())                                            \
    X(hem_sleep, true, hem_sleep(1))                                           \
    X(hem_task_cancel, false, hem_task_cancel(ZERO_TASK, NULL))                \
    X(hem_task_each, false, (hem_task_each(nothing_each, NULL), 0))            \
    X(hem_task_on_done, false,                                                 \
      (hem_task_on_done(ZERO_TASK, &zero.done, nothing_done, NULL), 0))        \
    X(hem_done_remove, false, hem_done_remove(&zero.done))                     \
    X(hem_fail, true, hem_fail(HEM_EIO, "x"))                                  \
    X(hem_future_set_result, false, hem_future_set_result(&zero.future, 1))    \
    X(hem_future_set_error, false, hem_future_set_error(&zero.future, -1))     \
    X(hem_future_cancel, false, hem_future_cancel(&zero.future, NULL))         \
    X(hem_future_wait, true, hem_future_wait(&zero.future))                    \
    X(hem_future_on_done, false,                                               \
      (hem_future_on_done(&zero.future, &zero.done, nothing_done, NULL), 0))   \
    X(hem_scope_open, true, hem_scope_open(&zero.scope, NULL))                 \
    X(hem_scope_spawn, false, hem_scope_spawn(&zero.scope, NULL, nothing, 0))  \
    X(hem_scope_abort, false, (hem_scope_abort(&zero.scope, NULL), 0))         \
    X(hem_scope_aclose, true, hem_scope_aclose(&zero.scope))                   \
    X(hem_scope_close, true, hem_scope_close(&zero.scope, 0))                  \
    X(hem_shield_open, true, hem_shield_open(&zero.scope, NULL))               \
    X(hem_shield_close, true, hem_shield_close(&zero.scope, 0))                \
    X(hem_timeout_open, true, hem_timeout_open(&zero.timeout, 1))              \
    X(hem_timeout_reschedule, false, hem_timeout_reschedule(&zero.timeout, 1)) \
    X(hem_timeout_close, true, hem_timeout_close(&zero.timeout, 0))            \
    X(hem_signal_open, false, hem_signal_open(&zero.signal, (int[]){10, 0}))   \
    X(hem_thread_call, true, hem_thread_call(nothing, NULL, NULL))

#define DEFINE(name, needs_task, call)                                         \
    static int call_##name(void *arg)                                          \
    {                                                                          \
        (void)arg;                                                             \
        return (int)(call);                                                    \
    }
CALLS(DEFINE)
#undef DEFINE

static const struct call {
    const char *name;
    bool needs_task;
    int (*call)(void *arg);
} calls[] = {
#define ENTRY(name, needs_task, call) {#name, needs_task, call_##name},
    CALLS(ENTRY)
#undef ENTRY
};

static void calls_where_no_loop_runs_abort(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        char part[100];
        snprintf(part, sizeof(part), "%s: called on a thread where no loop",
                 calls[i].name);
        check_aborts(calls[i].call, NULL, part);
    }
    run_assert_checks();
}

static void call_it(void *arg)
{
    const struct call *c = arg;
    (void)c->call(NULL);
}

static int in_callback(void *arg)
{
    hem_callback cb;
    hem_callback_init(&cb, call_it, arg);
    HEM_TRY(hem_call_soon(&cb));
    return hem_yield();
}

static int run_in_callback(void *arg)
{
    return hem_run(in_callback, arg, NULL);
}

static void calls_that_need_a_task_abort_in_a_callback(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        if (!calls[i].needs_task)
            continue;
        char part[100];
        snprintf(part, sizeof(part), "%s: called in a callback", calls[i].name);
        check_aborts(run_in_callback, (void *)&calls[i], part);
    }
    run_assert_checks();
}

/* The other places where no task is current. */

static void yield_when_done(void *arg, int status)
{
    (void)arg;
    (void)status;
    (void)!hem_yield();
}

static int in_done_callback(void *arg)
{
    hem_done d;
    hem_future_init(&zero.future);
    hem_future_on_done(&zero.future, &d, yield_when_done, arg);
    HEM_TRY(hem_future_set_result(&zero.future, 0));
    return hem_yield();
}

static int fail_now(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

static int yield_on_error(void *arg, hem_scope *s, hem_task *t, int error)
{
    (void)arg;
    (void)s;
    (void)t;
    (void)error;
    (void)!hem_yield();
    return 0;
}

static int in_error_handler(void *arg)
{
    HEM_SCOPE(s, .on_error = yield_on_error, .on_error_arg = arg);
    HEM_TRY(hem_scope_spawn(&s, NULL, fail_now, NULL));
    return hem_scope_close(&s, 0);
}

static int run_it(void *arg)
{
    return hem_run(*(hem_fn **)arg, NULL, NULL);
}

static void yield_on_report(void *arg, const hem_report *report)
{
    (void)arg;
    (void)report;
    (void)!hem_yield();
}

static int forget_failed(void *arg)
{
    hem_task *t;
    HEM_TRY(hem_spawn(&t, fail_now, arg));
    HEM_TRY(hem_sleep(1));
    hem_task_forget(t);
    return 0;
}

static int run_forgetting(void *arg)
{
    hem_run_options o = {.on_report = yield_on_report, .on_report_arg = arg};
    return hem_run(forget_failed, NULL, &o);
}

static void handlers_must_not_suspend(void **state)
{
    (void)state;
    static hem_fn *in[] = {in_done_callback, in_error_handler};
    for (size_t i = 0; i < COUNT_OF(in); i++)
        check_aborts(run_it, &in[i], "hem_yield: called in a callback");
    check_aborts(run_forgetting, NULL, "hem_yield: called in a callback");
    run_assert_checks();
}

/* Scopes and timeouts that are left in another way than they were entered. */

static int close_foreign(void *arg)
{
    return hem_scope_close(arg, 0);
}

static int foreign_close(void *arg)
{
    (void)arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, close_foreign, &s));
    return hem_scope_close(&s, 0);
}

static int close_outer_first(void *arg)
{
    (void)arg;
    hem_scope outer, inner;
    HEM_TRY(hem_scope_open(&outer, NULL));
    HEM_TRY(hem_scope_open(&inner, NULL));
    HEM_TRY(hem_scope_close(&outer, 0));
    return hem_scope_close(&inner, 0);
}

static int close_outer_shield_first(void *arg)
{
    (void)arg;
    hem_scope outer, inner;
    HEM_TRY(hem_shield_open(&outer, NULL));
    HEM_TRY(hem_scope_open(&inner, NULL));
    HEM_TRY(hem_shield_close(&outer, 0));
    return hem_scope_close(&inner, 0);
}

static int leave_scope_open(void *arg)
{
    static hem_scope s;
    (void)arg;
    return hem_scope_open(&s, NULL);
}

static int leave_shield_open(void *arg)
{
    static hem_scope s;
    (void)arg;
    return hem_shield_open(&s, NULL);
}

static int leave_timeout_open(void *arg)
{
    static hem_timeout t;
    (void)arg;
    return hem_timeout_open(&t, HEM_SEC);
}

static int close_foreign_timeout(void *arg)
{
    return hem_timeout_close(arg, 0);
}

static int foreign_timeout(void *arg)
{
    (void)arg;
    hem_timeout t;
    hem_task *other;
    HEM_TRY(hem_timeout_open(&t, HEM_SEC));
    HEM_TRY(hem_spawn(&other, close_foreign_timeout, &t));
    return hem_await(other);
}

static void what_is_left_in_the_wrong_way_aborts(void **state)
{
    (void)state;
    static const struct {
        hem_fn *fn;
        const char *part;
    } cases[] = {
        {foreign_close, "hem_scope_close: task \"close_foreign\""},
        {foreign_close, "does not own the scope"},
        {foreign_close, "spawned at tests/"},
        {close_outer_first,
         "hem_scope_close: the main task \"main\" has an inner scope open"},
        {close_outer_shield_first, "has an inner scope open"},
        {leave_scope_open, "returned with an open scope"},
        {leave_shield_open, "returned with an open scope or shield"},
        {leave_timeout_open, "returned with an open timeout"},
        {foreign_timeout, "hem_timeout_close: task \"close_foreign_timeout\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        hem_fn *fn = cases[i].fn;
        check_aborts(run_it, &fn, cases[i].part);
    }
    run_assert_checks();
}

static void some_calls_touch_no_loop(void **state)
{
    (void)state;
    hem_callback_init(&zero.callback, nothing_called, NULL);
    hem_future_init(&zero.future);
    assert_false(hem_future_done(&zero.future));
    assert_null(hem_self());
    assert_null(hem_loop_current());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(calls_where_no_loop_runs_abort),
        LEDGER_TEST(calls_that_need_a_task_abort_in_a_callback),
        LEDGER_TEST(handlers_must_not_suspend),
        LEDGER_TEST(what_is_left_in_the_wrong_way_aborts),
        LEDGER_TEST(some_calls_touch_no_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

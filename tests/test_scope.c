/* SPDX-License-Identifier: MIT */
/* Scopes: their children, and the handlers of their errors. */
#include "support.h"

static int sleep_for(void *arg)
{
    return hem_sleep(*(hem_ns *)arg);
}

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

static int give(void *arg)
{
    return *(int *)arg;
}

static int fail_with_message(void *arg)
{
    HEM_TRY(hem_sleep(5));
    return hem_fail(HEM_EIO, "disk %s", (const char *)arg);
}

VIRTUAL_TEST(close_waits_for_all_children)
{
    hem_ns d[] = {30, 10, 20};
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(d); i++)
        check_int(hem_scope_spawn(&s, NULL, sleep_for, &d[i]), 0);
    check_int(hem_scope_children(&s), 3);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 30);
    return 0;
}

VIRTUAL_TEST(close_of_a_scope_without_children_returns_what_it_is_given)
{
    static const int results[] = {0, 1, 99, HEM_EIO, HEM_ETIMEDOUT};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_scope s;
        check_int(hem_scope_open(&s, NULL), 0);
        check_int(hem_scope_close(&s, results[i]), results[i]);
    }
    return 0;
}

VIRTUAL_TEST(close_of_a_scope_that_is_not_open_is_misuse)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_close(&s, 7), 7);
    check_int(hem_scope_close(&s, 7), HEM_EMISUSE);
    hem_scope zero = {0};
    check_int(hem_scope_close(&zero, 0), HEM_EMISUSE);
    return 0;
}

VIRTUAL_TEST(handles_of_children_are_valid_until_the_close)
{
    int results[100];
    hem_task *t[COUNT_OF(results)];
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    for (int i = 0; i < (int)COUNT_OF(results); i++) {
        results[i] = i;
        check_int(hem_scope_spawn(&s, &t[i], give, &results[i]), 0);
    }
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_children(&s), 0);
    for (int i = 0; i < (int)COUNT_OF(results); i++) {
        check(hem_task_done(t[i]));
        check_int(hem_task_result(t[i]), i);
        check_int(hem_await(t[i]), i);
    }
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_failed_child_leaves_its_siblings_alone_and_is_reported_at_once)
{
    hem_ns d = 20;
    hem_task *failed;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_spawn(&s, &failed, fail_with_message, "full"), 0);
    check_int(hem_sleep(6), 0);
    check_report(HEM_REPORT_CHILD, "fail_with_message", HEM_EIO);
    check_str(report_message(), "disk full");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 20);
    return 0;
}

VIRTUAL_TEST(a_supervisor_ignores_failures)
{
    hem_ns d = 20;
    hem_task *failed;
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_SUPERVISOR}),
              0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_spawn(&s, &failed, fail_with_message, "full"), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_with_message, "empty"), 0);
    check_int(hem_sleep(6), 0);
    check_int(hem_task_result(failed), HEM_EIO);
    check_str(hem_task_error(failed)->message, "disk full");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 20);
    return 0;
}

struct handled {
    hem_scope *scope;
    hem_task *child;
    int count;
};

static int on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    struct handled *h = arg;
    check(s == h->scope);
    check(child == h->child);
    check_int(error, HEM_EIO);
    check(hem_self() == NULL);
    check_int(hem_now(), 5);
    check(hem_task_done(child));
    check_int(hem_task_result(child), HEM_EIO);
    check_str(hem_task_error(child)->message, "disk full");
    h->count++;
    return 0;
}

static int handle_one(void *arg)
{
    hem_scope s;
    struct handled h = {.scope = &s};
    hem_scope_options o = {.kind = *(hem_scope_kind *)arg,
                           .on_error = on_error,
                           .on_error_arg = &h};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, &h.child, fail_with_message, "full"), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(h.count, 1);
    return 0;
}

static void an_error_handler_is_called_as_the_child_ends(void **state)
{
    (void)state;
    static hem_scope_kind kinds[] = {HEM_TASKSCOPE, HEM_SUPERVISOR,
                                     HEM_SHIELDSCOPE};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        check_int(run_virtual(handle_one, &kinds[i]), 0);
    run_assert_checks();
}

static int abort_scope(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg;
    (void)child;
    (void)error;
    hem_scope_abort(s, "one failed");
    return 0;
}

VIRTUAL_TEST(an_error_handler_may_abort_the_scope)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &(hem_scope_options){.on_error = abort_scope}),
              0);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_with_message, "full"), 0);
    check_int(hem_sleep(6), 0);
    check(hem_task_cancelled(t));
    check_str(hem_task_reason(t), "one failed");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 6);
    return 0;
}

static int restart(void *arg, hem_scope *s, hem_task *child, int error)
{
    int *restarts = arg;
    (void)child;
    (void)error;
    if (++*restarts <= 3)
        check_int(hem_scope_spawn(s, NULL, fail_with_message, "again"), 0);
    return 0;
}

VIRTUAL_TEST(an_error_handler_may_start_the_child_again)
{
    int restarts = 0;
    hem_scope s;
    hem_scope_options o = {.on_error = restart, .on_error_arg = &restarts};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_with_message, "full"), 0);
    check_int(hem_sleep(100), 0);
    check_int(restarts, 4);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int spawn_refused(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)child;
    (void)error;
    *(int *)arg = hem_scope_spawn(s, NULL, sleep_long, NULL);
    return 0;
}

VIRTUAL_TEST(a_scope_being_left_takes_no_child_after_the_last_one)
{
    int rc = 0;
    hem_scope s;
    hem_scope_options o = {.on_error = spawn_refused, .on_error_arg = &rc};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_with_message, "full"), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(rc, HEM_EREFUSED);
    check_int(hem_now(), 5);
    return 0;
}

VIRTUAL_TEST(a_cancelled_child_is_no_failure)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 0);
    return 0;
}

static int spawn_sibling(void *arg)
{
    static hem_ns d = 10;
    HEM_TRY(hem_sleep(10));
    check_int(hem_scope_spawn(arg, NULL, sleep_for, &d), 0);
    return 0;
}

static void spawn_in_callback(void *arg)
{
    static hem_ns d = 40;
    check_int(hem_scope_spawn(arg, NULL, sleep_for, &d), 0);
}

VIRTUAL_TEST(any_task_or_callback_may_spawn_children)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, spawn_sibling, &s), 0);
    hem_callback cb;
    hem_callback_init(&cb, spawn_in_callback, &s);
    check_int(hem_call_later(&cb, 15), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 55);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    return 0;
}

static bool collect(void *arg, hem_task *t)
{
    check(arg != NULL);
    trace("%s", hem_task_name(t));
    return strcmp(hem_task_name(t), "stop") != 0;
}

VIRTUAL_TEST(each_goes_through_the_children_that_have_not_ended)
{
    hem_scope s;
    hem_ns d = 10;
    int zero = 0;
    hem_task *ended;
    check_int(hem_scope_open(&s, NULL), 0);
    hem_scope_each(&s, collect, &s);
    check_trace("");
    check_int(hem_scope_spawn_with(&s, NULL, sleep_for, &d, .name = "a"), 0);
    check_int(hem_scope_spawn_with(&s, &ended, give, &zero, .name = "b"), 0);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_for, &d, .name = "c"), 0);
    check_int(hem_sleep(5), 0);
    check_int(hem_scope_children(&s), 2);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_for, &d, .name = "stop"), 0);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_for, &d, .name = "d"), 0);
    hem_scope_each(&s, collect, &s);
    check_trace("a c stop");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_scope_children(&s), 0);
    hem_scope_each(&s, collect, &s);
    check_trace("");
    return 0;
}

static bool cancel_each(void *arg, hem_task *t)
{
    ++*(int *)arg;
    return hem_task_cancel(t, "each");
}

VIRTUAL_TEST(each_may_cancel_the_children)
{
    hem_scope s;
    int count = 0;
    check_int(hem_scope_open(&s, NULL), 0);
    for (int i = 0; i < 10; i++)
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    hem_scope_each(&s, cancel_each, &count);
    check_int(count, 10);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 0);
    return 0;
}

VIRTUAL_TEST(a_scope_that_lacks_memory_is_not_open)
{
    enum { MAX = 1000 };
    static hem_scope s[MAX];
    static const hem_scope_options o = {.timeout = HEM_SEC};
    size_t n = 0;
    ledger_fail_from(1);
    int rc;
    while ((rc = hem_scope_open(&s[n], &o)) == 0 && check(n < MAX - 1))
        n++;
    check_int(rc, HEM_ENOMEM);
    check_int(hem_scope_open(&s[n], NULL), 0); /* needs none */
    check_int(hem_scope_close(&s[n], 0), 0);
    {
        HEM_SCOPE(block, .timeout = HEM_SEC);
        check_int(hem_scope_spawn(&block, NULL, sleep_long, NULL), HEM_ENOMEM);
        hem_scope_abort(&block, NULL);
        check_int(hem_scope_aclose(&block), HEM_ENOMEM);
        check_int(hem_scope_close(&block, 0), HEM_ENOMEM);
    }
    while (n-- > 0)
        check_int(hem_scope_close(&s[n], 0), 0);
    ledger_fail_from(0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(close_waits_for_all_children),
        LEDGER_TEST(close_of_a_scope_without_children_returns_what_it_is_given),
        LEDGER_TEST(close_of_a_scope_that_is_not_open_is_misuse),
        LEDGER_TEST(handles_of_children_are_valid_until_the_close),
        LEDGER_TEST(
            a_failed_child_leaves_its_siblings_alone_and_is_reported_at_once),
        LEDGER_TEST(a_supervisor_ignores_failures),
        LEDGER_TEST(an_error_handler_is_called_as_the_child_ends),
        LEDGER_TEST(an_error_handler_may_abort_the_scope),
        LEDGER_TEST(an_error_handler_may_start_the_child_again),
        LEDGER_TEST(a_scope_being_left_takes_no_child_after_the_last_one),
        LEDGER_TEST(a_cancelled_child_is_no_failure),
        LEDGER_TEST(any_task_or_callback_may_spawn_children),
        LEDGER_TEST(each_goes_through_the_children_that_have_not_ended),
        LEDGER_TEST(each_may_cancel_the_children),
        LEDGER_TEST(a_scope_that_lacks_memory_is_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

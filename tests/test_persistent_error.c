/* SPDX-License-Identifier: MIT */
/* Persistent scopes: failures of their children, and who handles them. */
#include "support.h"

#include "children.h"

static const hem_scope_options persistent = {.kind = HEM_PERSISTENT};

static int fail_now(void *arg)
{
    (void)arg;
    return hem_fail(HEM_EIO, "broken");
}

static int fail_plainly(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

/* Error handlers. */

VIRTUAL_TEST(without_a_handler_failures_are_reported_as_the_child_ends)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_report(HEM_REPORT_CHILD, "fail_now", HEM_EIO);
    check_str(report_message(), "broken");
    check_int(hem_task_result(t), HEM_EIO);
    check_str(hem_task_error(t)->message, "broken");
    check_int(hem_scope_children(&s), 1);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    return 0;
}

struct handled {
    hem_scope *scope;
    int calls;
    int result;
    hem_ns takes;
};

static int on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    struct handled *h = arg;
    check(s == h->scope);
    check(child == hem_self());
    check(hem_scope_current() == s);
    check(!hem_task_done(child));
    check_int(error, HEM_EIO);
    check_str(hem_failure()->message, "broken");
    h->calls++;
    int rc = hem_sleep(h->takes);
    return rc < 0 ? rc : h->result;
}

static void open_handled(hem_scope *s, struct handled *h)
{
    hem_scope_options o = {
        .kind = HEM_PERSISTENT, .on_error = on_error, .on_error_arg = h};
    h->scope = s;
    check_int(hem_scope_open(s, &o), 0);
}

VIRTUAL_TEST(the_handler_runs_in_the_child_and_may_sleep)
{
    struct handled h = {.takes = 10};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_sleep(5), 0);
    check_int(h.calls, 1);
    check(!hem_task_done(t));
    check_int(hem_scope_children(&s), 1);
    check_int(hem_scope_close(&s, 0), 0); /* waits for it */
    check_int(hem_now(), 10);
    return 0;
}

VIRTUAL_TEST(a_handler_that_fails_is_reported)
{
    struct handled h = {.takes = 10, .result = HEM_EXDEV};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_await(t), HEM_EIO);
    check_report(HEM_REPORT_HANDLER, "fail_now", HEM_EXDEV);
    check_str(hem_task_error(t)->message, "broken");
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_handler_may_be_cancelled)
{
    struct handled h = {.takes = HEM_SEC};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_sleep(5), 0);
    check_int(hem_scope_shutdown(&s), 0);
    check_int(hem_now(), 5);
    check_int(hem_task_result(t), HEM_EIO);
    check(!hem_task_cancelled(t));
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int fail_in_handler(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)s, (void)child;
    check(hem_failure() == NULL);
    (void)!hem_fail(error, "of the handler");
    return 0;
}

VIRTUAL_TEST(records_of_the_handler_are_not_the_childs)
{
    hem_scope s;
    hem_task *t;
    hem_scope_options o = {.kind = HEM_PERSISTENT, .on_error = fail_in_handler};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, &t, fail_plainly, NULL), 0);
    check_int(hem_await(t), HEM_EIO);
    check(hem_task_error(t) == NULL);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int restart(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)child, (void)error;
    if (++*(int *)arg <= 3)
        check_int(hem_scope_spawn(s, NULL, fail_now, NULL), 0);
    return 0;
}

VIRTUAL_TEST(a_handler_may_start_the_child_again)
{
    int restarts = 0;
    hem_scope s;
    hem_scope_options o = {
        .kind = HEM_PERSISTENT, .on_error = restart, .on_error_arg = &restarts};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(restarts, 4);
    return 0;
}

VIRTUAL_TEST(a_cancelled_child_is_no_failure)
{
    struct handled h = {.takes = 0};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(h.calls, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(without_a_handler_failures_are_reported_as_the_child_ends),
        LEDGER_TEST(the_handler_runs_in_the_child_and_may_sleep),
        LEDGER_TEST(a_handler_that_fails_is_reported),
        LEDGER_TEST(a_handler_may_be_cancelled),
        LEDGER_TEST(records_of_the_handler_are_not_the_childs),
        LEDGER_TEST(a_handler_may_start_the_child_again),
        LEDGER_TEST(a_cancelled_child_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

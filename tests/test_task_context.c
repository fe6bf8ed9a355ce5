/* SPDX-License-Identifier: MIT */
/* Task contexts: their children are cancelled when they are closed. */
#include "support.h"

#include "children.h"

static const hem_scope_options context = {.kind = HEM_TASKCONTEXT};

static int fail_now(void *arg)
{
    (void)arg;
    return hem_fail(HEM_EIO, "at once");
}

/* Fails as it is cancelled. */
static int fail_cleaning_up(void *arg)
{
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return hem_fail(HEM_EPIPE, "%s", arg ? (const char *)arg : "late");
}

/* Open a context with `n` children of `fn`, which have begun. */
static void open_with(hem_scope *s, hem_fn *fn, int n)
{
    check_int(hem_scope_open(s, &context), 0);
    while (n-- > 0)
        check_int(hem_scope_spawn(s, NULL, fn, NULL), 0);
    check_int(hem_sleep(1), 0);
}

VIRTUAL_TEST(closing_cancels_the_children_and_waits_for_them)
{
    static const int results[] = {0, 7, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_ns start = hem_now();
        hem_scope s;
        open_with(&s, end_slowly, 3);
        check_int(hem_scope_children(&s), 3);
        check_int(hem_scope_close(&s, results[i]), results[i]);
        check_int(hem_now(), start + 11);
        check_int(hem_task_cancelling(hem_self()), 0);
        check_int(hem_yield(), 0);
    }
    return 0;
}

VIRTUAL_TEST(a_context_without_children_ends_as_its_body)
{
    static const int results[] = {0, 7, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_scope s;
        check_int(hem_scope_open(&s, &context), 0);
        check_int(hem_scope_aclose(&s), 0);
        check_int(hem_scope_close(&s, results[i]), results[i]);
        check_int(hem_scope_close(&s, results[i]), HEM_EMISUSE);
        check_int(hem_scope_aclose(&s), 0);
    }
    return 0;
}

VIRTUAL_TEST(a_failed_child_is_reported_and_leaves_the_others_alone)
{
    hem_scope s;
    open_with(&s, sleep_long, 1);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_report(HEM_REPORT_CHILD, "fail_now", HEM_EIO);
    check_int(hem_scope_children(&s), 1);
    check_int(hem_scope_close(&s, 0), 0); /* that failure was told */
    check(hem_scope_errors(&s) == NULL);
    return 0;
}

static int on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    check(hem_self() == NULL);
    check(hem_task_done(child));
    check_int(hem_scope_children(s), *(size_t *)arg);
    trace("%s %s", hem_task_name(child), hem_errname(error));
    return error == HEM_EIO ? HEM_EXDEV : 0;
}

VIRTUAL_TEST(an_error_handler_hears_of_failures_before_and_in_the_close)
{
    size_t left = 1;
    hem_scope_options o = {
        .kind = HEM_TASKCONTEXT, .on_error = on_error, .on_error_arg = &left};
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_cleaning_up, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_trace("fail_now HEM_EIO");
    check_report(HEM_REPORT_HANDLER, "fail_now", HEM_EXDEV);
    left = 0;
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_trace("fail_cleaning_up HEM_EPIPE");
    return 0;
}

/* Who may spawn. */

static int spawn_refused(void *arg)
{
    check_int(hem_scope_spawn(arg, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_scope_spawn_with(arg, NULL, sleep_long, NULL, .eager = true),
              HEM_EREFUSED);
    return 0;
}

static void spawn_refused_in_callback(void *arg)
{
    check_int(hem_scope_spawn(arg, NULL, sleep_long, NULL), HEM_EREFUSED);
}

static void run_callback(hem_callback_fn *fn, void *arg)
{
    hem_callback cb;
    hem_callback_init(&cb, fn, arg);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(1), 0);
}

VIRTUAL_TEST(the_first_who_spawns_is_the_only_one)
{
    hem_scope s;
    hem_task *other;
    check_int(hem_scope_open(&s, &context), 0);
    run_callback(spawn_refused_in_callback, &s);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    run_callback(spawn_refused_in_callback, &s);
    check_int(hem_spawn(&other, spawn_refused, &s), 0);
    check_int(hem_await(other), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_children(&s), 2);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int spawn_one(void *arg)
{
    check_int(hem_scope_spawn(arg, NULL, fail_cleaning_up, NULL), 0);
    return 0;
}

VIRTUAL_TEST(that_may_be_another_than_who_opened_it_and_may_have_ended)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_spawn(NULL, spawn_one, &s), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_children(&s), 1);
    check_int(spawn_refused(&s), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    check_str(hem_scope_errors(&s)->task, "main"); /* which closed it */
    check_str(hem_scope_errors(&s)->errors[0]->message, "late");
    return 0;
}

VIRTUAL_TEST(a_spawn_that_lacks_memory_gives_nobody_a_right)
{
    hem_scope s;
    hem_task *t, *other;
    check_int(hem_scope_open(&s, &context), 0);
    do {
        ledger_fail_from(1);
        int rc = hem_scope_spawn_with(&s, &t, sleep_long, NULL,
                                      .stack_bytes = 1 << 20);
        ledger_fail_from(0);
        if (!check_int(rc, HEM_ENOMEM))
            break;
        check_int(hem_spawn(&other, spawn_one, &s), 0);
        check_int(hem_await(other), 0);
    } while (0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    return 0;
}

VIRTUAL_TEST(once_it_is_being_closed_nobody_may_spawn)
{
    hem_scope s;
    hem_task *other;
    open_with(&s, end_slowly, 1);
    check_int(hem_spawn(&other, spawn_refused, &s), 0);
    check_int(hem_scope_aclose(&s), 0);
    check_int(spawn_refused(&s), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(spawn_refused(&s), 0);
    return 0;
}

/* How closing ends. */

static void cancel_it(void *arg)
{
    check(hem_task_cancel(arg, "by another"));
}

/* Closing by several, in frames that are gone afterwards. */

VIRTUAL_TEST(timeout_and_shield_have_no_effect)
{
    static const hem_scope_kind kinds[] = {HEM_TASKCONTEXT, HEM_PERSISTENT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope_options o = {.kind = kinds[i], .timeout = 5, .shield = true};
        hem_scope s;
        check_int(hem_scope_open(&s, &o), 0);
        cancel_it(hem_self());
        check_int(hem_sleep(1), HEM_ECANCELED);
        check_int(hem_sleep(10), 0);
        check(!hem_scope_expired(&s));
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

static int read_var(void *arg)
{
    return *(int *)hem_var_get(arg);
}

VIRTUAL_TEST(children_run_in_the_context_of_the_options)
{
    int one = 1, two = 2;
    hem_var v = HEM_VAR("v", &one);
    hem_context c;
    hem_context_copy(&c);
    check_int(hem_var_set(&v, &two), 0);
    hem_scope_options o = {.kind = HEM_TASKCONTEXT, .context = &c};
    hem_scope s;
    hem_task *t, *own;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, &t, read_var, &v), 0);
    check_int(hem_await(t), 1);
    hem_context mine;
    hem_context_copy(&mine);
    check_int(hem_scope_spawn_with(&s, &own, read_var, &v, .context = &mine),
              0);
    check_int(hem_await(own), 2);
    check_int(hem_scope_close(&s, 0), 0);
    hem_context_deinit(&mine);
    hem_context_deinit(&c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(closing_cancels_the_children_and_waits_for_them),
        LEDGER_TEST(a_context_without_children_ends_as_its_body),
        LEDGER_TEST(a_failed_child_is_reported_and_leaves_the_others_alone),
        LEDGER_TEST(an_error_handler_hears_of_failures_before_and_in_the_close),
        LEDGER_TEST(the_first_who_spawns_is_the_only_one),
        LEDGER_TEST(that_may_be_another_than_who_opened_it_and_may_have_ended),
        LEDGER_TEST(a_spawn_that_lacks_memory_gives_nobody_a_right),
        LEDGER_TEST(once_it_is_being_closed_nobody_may_spawn),
        LEDGER_TEST(timeout_and_shield_have_no_effect),
        LEDGER_TEST(children_run_in_the_context_of_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

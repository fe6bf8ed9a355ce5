/* SPDX-License-Identifier: MIT */
/* Failures that no caller can be told are reported, once. */
#include "support.h"

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

static int return_ecanceled(void *arg)
{
    (void)arg;
    return HEM_ECANCELED;
}

static int fail_when_cancelled(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    return hem_fail(HEM_EIO, "cannot save");
}

VIRTUAL_TEST(a_failure_without_a_handle_is_reported_as_the_task_ends)
{
    check_int(hem_spawn(NULL, fail_now, NULL), 0);
    check_int(hem_spawn(NULL, return_ecanceled, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_report(HEM_REPORT_NEVER_RETRIEVED, "fail_now", HEM_EIO);
    check_str(report_message(), "broken");
    check_int(hem_spawn(NULL, fail_plainly, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_report(HEM_REPORT_NEVER_RETRIEVED, "fail_plainly", HEM_EIO);
    check_str(report_message(), NULL);
    return 0;
}

VIRTUAL_TEST(forgetting_the_handle_reports_what_nobody_asked_for)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_now, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_done(t));
    hem_task_forget(t);
    check_report(HEM_REPORT_NEVER_RETRIEVED, "fail_now", HEM_EIO);
    check_int(hem_spawn(&t, fail_now, NULL), 0);
    hem_task_forget(t);
    check_int(hem_sleep(1), 0);
    check_report(HEM_REPORT_NEVER_RETRIEVED, "fail_now", HEM_EIO);
    return 0;
}

static int leave_handle(void *arg)
{
    hem_task *t;
    HEM_TRY(hem_spawn(&t, fail_now, arg));
    return hem_sleep(1);
}

static void a_handle_that_nobody_asked_is_reported_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(run_virtual(leave_handle, NULL), 0);
    check_report(HEM_REPORT_NEVER_RETRIEVED, "fail_now", HEM_EIO);
    run_assert_checks();
}

static void ignore(void *arg, int status)
{
    (void)arg;
    check_int(status, HEM_EIO);
}

VIRTUAL_TEST(who_asks_is_told_and_nobody_else)
{
    hem_task *t[5];
    hem_done d;
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_spawn(&t[i], fail_now, NULL), 0);
    hem_task_on_done(t[1], &d, ignore, NULL);
    check_int(hem_await(t[0]), HEM_EIO);
    check_int(hem_sleep(1), 0);
    check_int(hem_task_result(t[2]), HEM_EIO);
    check_int(hem_await(t[3]), HEM_EIO);
    check_int(hem_task_result(t[4]), HEM_EIO);
    hem_task_forget(t[4]);
    return 0;
}

VIRTUAL_TEST(a_child_of_a_scope_is_reported_once)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_report(HEM_REPORT_CHILD, "fail_now", HEM_EIO);
    return 0;
}

static int leave_failing(void *arg)
{
    hem_task **t = arg;
    check_int(hem_spawn(NULL, fail_when_cancelled, NULL), 0);
    check_int(hem_spawn(t, fail_when_cancelled, NULL), 0);
    check_int(hem_spawn(t, fail_when_cancelled, NULL), 0);
    hem_task_forget(*t);
    hem_task_set_name(*t, "forgotten");
    return hem_sleep(1);
}

static void those_that_fail_when_the_run_ends_are_reported(void **state)
{
    (void)state;
    hem_task *t;
    assert_int_equal(run_fifo(leave_failing, &t), 0);
    check_report(HEM_REPORT_AT_EXIT, "fail_when_cancelled", HEM_EIO);
    check_str(report_message(), "cannot save");
    check_report(HEM_REPORT_AT_EXIT, "fail_when_cancelled", HEM_EIO);
    check_report(HEM_REPORT_AT_EXIT, "forgotten", HEM_EIO);
    run_assert_checks();
}

static int leave_scope(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, arg, fail_when_cancelled, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_when_cancelled, NULL), 0);
    return hem_scope_close(&s, 0);
}

static int spawn_scope(void *arg)
{
    check_int(hem_spawn(NULL, leave_scope, arg), 0);
    return hem_sleep(1);
}

/* As children they were told to their scope's handler, and the end of the run
 * tells once more: as in asyncio, where both ask the task. */
static void
children_that_fail_when_the_run_ends_are_reported_twice(void **state)
{
    (void)state;
    hem_task *t;
    assert_int_equal(run_fifo(spawn_scope, &t), 0);
    check_report(HEM_REPORT_CHILD, "fail_when_cancelled", HEM_EIO);
    check_report(HEM_REPORT_CHILD, "fail_when_cancelled", HEM_EIO);
    check_report(HEM_REPORT_AT_EXIT, "fail_when_cancelled", HEM_EIO);
    check_report(HEM_REPORT_AT_EXIT, "fail_when_cancelled", HEM_EIO);
    run_assert_checks();
}

static int fail_main(void *arg)
{
    (void)arg;
    return hem_fail(HEM_EIO, "main");
}

static int fail_main_plainly(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

static void a_failing_main_is_reported_only_if_it_said_why(void **state)
{
    (void)state;
    assert_int_equal(run_virtual(fail_main_plainly, NULL), HEM_EIO);
    assert_int_equal(reports_take(), 0);
    assert_int_equal(run_virtual(fail_main, NULL), HEM_EIO);
    check_report(HEM_REPORT_MAIN, "main", HEM_EIO);
    run_assert_checks();
}

static int leave_all_kinds(void *arg)
{
    check_int(hem_spawn(NULL, fail_now, NULL), 0);
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(
        hem_scope_spawn_with(&s, NULL, fail_plainly, NULL, .name = "the child"),
        0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_spawn(NULL, fail_when_cancelled, arg), 0);
    return hem_sleep(1);
}

struct seen {
    char line[512];
    hem_log_level level;
};

static void see(void *arg, hem_log_level level, const char *line)
{
    struct seen **next = arg;
    (*next)->level = level;
    snprintf((*next)++->line, sizeof((*next)->line), "%s", line);
}

static void a_line_of_the_log_says_who_where_and_why(void **state)
{
    (void)state;
    struct seen seen[8] = {0};
    struct seen *next = seen;
    hem_log_set(see, &next);
    hem_virtual_clock clock = {0};
    hem_run_options o = {.clock = &clock, .seed = 1};
    assert_int_equal(hem_run(leave_all_kinds, NULL, &o), 0);
    hem_log_set(NULL, NULL);
    assert_int_equal(next - seen, 3);
    for (int i = 0; i < 3; i++) {
        check_int(seen[i].level, HEM_LOG_ERROR);
        check_contains(seen[i].line, "spawned at ");
        check_contains(seen[i].line, "test_report.c:");
        check_contains(seen[i].line, "HEM_EIO");
        if (strstr(seen[i].line, "\"fail_now\""))
            check_contains(seen[i].line, "nobody asked");
        else if (strstr(seen[i].line, "\"the child\""))
            check(!strstr(seen[i].line, "end of the run"));
        else
            check_contains(seen[i].line, "at the end of the run");
    }
    check_contains(seen[2].line, "cannot save");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_failure_without_a_handle_is_reported_as_the_task_ends),
        LEDGER_TEST(forgetting_the_handle_reports_what_nobody_asked_for),
        LEDGER_TEST(a_handle_that_nobody_asked_is_reported_at_the_end),
        LEDGER_TEST(who_asks_is_told_and_nobody_else),
        LEDGER_TEST(a_child_of_a_scope_is_reported_once),
        LEDGER_TEST(those_that_fail_when_the_run_ends_are_reported),
        LEDGER_TEST(children_that_fail_when_the_run_ends_are_reported_twice),
        LEDGER_TEST(a_failing_main_is_reported_only_if_it_said_why),
        LEDGER_TEST(a_line_of_the_log_says_who_where_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

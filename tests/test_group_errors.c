/* SPDX-License-Identifier: MIT */
/* The errors of task groups: what is in them, how they nest, who holds them. */
#include "support.h"

static const hem_scope_options group = {.kind = HEM_TASKGROUP};

/* Where the tasks below are spawned. */
static int spawned_line;

static int fail_with_message(void *arg)
{
    HEM_TRY(hem_sleep(5));
    return hem_fail(HEM_EIO, "disk %s", (const char *)arg);
}

static int fail_plainly(void *arg)
{
    (void)arg;
    return HEM_EPIPE;
}

/* Open a group and close it with a child that fails at 5. */
static int fail_in_group(void *arg)
{
    hem_scope s;
    HEM_TRY(hem_scope_open(&s, &group));
    spawned_line = __LINE__ + 1;
    HEM_TRY_IN(&s, hem_scope_spawn(&s, NULL, fail_with_message, arg));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(an_error_tells_message_task_and_places)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    int line = __LINE__ + 1;
    check_int(hem_scope_spawn_with(&s, NULL, fail_with_message, "full",
                                   .name = "saver"),
              0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->code, HEM_EGROUP);
    check_str(e->message, hem_strerror(HEM_EGROUP));
    check_str(e->task, "main");
    check_str(e->file, "");
    check_int(e->line, 0);
    check_int(e->count, 1);
    check_int(e->lost, 0);
    e = e->errors[0];
    check_int(e->code, HEM_EIO);
    check_str(e->message, "disk full");
    check_str(e->task, "saver");
    check_str(e->file, __FILE__);
    check(e->line > 0 && e->line < line);
    check_str(e->spawned_file, __FILE__);
    check(e->spawned_line >= line && e->spawned_line <= line + 2);
    check_int(e->count, 0);
    return 0;
}

VIRTUAL_TEST(an_error_without_a_message_says_what_its_code_means)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_plainly, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s)->errors[0];
    check_int(e->code, HEM_EPIPE);
    check_str(e->message, hem_strerror(HEM_EPIPE));
    check_str(e->task, "fail_plainly");
    check_str(e->file, "");
    check_int(e->line, 0);
    return 0;
}

/* A record of something else. */
static int fail_otherwise(void *arg)
{
    (void)!hem_fail(HEM_EIO, "handled");
    return fail_plainly(arg);
}

VIRTUAL_TEST(a_record_of_another_error_does_not_count)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_otherwise, NULL), 0);
    check_int(hem_sleep(1), HEM_ECANCELED);
    (void)!hem_fail(HEM_EIO, "handled");
    check_int(hem_scope_close(&s, HEM_EXDEV), HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->count, 2);
    check_str(e->errors[0]->message, hem_strerror(HEM_EPIPE));
    check_str(e->errors[1]->message, hem_strerror(HEM_EXDEV));
    return 0;
}

VIRTUAL_TEST(the_error_of_the_body_comes_with_its_record)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_plainly, NULL), 0);
    check_int(hem_sleep(1), HEM_ECANCELED);
    check_int(hem_scope_close(&s, hem_fail(HEM_EXDEV, "in the body")),
              HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->count, 2);
    check_int(e->errors[0]->code, HEM_EPIPE);
    check_int(e->errors[1]->code, HEM_EXDEV);
    check_str(e->errors[1]->message, "in the body");
    check_str(e->errors[1]->task, "main");
    return 0;
}

VIRTUAL_TEST(while_the_group_is_open_there_are_those_so_far)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check(hem_scope_errors(&s) == NULL);
    check_int(hem_scope_spawn(&s, NULL, fail_plainly, NULL), 0);
    check_int(hem_sleep(1), HEM_ECANCELED);
    check_int(hem_scope_errors(&s)->count, 1);
    check_int(hem_scope_close(&s, HEM_EXDEV), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->count, 2);
    return 0;
}

/* The codes and tasks of `e`, in brackets what is in groups. */
static void write_error(const hem_error *e)
{
    if (e->code != HEM_EGROUP) {
        trace("%s/%s", hem_errname(e->code), e->task);
        return;
    }
    trace("%s[", e->task);
    for (size_t i = 0; i < e->count; i++)
        write_error(e->errors[i]);
    trace("]");
}

VIRTUAL_TEST(groups_in_groups_can_be_walked)
{
    hem_scope outer, inner;
    check_int(hem_scope_open(&outer, &group), 0);
    check_int(hem_scope_spawn_with(&outer, NULL, fail_in_group, "full",
                                   .name = "child"),
              0);
    check_int(hem_scope_open(&inner, &group), 0);
    check_int(hem_scope_spawn(&inner, NULL, fail_with_message, "empty"), 0);
    int rc = hem_scope_close(&inner, 0);
    check_int(rc, HEM_EGROUP);
    check_int(hem_scope_close(&outer, rc), HEM_EGROUP);
    write_error(hem_scope_errors(&outer));
    check_trace("main[ child[ HEM_EIO/fail_with_message ] "
                "main[ HEM_EIO/fail_with_message ] ]");
    const hem_error *leaf = hem_scope_errors(&outer)->errors[0]->errors[0];
    check_str(leaf->message, "disk full");
    check_int(leaf->spawned_line, spawned_line);
    return 0;
}

VIRTUAL_TEST(after_the_close_they_are_the_record_of_the_task)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_plainly, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check(hem_failure() != NULL);
    check(hem_failure() == hem_scope_errors(&s));
    check_int(hem_scope_open(&s, &group), 0);
    check(hem_scope_errors(&s) == NULL);
    check_int(hem_scope_close(&s, 0), 0);
    check(hem_scope_errors(&s) == NULL);
    return 0;
}

VIRTUAL_TEST(other_kinds_keep_no_errors)
{
    static const hem_scope_kind kinds[] = {HEM_TASKSCOPE, HEM_SUPERVISOR,
                                           HEM_SHIELDSCOPE, HEM_PERSISTENT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope s;
        hem_scope_options o = {.kind = kinds[i]};
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_spawn(&s, NULL, fail_plainly, NULL), 0);
        check_int(hem_sleep(1), 0);
        check(hem_scope_errors(&s) == NULL);
        check_int(hem_scope_close(&s, HEM_EXDEV), HEM_EXDEV);
        check(hem_scope_errors(&s) == NULL);
        if (kinds[i] != HEM_SUPERVISOR)
            check_report(HEM_REPORT_CHILD, "fail_plainly", HEM_EPIPE);
    }
    return 0;
}

VIRTUAL_TEST(who_awaits_a_task_gets_the_group_that_it_failed_with)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_in_group, "full"), 0);
    check_int(hem_await(t), HEM_EGROUP);
    const hem_error *e = hem_failure();
    check(e == hem_task_error(t));
    check_int(e->count, 1);
    check_str(e->errors[0]->message, "disk full");
    return 0;
}

VIRTUAL_TEST(a_record_that_is_held_outlives_everything)
{
    check_int(fail_in_group("full"), HEM_EGROUP);
    hem_error *e = hem_error_hold(hem_failure());
    (void)!hem_fail(HEM_EXDEV, "another");
    check_int(e->count, 1);
    check_str(e->errors[0]->message, "disk full");
    hem_error *member = hem_error_hold(e->errors[0]);
    hem_error_release(e);
    check_str(member->message, "disk full");
    check_str(member->task, "fail_with_message");
    hem_error_release(member);
    hem_error_release(hem_error_hold(NULL));
    return 0;
}

static hem_error *held;

static int fail_again(void *arg)
{
    (void)arg;
    return hem_fail_again(held);
}

VIRTUAL_TEST(what_failed_in_one_scope_may_fail_again_in_another)
{
    hem_scope s;
    check_int(fail_in_group("full"), HEM_EGROUP);
    held = hem_error_hold(hem_failure());
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_again, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_again, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    /* The second is cancelled before it ran, or fails as well. */
    write_error(hem_scope_errors(&s));
    check(hem_scope_errors(&s)->errors[0] == held);
    check_trace("main[ main[ HEM_EIO/fail_with_message ] ]");
    (void)!hem_fail(HEM_EXDEV, "another");
    check_int(held->refs, 1);
    hem_error_release(held);
    return 0;
}

static int fail_with_errors_of(void *arg)
{
    hem_error *e = hem_error_hold(hem_scope_errors(arg));
    int rc = hem_fail_again(e);
    hem_error_release(e);
    return rc;
}

static int fail_late_with_errors_of(void *arg)
{
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return fail_with_errors_of(arg);
}

VIRTUAL_TEST(a_group_does_not_become_its_own_member)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_late_with_errors_of, &s), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_with_message, "full"), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    write_error(hem_scope_errors(&s));
    check_trace("main[ HEM_EIO/fail_with_message "
                "main[ HEM_EIO/fail_with_message ] ]");
    return 0;
}

static int fail_in_group_with_errors_of(void *arg)
{
    hem_scope s;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_with_errors_of, arg), 0);
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(nor_a_member_of_its_members)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn_with(&s, NULL, fail_in_group_with_errors_of, &s,
                                   .name = "inner"),
              0);
    check_int(hem_scope_spawn(&s, NULL, fail_with_message, "full"), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    write_error(hem_scope_errors(&s));
    check_trace("main[ HEM_EIO/fail_with_message "
                "inner[ main[ HEM_EIO/fail_with_message ] ] ]");
    return 0;
}

VIRTUAL_TEST(errors_held_while_the_group_is_open_do_not_change)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_plainly, NULL), 0);
    check_int(hem_sleep(1), HEM_ECANCELED);
    hem_error *so_far = hem_error_hold(hem_scope_errors(&s));
    check_int(hem_scope_close(&s, HEM_EXDEV), HEM_EGROUP);
    check_int(so_far->count, 1);
    check_int(hem_scope_errors(&s)->count, 2);
    check(hem_scope_errors(&s)->errors[0] == so_far->errors[0]);
    hem_error_release(so_far);
    return 0;
}

/* Many failures, of which some are lost. */

static int fail_numbered(void *arg)
{
    return hem_fail(HEM_EIO, "%d", *(int *)arg);
}

static int fail_without_memory(void *arg)
{
    ledger_fail_from(1);
    return fail_numbered(arg);
}

FIFO_TEST(a_group_without_memory_for_its_errors_fails_all_the_same)
{
    hem_scope s;
    int n = 1;
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_without_memory, &n), 0);
    check_int(hem_yield(), HEM_ECANCELED);
    ledger_fail_from(0);
    check(hem_scope_errors(&s) == NULL);
    (void)!hem_fail(HEM_EIO, "stale");
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    check(hem_scope_errors(&s) == NULL);
    check(hem_failure() == NULL);
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

/* Fails as it is cancelled. */
static int fail_numbered_late(void *arg)
{
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return fail_numbered(arg);
}

FIFO_TEST(errors_are_kept_in_the_order_of_failing)
{
    static int numbers[1000];
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    for (int i = 0; i < (int)COUNT_OF(numbers); i++) {
        numbers[i] = i;
        check_int(hem_scope_spawn(&s, NULL, fail_numbered_late, &numbers[i]),
                  0);
    }
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->count, COUNT_OF(numbers));
    for (size_t i = 0; i < e->count; i++)
        check_int(atoi(e->errors[i]->message), i);
    return 0;
}

/* Fail twenty times, and the n-th allocation for that; 0: none. */
static void fail_many(size_t n)
{
    static int numbers[20];
    hem_scope s;
    check_int(hem_scope_open(&s, &group), 0);
    for (int i = 0; i < (int)COUNT_OF(numbers); i++) {
        numbers[i] = i;
        check_int(hem_scope_spawn(&s, NULL, fail_numbered_late, &numbers[i]),
                  0);
    }
    check_int(hem_sleep(1), 0);
    ledger_fail_at(n);
    check_int(hem_scope_close(&s, HEM_EXDEV), HEM_EGROUP);
    ledger_fail_at(0);
    const hem_error *e = hem_scope_errors(&s);
    if (!e)
        return;
    check_int(e->count + e->lost, COUNT_OF(numbers) + 1);
    check(e->lost <= 1);
    for (size_t i = 0; i < e->count; i++)
        check(e->errors[i]->code == HEM_EIO || e->errors[i]->code == HEM_EXDEV);
}

VIRTUAL_TEST(each_allocation_for_errors_may_fail)
{
    size_t before = ledger_allocations();
    fail_many(0);
    size_t n = ledger_allocations() - before;
    for (size_t i = 1; i <= n; i++)
        fail_many(i);
    return 0;
}

static int leave_early(void)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn_with(&s, NULL, fail_with_message, "full",
                                 .name = "saver"));
    HEM_TRY(hem_sleep(HEM_SEC));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_group_left_early_logs_its_first_error)
{
    check_int(leave_early(), HEM_ECANCELED);
    check_logged("1, the first HEM_EIO in \"saver\": disk full");
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

static int leave_early_without_memory(void *arg)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn(&s, NULL, fail_without_memory, arg));
    HEM_TRY(hem_sleep(HEM_SEC));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_group_left_early_logs_even_without_memory)
{
    int n = 1;
    check_int(leave_early_without_memory(&n), HEM_ECANCELED);
    ledger_fail_from(0);
    check_logged("1, the first unknown");
    return 0;
}

static void a_main_task_that_fails_with_a_group_is_reported(void **state)
{
    (void)state;
    check_int(run_virtual(fail_in_group, "full"), HEM_EGROUP);
    check_report(HEM_REPORT_MAIN, "main", HEM_EGROUP);
    check_str(report_message(), hem_strerror(HEM_EGROUP));
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_error_tells_message_task_and_places),
        LEDGER_TEST(an_error_without_a_message_says_what_its_code_means),
        LEDGER_TEST(a_record_of_another_error_does_not_count),
        LEDGER_TEST(the_error_of_the_body_comes_with_its_record),
        LEDGER_TEST(while_the_group_is_open_there_are_those_so_far),
        LEDGER_TEST(groups_in_groups_can_be_walked),
        LEDGER_TEST(after_the_close_they_are_the_record_of_the_task),
        LEDGER_TEST(other_kinds_keep_no_errors),
        LEDGER_TEST(who_awaits_a_task_gets_the_group_that_it_failed_with),
        LEDGER_TEST(a_record_that_is_held_outlives_everything),
        LEDGER_TEST(what_failed_in_one_scope_may_fail_again_in_another),
        LEDGER_TEST(a_group_does_not_become_its_own_member),
        LEDGER_TEST(nor_a_member_of_its_members),
        LEDGER_TEST(errors_held_while_the_group_is_open_do_not_change),
        LEDGER_TEST(a_group_without_memory_for_its_errors_fails_all_the_same),
        LEDGER_TEST(errors_are_kept_in_the_order_of_failing),
        LEDGER_TEST(each_allocation_for_errors_may_fail),
        LEDGER_TEST(a_group_left_early_logs_its_first_error),
        LEDGER_TEST(a_group_left_early_logs_even_without_memory),
        LEDGER_TEST(a_main_task_that_fails_with_a_group_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Records of failures: what is in them, and where they go. */
#include "support.h"

static const int line_of_fail = __LINE__ + 4;
static int fail_with(void *arg)
{
    int code = *(int *)arg;
    return hem_fail(code, "code %d", code);
}

static int eio = HEM_EIO, epipe = HEM_EPIPE;

VIRTUAL_TEST(a_record_says_what_failed_and_where)
{
    hem_task *t;
    check(hem_failure() == NULL);
    check_int(hem_spawn(&t, fail_with, &eio), 0);
    int line = __LINE__ - 1;
    check_int(hem_await(t), HEM_EIO);
    const hem_error *e = hem_task_error(t);
    if (!check(e != NULL))
        return 0;
    check_int(e->code, HEM_EIO);
    check_str(e->message, "code -5");
    check_contains(e->file, "test_failure.c");
    check_int(e->line, line_of_fail);
    check_str(e->task, "fail_with");
    check_contains(e->spawned_file, "test_failure.c");
    check_int(e->spawned_line, line);
    check_int(e->count, 0);
    check_int(e->lost, 0);
    check(hem_failure() == e); /* it came with the error */
    return 0;
}

VIRTUAL_TEST(messages_and_names_are_cut)
{
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    hem_task_set_name(hem_self(), text);
    check_int(hem_fail(HEM_EIO, "%s", text), HEM_EIO);
    check_int(strlen(hem_failure()->message), 500);
    check_int(strlen(hem_failure()->task), 99);
    hem_task_set_name(hem_self(), "short");
    check_int(strlen(hem_failure()->task), 99); /* it was copied */
    check_int(hem_fail(HEM_EIO, "%s %s", hem_failure()->task, "y"), HEM_EIO);
    check_int(strlen(hem_failure()->message), 101);
    return 0;
}

static int fail_twice(void *arg)
{
    (void)hem_fail(HEM_EPIPE, "first");
    return hem_fail(*(int *)arg, "second");
}

VIRTUAL_TEST(the_latest_record_counts)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_twice, &eio), 0);
    check_int(hem_await(t), HEM_EIO);
    check_str(hem_task_error(t)->message, "second");
    return 0;
}

static int record_and_return(void *arg)
{
    (void)hem_fail(HEM_EPIPE, "not it");
    return *(int *)arg;
}

VIRTUAL_TEST(a_record_of_something_else_is_dropped)
{
    static int results[] = {0, 5, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_task *t;
        check_int(hem_spawn(&t, record_and_return, &results[i]), 0);
        check_int(hem_await(t), results[i]);
        check(hem_task_error(t) == NULL);
        check(hem_failure() == NULL);
    }
    return 0;
}

struct waiter {
    hem_task *of;
    hem_task *task;
    const hem_error *seen;
};

static int wait_and_look(void *arg)
{
    struct waiter *w = arg;
    int rc = hem_await(w->of);
    w->seen = hem_failure();
    return rc;
}

static int fail_late(void *arg)
{
    HEM_TRY(hem_sleep(10));
    return fail_with(arg);
}

VIRTUAL_TEST(all_who_await_get_the_record)
{
    struct waiter w[4];
    hem_task *t;
    check_int(hem_spawn(&t, fail_late, &eio), 0);
    for (size_t i = 0; i < COUNT_OF(w); i++) {
        if (i == 2)
            check_int(hem_sleep(20), 0); /* it has failed meanwhile */
        w[i] = (struct waiter){.of = t};
        check_int(hem_spawn(&w[i].task, wait_and_look, &w[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(w); i++) {
        check_int(hem_await(w[i].task), HEM_EIO);
        check(w[i].seen == hem_task_error(t));
        check(hem_task_error(w[i].task) == w[i].seen);
    }
    return 0;
}

static int await_it(void *arg)
{
    return hem_await(arg);
}

VIRTUAL_TEST(a_record_goes_up_a_chain_of_tasks)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_late, &eio), 0);
    for (int i = 0; i < 20; i++)
        check_int(hem_spawn(&t, await_it, t), 0);
    check_int(hem_await(t), HEM_EIO);
    check_str(hem_failure()->task, "fail_late");
    return 0;
}

VIRTUAL_TEST(waiting_for_the_future_of_a_task_gives_the_record)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_with, &eio), 0);
    check_int(hem_future_wait(hem_task_future(t)), HEM_EIO);
    check(hem_failure() == hem_task_error(t));
    check_int(hem_future_wait(hem_task_future(t)), HEM_EIO);
    return 0;
}

VIRTUAL_TEST(a_success_leaves_the_record_that_there_is)
{
    hem_task *t;
    static int zero;
    check_int(hem_fail(HEM_EIO, "mine"), HEM_EIO);
    check_int(hem_spawn(&t, record_and_return, &zero), 0);
    check_int(hem_await(t), 0);
    check_str(hem_failure()->message, "mine");
    return 0;
}

VIRTUAL_TEST(a_record_that_is_held_stays)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_with, &eio), 0);
    check_int(hem_await(t), HEM_EIO);
    hem_error *e = hem_error_hold(hem_failure());
    check(hem_error_hold(e) == e);
    hem_error_release(e);
    hem_task_forget(t);
    check_int(hem_fail(HEM_EPIPE, "another"), HEM_EPIPE);
    check_str(e->message, "code -5");
    check_int(hem_fail_again(e), HEM_EIO);
    check(hem_failure() == e);
    check_int(hem_fail_again(e), HEM_EIO);
    hem_error_release(e);
    check_str(hem_failure()->message, "code -5");
    check(hem_error_hold(NULL) == NULL);
    hem_error_release(NULL);
    return 0;
}

static hem_error *kept;

static int keep_a_record(void *arg)
{
    (void)arg;
    (void)hem_fail(HEM_EIO, "kept");
    kept = hem_error_hold(hem_failure());
    return 0;
}

static void a_record_that_is_held_outlives_the_run(void **state)
{
    (void)state;
    check_int(run_virtual(keep_a_record, NULL), 0);
    check_str(kept->message, "kept");
    check_str(kept->task, "main");
    hem_error_release(kept);
    run_assert_checks();
}

VIRTUAL_TEST(without_memory_there_is_no_record_not_even_an_old_one)
{
    check_int(hem_fail(HEM_EIO, "old"), HEM_EIO);
    ledger_fail_from(1);
    check_int(hem_fail(HEM_EIO, "new"), HEM_EIO);
    ledger_fail_from(0);
    check(hem_failure() == NULL);
    return 0;
}

/* Groups: of the errors of task groups. */

static int fail_after(void *arg)
{
    int *code = arg;
    HEM_TRY(hem_sleep(-*code));
    return hem_fail(*code, "after %d", -*code);
}

static int fail_bare(void *arg)
{
    return *(int *)arg;
}

static int refuse_to_be_cancelled(void *arg)
{
    (void)!hem_sleep(HEM_NEVER);
    return fail_with(arg);
}

VIRTUAL_TEST(a_group_has_the_records_of_its_members)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    check_int(hem_scope_spawn(&s, NULL, refuse_to_be_cancelled, &epipe), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_after, &eio), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_failure();
    check_int(e->code, HEM_EGROUP);
    check_str(e->message, hem_strerror(HEM_EGROUP));
    check_int(e->line, 0);
    check_str(e->file, "");
    if (!check(e->count == 2))
        return 0;
    check_str(e->errors[0]->message, "after 5");
    check_str(e->errors[0]->task, "fail_after");
    check_str(e->errors[1]->message, "code -32");
    return 0;
}

VIRTUAL_TEST(a_member_without_a_record_gets_one)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    check_int(hem_scope_spawn(&s, NULL, fail_bare, &eio), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_failure();
    if (!check(e->count == 1))
        return 0;
    check_int(e->errors[0]->code, HEM_EIO);
    check_str(e->errors[0]->message, hem_strerror(HEM_EIO));
    check_str(e->errors[0]->task, "fail_bare");
    check_int(e->errors[0]->line, 0);
    return 0;
}

static int fail_deeply(void *arg)
{
    int depth = *(int *)arg - 1;
    if (depth == 0)
        return hem_fail(HEM_EIO, "bottom");
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    check_int(hem_scope_spawn(&s, NULL, fail_deeply, &depth), 0);
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(groups_nest)
{
    int depth = 4;
    hem_task *t;
    check_int(hem_spawn(&t, fail_deeply, &depth), 0);
    check_int(hem_await(t), HEM_EGROUP);
    const hem_error *e = hem_failure();
    for (int i = 0; i < 3; i++) {
        check_int(e->code, HEM_EGROUP);
        if (!check(e->count == 1))
            return 0;
        e = e->errors[0];
    }
    check_str(e->message, "bottom");
    return 0;
}

VIRTUAL_TEST(groups_that_nest_deeply_are_freed)
{
    int depth = (int)scaled(20000) + 10;
    hem_task *t;
    check_int(hem_spawn(&t, fail_deeply, &depth), 0);
    check_int(hem_await(t), HEM_EGROUP);
    return 0;
}

VIRTUAL_TEST(large_groups_keep_the_order_of_failing)
{
    static int codes[100];
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    for (int i = 0; i < 100; i++) {
        codes[i] = -1000 - i;
        check_int(hem_scope_spawn(&s, NULL, refuse_to_be_cancelled, &codes[i]),
                  0);
    }
    check_int(hem_scope_spawn(&s, NULL, fail_after, &eio), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_failure();
    check_int(e->count, 101);
    check_int(e->errors[0]->code, HEM_EIO);
    int seen[100] = {0};
    for (size_t i = 1; i < e->count; i++)
        seen[-1000 - e->errors[i]->code]++;
    for (int i = 0; i < 100; i++)
        check_int(seen[i], 1);
    return 0;
}

VIRTUAL_TEST(a_group_counts_the_members_that_memory_lacked_for)
{
    static int codes[10];
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_TASKGROUP}),
              0);
    for (int i = 0; i < 10; i++) {
        codes[i] = -20 + i;
        check_int(hem_scope_spawn(&s, NULL, refuse_to_be_cancelled, &codes[i]),
                  0);
    }
    check_int(hem_scope_spawn(&s, NULL, fail_after, &eio), 0);
    /* The group, its array and a record or two. */
    ledger_fail_from(6);
    int rc = hem_scope_close(&s, 0);
    ledger_fail_at(0);
    check_int(rc, HEM_EGROUP);
    const hem_error *e = hem_failure();
    check(e->lost > 0);
    check_int(e->count + e->lost, 11);
    return 0;
}

VIRTUAL_TEST(a_group_survives_any_lack_of_memory)
{
    for (size_t n = 1; n < 12; n++) {
        hem_scope s;
        check_int(
            hem_scope_open(&s, &(hem_scope_options){.kind = HEM_TASKGROUP}), 0);
        check_int(hem_scope_spawn(&s, NULL, fail_with, &eio), 0);
        check_int(hem_scope_spawn(&s, NULL, refuse_to_be_cancelled, &epipe), 0);
        ledger_fail_from(n);
        int rc = hem_scope_close(&s, 0);
        ledger_fail_from(0);
        check_int(rc, HEM_EGROUP);
        const hem_error *e = hem_scope_errors(&s);
        if (e)
            check(e->count + e->lost == 2 || e->count + e->lost == 1);
    }
    return 0;
}

static int fail_without_a_word(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

VIRTUAL_TEST(
    an_older_record_of_the_same_code_does_not_pass_for_that_of_an_awaited_task)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_without_a_word, NULL), 0);
    check_int(hem_fail(HEM_EIO, "an older one"), HEM_EIO);
    check_int(hem_await(t), HEM_EIO);
    check(hem_failure() == NULL);
    check_int(hem_fail(HEM_EIO, "an older one"), HEM_EIO);
    check_int(hem_await(t), HEM_EIO); /* at once */
    check(hem_failure() == NULL);
    check_int(hem_fail(HEM_EPIPE, "another one"), HEM_EPIPE);
    check_int(hem_await(t), HEM_EIO);
    check_str(hem_failure()->message, "another one");
    return 0;
}

VIRTUAL_TEST(the_text_of_an_error_is_that_of_its_record_or_what_it_means)
{
    check_str(hem_failure_text(HEM_EIO), hem_strerror(HEM_EIO));
    check_int(hem_fail(HEM_EPIPE, "the reader left"), HEM_EPIPE);
    check_str(hem_failure_text(HEM_EPIPE), "the reader left");
    check_str(hem_failure_text(HEM_EIO), hem_strerror(HEM_EIO));
    check_str(hem_failure_text(0), hem_strerror(0));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_record_says_what_failed_and_where),
        LEDGER_TEST(messages_and_names_are_cut),
        LEDGER_TEST(the_latest_record_counts),
        LEDGER_TEST(a_record_of_something_else_is_dropped),
        LEDGER_TEST(all_who_await_get_the_record),
        LEDGER_TEST(a_record_goes_up_a_chain_of_tasks),
        LEDGER_TEST(waiting_for_the_future_of_a_task_gives_the_record),
        LEDGER_TEST(a_success_leaves_the_record_that_there_is),
        LEDGER_TEST(a_record_that_is_held_stays),
        LEDGER_TEST(a_record_that_is_held_outlives_the_run),
        LEDGER_TEST(without_memory_there_is_no_record_not_even_an_old_one),
        LEDGER_TEST(a_group_has_the_records_of_its_members),
        LEDGER_TEST(a_member_without_a_record_gets_one),
        LEDGER_TEST(groups_nest),
        LEDGER_TEST(groups_that_nest_deeply_are_freed),
        LEDGER_TEST(large_groups_keep_the_order_of_failing),
        LEDGER_TEST(a_group_counts_the_members_that_memory_lacked_for),
        LEDGER_TEST(a_group_survives_any_lack_of_memory),
        LEDGER_TEST(
            an_older_record_of_the_same_code_does_not_pass_for_that_of_an_awaited_task),
        LEDGER_TEST(
            the_text_of_an_error_is_that_of_its_record_or_what_it_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

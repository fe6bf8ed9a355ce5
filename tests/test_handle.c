/* SPDX-License-Identifier: MIT */
/* What a task's handle tells, and how long it lives. */
#include "support.h"

static int give(void *arg)
{
    return *(int *)arg;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

static int await_it(void *arg)
{
    return hem_await(arg);
}

static int wait_future(void *arg)
{
    return hem_future_wait(arg);
}

VIRTUAL_TEST(done_and_cancelled_tell_how_far_it_is)
{
    int result = 4;
    hem_task *t;
    check_int(hem_spawn(&t, give, &result), 0);
    check(!hem_task_done(t));
    check(!hem_task_cancelled(t));
    check_int(hem_task_result(t), HEM_ESTATE);
    check(hem_task_error(t) == NULL);
    check_int(hem_await(t), 4);
    check(hem_task_done(t));
    check(!hem_task_cancelled(t));
    check_int(hem_task_result(t), 4);
    return 0;
}

VIRTUAL_TEST(a_task_is_named_after_its_function)
{
    hem_task *t;
    int line = 0;
    check_int(hem_spawn(&t, sleep_long, NULL), 0);
    int spawned_at = __LINE__ - 1;
    check_str(hem_task_name(t), "sleep_long");
    check_contains(hem_task_site(t, &line), "test_handle.c");
    check_int(line, spawned_at);
    hem_task_set_name(t, "renamed");
    check_str(hem_task_name(t), "renamed");
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_name(t), "renamed");
    return 0;
}

VIRTUAL_TEST(a_name_may_be_given_at_the_spawn)
{
    hem_task *t;
    hem_scope s;
    int line = 0, result = 0;
    check_int(hem_spawn_with(&t, give, &result, .name = "worker 7"), 0);
    int spawned_at = __LINE__ - 1;
    check_str(hem_task_name(t), "worker 7");
    check_contains(hem_task_site(t, &line), "test_handle.c");
    check_int(line, spawned_at);
    check_int(hem_await(t), 0);
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn_with(&s, &t, give, &result, .name = "8"), 0);
    spawned_at = __LINE__ - 1;
    check_str(hem_task_name(t), "8");
    (void)hem_task_site(t, &line);
    check_int(line, spawned_at);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int yield_once(void *arg)
{
    (void)arg;
    return hem_yield();
}

static int call_thread(void *arg)
{
    return hem_thread_call(give, arg, NULL);
}

FIFO_TEST(waits_for_names_the_wait)
{
    int result = 1;
    hem_future f;
    hem_future_init(&f);
    hem_task *sleeper, *awaiter, *futurist, *yielder, *caller;
    check_int(hem_spawn(&sleeper, sleep_long, NULL), 0);
    check_str(hem_task_waits_for(sleeper), "ready");
    check_int(hem_spawn(&awaiter, await_it, sleeper), 0);
    check_int(hem_spawn(&futurist, wait_future, &f), 0);
    check_int(hem_spawn(&yielder, yield_once, NULL), 0);
    check_int(hem_spawn(&caller, call_thread, &result), 0);
    check_int(hem_yield(), 0);
    check_str(hem_task_waits_for(hem_self()), "running");
    check_str(hem_task_waits_for(sleeper), "sleep");
    check_str(hem_task_waits_for(awaiter), "await");
    check_str(hem_task_waits_for(futurist), "future");
    check_str(hem_task_waits_for(yielder), "ready");
    check_str(hem_task_waits_for(caller), "thread call");
    check_int(hem_await(caller), 1);
    check_str(hem_task_waits_for(caller), "done");
    check_int(hem_future_set_result(&f, 0), 0);
    check_int(hem_await(awaiter), 0);
    return 0;
}

static int fail_twice(void *arg)
{
    int rc = hem_fail(HEM_EINVAL, "first %d", 1);
    check_int(rc, HEM_EINVAL);
    if (arg)
        (void)hem_fail(HEM_EIO, "%s", (const char *)arg);
    return arg ? HEM_EIO : 0;
}

VIRTUAL_TEST(fail_records_what_it_is_told_last)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_twice, "second"), 0);
    check_int(hem_await(t), HEM_EIO);
    const hem_error *e = hem_task_error(t);
    if (check(e != NULL)) {
        check_int(e->code, HEM_EIO);
        check_str(e->message, "second");
        check_contains(e->file, "test_handle.c");
        check(e->line > 100);
    }
    return 0;
}

VIRTUAL_TEST(a_task_that_does_not_fail_drops_the_record)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_twice, NULL), 0);
    check_int(hem_await(t), 0);
    check(hem_task_error(t) == NULL);
    return 0;
}

static int fail_cancelled(void *arg)
{
    (void)arg;
    return hem_fail(HEM_ECANCELED, "no failure");
}

VIRTUAL_TEST(a_cancelled_task_has_no_record)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_cancelled, NULL), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check(hem_task_cancelled(t));
    check(hem_task_error(t) == NULL);
    return 0;
}

static int fail_at_length(void *arg)
{
    size_t bytes = *(size_t *)arg;
    char *text = malloc(bytes + 1);
    memset(text, 'x', bytes);
    text[bytes] = '\0';
    int rc = hem_fail(HEM_EIO, "%s", text);
    free(text);
    return rc;
}

VIRTUAL_TEST(a_message_is_cut_at_500_characters)
{
    static size_t lengths[] = {0, 1, 499, 500, 501, 100000};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        hem_task *t;
        check_int(hem_spawn(&t, fail_at_length, &lengths[i]), 0);
        check_int(hem_await(t), HEM_EIO);
        check_int(strlen(hem_task_error(t)->message),
                  lengths[i] < 500 ? lengths[i] : 500);
    }
    return 0;
}

static int fail_without_memory(void *arg)
{
    (void)arg;
    ledger_fail_from(1);
    int rc = hem_fail(HEM_EIO, "lost");
    ledger_fail_from(0);
    return rc;
}

VIRTUAL_TEST(a_message_is_lost_where_memory_lacks)
{
    hem_task *t;
    check_int(hem_spawn(&t, fail_without_memory, NULL), 0);
    check_int(hem_await(t), HEM_EIO);
    check(hem_task_error(t) == NULL);
    return 0;
}

VIRTUAL_TEST(forget_gives_the_record_up)
{
    int result = 0;
    hem_task_forget(NULL);
    hem_task *t;
    check_int(hem_spawn(&t, give, &result), 0);
    check_int(hem_await(t), 0);
    size_t before = ledger_live();
    hem_task_forget(t);
    for (size_t i = 0; i < 20000; i++) {
        check_int(hem_spawn(&t, give, &result), 0);
        if (i % 3 == 0)
            hem_task_forget(t); /* it goes on */
        check_int(hem_yield(), 0);
        while (i % 3 != 0 && !hem_task_done(t))
            check_int(hem_yield(), 0);
        if (i % 3 == 1)
            hem_task_forget(t);
        if (i % 3 == 2) {
            check_int(hem_await(t), 0);
            hem_task_forget(t);
        }
    }
    check_int(hem_sleep(1), 0);
    check(ledger_live() <= before + 64);
    return 0;
}

VIRTUAL_TEST(a_task_may_forget_itself)
{
    hem_task_forget(hem_self());
    hem_task_forget(hem_self());
    check_int(hem_sleep(1), 0);
    return 0;
}

static bool collect(void *arg, hem_task *t)
{
    trace("%s", hem_task_name(t));
    return --*(int *)arg > 0;
}

VIRTUAL_TEST(each_goes_through_all_tasks_that_have_not_ended)
{
    int result = 0, left = 100;
    hem_task *ended;
    hem_scope s;
    check_int(hem_spawn_with(NULL, sleep_long, NULL, .name = "a"), 0);
    check_int(hem_spawn_with(&ended, give, &result, .name = "b"), 0);
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_long, NULL, .name = "c"), 0);
    check_int(hem_await(ended), 0);
    check_int(hem_spawn_with(NULL, sleep_long, NULL, .name = "d"), 0);
    hem_task_each(collect, &left);
    check_trace("main a c d");
    left = 2;
    hem_task_each(collect, &left);
    check_trace("main a");
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    return 0;
}

static int sleep_and_say_seven(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(5));
    return 7;
}

static int fail_at_once(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

static int forget_and_spawn_again(void *arg, hem_scope *s, hem_task *child,
                                  int error)
{
    check_int(error, HEM_EIO);
    hem_task_forget(child);
    check_int(hem_scope_spawn(s, (hem_task **)arg, sleep_and_say_seven, NULL),
              0);
    return 0;
}

VIRTUAL_TEST(an_error_handler_may_forget_the_child_and_spawn_another)
{
    hem_scope s;
    hem_task *t, *again = NULL;
    check_int(hem_scope_open(
                  &s, &(hem_scope_options){.on_error = forget_and_spawn_again,
                                           .on_error_arg = &again}),
              0);
    check_int(hem_scope_spawn(&s, &t, fail_at_once, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(again != NULL);
    check_int(hem_await(again), 7);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_error_handler_may_forget_the_child_and_spawn_another),
        LEDGER_TEST(done_and_cancelled_tell_how_far_it_is),
        LEDGER_TEST(a_task_is_named_after_its_function),
        LEDGER_TEST(a_name_may_be_given_at_the_spawn),
        LEDGER_TEST(waits_for_names_the_wait),
        LEDGER_TEST(fail_records_what_it_is_told_last),
        LEDGER_TEST(a_task_that_does_not_fail_drops_the_record),
        LEDGER_TEST(a_cancelled_task_has_no_record),
        LEDGER_TEST(a_message_is_cut_at_500_characters),
        LEDGER_TEST(a_message_is_lost_where_memory_lacks),
        LEDGER_TEST(forget_gives_the_record_up),
        LEDGER_TEST(a_task_may_forget_itself),
        LEDGER_TEST(each_goes_through_all_tasks_that_have_not_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* hem_gather() of functions, and what functions are to all who take them. */
#include "job.h"
#include "support.h"

VIRTUAL_TEST(functions_run_side_by_side_and_have_ended)
{
    struct job jobs[] = {{.takes = 30, .result = 3},
                         {.takes = 10, .result = 1}};
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1])};
    for (int i = 1; i <= 2; i++) { /* operands can be used again */
        check_int(hem_gather(c, 2, 0), 0);
        check_int(hem_now(), i * 30);
        check_int(c[0].status, 3);
        check_int(c[1].status, 1);
        check_int(c[1].order, 1);
    }
    return 0;
}

static hem_var color = HEM_VAR("color", NULL);

static int tell_name(void *arg)
{
    int line;
    const char *file = hem_task_site(hem_self(), &line);
    check_contains(file, "test_gather_functions.c");
    check(line > 0);
    trace("%s:%s:%s", (const char *)arg, hem_task_name(hem_self()),
          (const char *)hem_var_get(&color));
    return 0;
}

VIRTUAL_TEST(the_task_of_a_function_has_a_name_and_a_context)
{
    hem_context copy;
    check_int(hem_var_set(&color, "red"), 0);
    hem_context_copy(&copy);
    check_int(hem_var_set(&color, "blue"), 0);
    hem_call c[] = {HEM_CALL(tell_name, "a"),
                    HEM_CALL(tell_name, "b", .name = "bob"),
                    HEM_CALL(tell_name, "c", .context = &copy)};
    check_int(hem_gather(&c[0], 1, 0), 0);
    check_int(hem_gather(&c[1], 1, 0), 0);
    check_int(hem_gather(&c[2], 1, 0), 0);
    check_trace("a:tell_name:blue b:bob:blue c:tell_name:red");
    hem_context_deinit(&copy);
    return 0;
}

VIRTUAL_TEST(the_first_failure_cancels_the_functions_that_are_left)
{
    struct job jobs[] = {{.takes = 50, .cleans = 4, .result = 1},
                         {.takes = 10, .result = HEM_EIO, .says = "no disk"},
                         {.takes = 60,
                          .cleans = 2,
                          .declines = true,
                          .result = HEM_EPIPE,
                          .says = "nobody hears"}};
    hem_call c[3];
    for (size_t i = 0; i < 3; i++)
        c[i] = (hem_call)HEM_CALL(job, &jobs[i]);
    check_int(hem_gather(c, 3, 0), HEM_EIO);
    check_int(hem_now(), 14);
    check(jobs[0].ended && jobs[2].ended);
    check_int(c[0].status, HEM_ECANCELED);
    check_int(c[2].status, HEM_EPIPE);
    check_str(hem_failure()->message, "no disk");
    check(c[1].error == hem_failure());
    check(c[2].error == NULL);
    return 0; /* and no failure was reported */
}

VIRTUAL_TEST(with_return_errors_all_run_and_failures_are_reported_as_well)
{
    struct job jobs[] = {{.takes = 20, .result = 1},
                         {.takes = 10, .result = HEM_EIO, .says = "no disk"}};
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1])};
    check_int(hem_gather(c, 2, HEM_RETURN_ERRORS), 0);
    check_int(hem_now(), 20);
    check_report(HEM_REPORT_CHILD, "job", HEM_EIO);
    check_int(c[0].status, 1);
    check_int(c[1].status, HEM_EIO);
    check_str(c[1].error->message, "no disk");
    return 0;
}

VIRTUAL_TEST(tasks_beside_functions_go_on)
{
    struct job jobs[] = {{.takes = 50},
                         {.takes = 10, .result = HEM_EIO},
                         {.takes = 60, .result = 6}};
    hem_task *t = job_spawn(&jobs[2]);
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1]),
                    HEM_CALL_TASK(t)};
    check_int(hem_gather(c, 3, 0), HEM_EIO);
    check_int(hem_now(), 10);
    check_int(c[0].status, HEM_ECANCELED);
    check_int(c[2].order, 0);
    check_int(hem_await(t), 6);
    return 0;
}

static int gather_jobs(void *arg)
{
    struct job *jobs = arg;
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1])};
    int rc = hem_gather(c, 2, HEM_RETURN_ERRORS);
    check(jobs[0].ended == jobs[0].began);
    check(jobs[1].ended == jobs[1].began);
    return rc;
}

VIRTUAL_TEST(cancelling_the_caller_ends_the_functions)
{
    struct job jobs[] = {{.takes = 50, .cleans = 5}, {.takes = 60}};
    hem_task *t;
    check_int(hem_spawn(&t, gather_jobs, jobs), 0);
    cancel_at(t, 10, "over");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 15);
    check_str(jobs[0].why, "over");
    check_str(hem_task_reason(t), "over");
    return 0;
}

static int gather_cancelled(void *arg)
{
    hem_call c[] = {HEM_CALL(job, arg)};
    return hem_gather(c, 1, 0);
}

/* In a shield, a scope that was cancelled ends as if it was not. */
VIRTUAL_TEST(a_cancelled_function_is_a_failure_in_a_shield_too)
{
    struct job j = {.takes = 10, .result = HEM_ECANCELED};
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(gather_cancelled(&j), HEM_ECANCELED);
    check_int(hem_shield_close(&s, 0), 0);
    return 0;
}

/* A request from before the shield comes out in it. */
VIRTUAL_TEST(in_a_shield_an_interrupted_gathering_says_so_by_its_result)
{
    for (unsigned flags = 0; flags <= HEM_RETURN_ERRORS; flags++) {
        struct job j = {.takes = 10};
        hem_call c = HEM_CALL(job, &j);
        hem_scope s;
        check(hem_task_cancel(hem_self(), "before"));
        check_int(hem_shield_open(&s, NULL), 0);
        check_int(hem_gather(&c, 1, flags), flags ? 1 : HEM_ECANCELED);
        check_int(c.status, HEM_ECANCELED);
        check(!j.began);
        check_int(hem_shield_close(&s, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(without_memory_no_function_runs)
{
    size_t at = 0;
    int rc;
    do {
        struct job jobs[8] = {{.takes = 1}};
        struct job given = {.takes = 5};
        hem_task *t = job_spawn(&given);
        hem_call c[8];
        for (size_t i = 0; i < 8; i++)
            c[i] = (hem_call)HEM_CALL(job, &jobs[i]);
        c[3] = (hem_call)HEM_CALL_TASK(t);
        ledger_fail_at(++at);
        rc = hem_gather(c, 8, HEM_RETURN_ERRORS);
        ledger_fail_at(0);
        check(rc == 0 || rc == HEM_ENOMEM);
        for (size_t i = 0; i < 8; i++)
            check(i == 3 || jobs[i].began == (rc == 0));
        check_int(hem_sleep(10), 0);
        for (size_t i = 0; i < 8; i++)
            check(i == 3 || jobs[i].began == (rc == 0));
        check(given.ended);
    } while (rc == HEM_ENOMEM);
    check(at > 1);
    return 0;
}

VIRTUAL_TEST(without_memory_failures_lose_their_records_only)
{
    for (size_t at = 1; at < 12; at++) {
        struct job jobs[] = {{.takes = 1, .result = HEM_EIO, .says = "a"},
                             {.takes = 2, .result = HEM_EPIPE}};
        hem_call c[] = {HEM_CALL_TASK(job_spawn(&jobs[0])),
                        HEM_CALL_TASK(job_spawn(&jobs[1]))};
        ledger_fail_at(at);
        check_int(hem_gather(c, 2, HEM_RETURN_ERRORS), 0);
        ledger_fail_at(0);
        check_int(c[0].status, HEM_EIO);
        check_int(c[1].status, HEM_EPIPE);
        check(!c[0].error || c[0].error->code == HEM_EIO);
        check(!c[1].error || c[1].error->code == HEM_EPIPE);
    }
    return 0;
}

/* The end of the run cancels the first, which spawns the second, which may
 * spawn no more. */
static int gather_at_the_end(void *arg)
{
    struct job j = {.takes = 1};
    hem_call c[] = {HEM_CALL(job, &j)};
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    check_int(hem_gather(c, 1, 0), HEM_EREFUSED);
    check_int(hem_race(c, 1, 0), HEM_EREFUSED);
    hem_as_completed it;
    check_int(hem_as_completed_open(&it, c, 1, NULL), HEM_EREFUSED);
    check(!j.began);
    *(bool *)arg = true;
    return 0;
}

static int spawn_at_the_end(void *arg)
{
    int rc = hem_sleep(HEM_NEVER);
    check_int(hem_spawn(NULL, gather_at_the_end, arg), 0);
    return rc;
}

static int leave_one(void *arg)
{
    check_int(hem_spawn(NULL, spawn_at_the_end, arg), 0);
    return hem_sleep(1);
}

static void functions_are_refused_when_the_loop_is_ending(void **state)
{
    (void)state;
    bool refused = false;
    assert_int_equal(run_fifo(leave_one, &refused), 0);
    assert_true(refused);
    run_assert_checks();
}

VIRTUAL_TEST(quiet_calls_report_no_failures)
{
    struct job jobs[] = {{.takes = 5, .result = HEM_EIO},
                         {.takes = 10, .result = 2}};
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1])};
    check_int(hem_gather(c, 2, HEM_RETURN_ERRORS | HEM_QUIET), 0);
    check_int(c[0].status, HEM_EIO);
    check_int(hem_race(c, 2, HEM_CONTINUE_ON_ERROR | HEM_QUIET), 1);
    HEM_AS_COMPLETED(it, c, 2, .quiet = true);
    hem_call *call;
    check_int(hem_as_completed_next(&it, &call), 1);
    check_int(call->status, HEM_EIO);
    check_int(hem_as_completed_next(&it, &call), 1);
    check_int(hem_as_completed_close(&it, 0), 0);
    return 0; /* the ledger has seen no report */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(functions_run_side_by_side_and_have_ended),
        LEDGER_TEST(the_task_of_a_function_has_a_name_and_a_context),
        LEDGER_TEST(the_first_failure_cancels_the_functions_that_are_left),
        LEDGER_TEST(
            with_return_errors_all_run_and_failures_are_reported_as_well),
        LEDGER_TEST(tasks_beside_functions_go_on),
        LEDGER_TEST(cancelling_the_caller_ends_the_functions),
        LEDGER_TEST(a_cancelled_function_is_a_failure_in_a_shield_too),
        LEDGER_TEST(in_a_shield_an_interrupted_gathering_says_so_by_its_result),
        LEDGER_TEST(without_memory_no_function_runs),
        LEDGER_TEST(without_memory_failures_lose_their_records_only),
        LEDGER_TEST(functions_are_refused_when_the_loop_is_ending),
        LEDGER_TEST(quiet_calls_report_no_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

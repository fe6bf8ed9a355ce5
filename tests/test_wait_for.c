/* SPDX-License-Identifier: MIT */
/* hem_wait_for() and hem_future_wait_for(): one call with a time limit. */
#include "job.h"
#include "support.h"

VIRTUAL_TEST(a_function_runs_in_the_calling_task)
{
    struct job j = {.takes = 10, .result = 6};
    check_int(hem_wait_for(job, &j, 20), 6);
    check_int(hem_now(), 10);
    check_int(hem_wait_for(job, &j, HEM_NEVER), 6);
    j.result = HEM_EIO;
    j.says = "no disk";
    check_int(hem_wait_for(job, &j, 20), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    check_str(hem_failure()->task, "main");
    return 0;
}

VIRTUAL_TEST(a_function_that_takes_too_long_is_interrupted)
{
    struct job j = {.takes = 50, .cleans = 5};
    check_int(hem_wait_for(job, &j, 20), HEM_ETIMEDOUT);
    check_int(hem_now(), 25);
    check_int(hem_task_cancelling(hem_self()), 0);
    j.declines = true;
    j.result = 9;
    check_int(hem_wait_for(job, &j, 20), 9);
    return 0;
}

static int spend(void *arg)
{
    return hem_wait_for(job, arg, 20);
}

VIRTUAL_TEST(cancelling_the_caller_is_no_timeout)
{
    struct job j = {.takes = 50};
    hem_task *t;
    check_int(hem_spawn(&t, spend, &j), 0);
    cancel_at(t, 10, "over");
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(j.why, "over");
    return 0;
}

static int refuse(void *arg)
{
    return hem_wait_for(job, arg, 0);
}

VIRTUAL_TEST(without_time_a_function_is_not_called)
{
    struct job j = {.takes = 50};
    hem_task *t;
    check_int(hem_wait_for(job, &j, 0), HEM_ETIMEDOUT);
    check_int(hem_wait_for(job, &j, -HEM_SEC), HEM_ETIMEDOUT);
    check_int(hem_now(), 0);
    check_int(hem_spawn_with(&t, refuse, &j, .eager = true), 0);
    check(hem_task_cancel(t, "over"));
    check_int(hem_await(t), HEM_ECANCELED);
    check(!j.began);
    return 0;
}

VIRTUAL_TEST(a_task_is_waited_for_in_time)
{
    struct job jobs[] = {{.takes = 10, .result = 6},
                         {.takes = 30, .result = HEM_EIO, .says = "no disk"}};
    hem_task *t[] = {job_spawn(&jobs[0]), job_spawn(&jobs[1])};
    check_int(hem_future_wait_for(hem_task_future(t[0]), 20), 6);
    check_int(hem_future_wait_for(hem_task_future(t[1]), HEM_NEVER), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    check_int(hem_now(), 30);
    check_int(hem_future_wait_for(hem_task_future(hem_self()), 5),
              HEM_EREFUSED);
    return 0;
}

VIRTUAL_TEST(a_task_that_takes_too_long_is_cancelled_and_waited_for)
{
    struct job jobs[] = {{.takes = 50, .cleans = 5},
                         {.takes = 50, .declines = true, .result = 3}};
    hem_task *t = job_spawn(&jobs[0]);
    check_int(hem_future_wait_for(hem_task_future(t), 20), HEM_ETIMEDOUT);
    check_int(hem_now(), 25);
    check_int(hem_task_result(t), HEM_ECANCELED);
    t = job_spawn(&jobs[1]);
    check_int(hem_future_wait_for(hem_task_future(t), 20), 3);
    return 0;
}

VIRTUAL_TEST(without_time_a_task_is_cancelled_at_once)
{
    struct job jobs[] = {
        {.takes = 50, .cleans = 5},
        {.takes = 50, .declines = true, .result = 3},
        {.takes = 50, .declines = true, .result = HEM_EIO, .says = "no disk"}};
    hem_task *t[3];
    for (size_t i = 0; i < 3; i++)
        t[i] = job_spawn(&jobs[i]);
    check_int(hem_sleep(10), 0);
    check_int(hem_future_wait_for(hem_task_future(t[0]), 0), HEM_ETIMEDOUT);
    check_int(hem_now(), 15);
    check_int(hem_future_wait_for(hem_task_future(t[1]), -1), 3);
    check_int(hem_future_wait_for(hem_task_future(t[2]), -1), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    check_int(hem_future_wait_for(hem_task_future(t[1]), -1), 3);
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_wait_for(&f, 0), HEM_ETIMEDOUT);
    check(hem_future_cancelled(&f));
    check_int(hem_future_wait_for(&f, 0), HEM_ECANCELED); /* it was before */
    return 0;
}

static int give_no_time(void *arg)
{
    return hem_future_wait_for(arg, 0);
}

VIRTUAL_TEST(cancelling_the_caller_does_not_cancel_the_task_again)
{
    struct job j = {.takes = 50, .cleans = 20};
    hem_task *t = job_spawn(&j);
    hem_task *caller;
    check_int(hem_sleep(10), 0);
    check_int(hem_spawn(&caller, give_no_time, hem_task_future(t)), 0);
    cancel_at(caller, 15, "over");
    check_int(hem_await(caller), HEM_ECANCELED);
    check_int(hem_now(), 15);
    check_int(hem_task_cancelling(t), 1);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 30);
    return 0;
}

VIRTUAL_TEST(the_handle_may_be_forgotten_meanwhile)
{
    struct job j = {.takes = 50,
                    .cleans = 5,
                    .declines = true,
                    .result = HEM_EIO,
                    .says = "no disk"};
    hem_task *t = job_spawn(&j);
    hem_task *caller;
    check_int(hem_sleep(10), 0);
    check_int(hem_spawn(&caller, give_no_time, hem_task_future(t)), 0);
    check_int(hem_sleep(1), 0);
    hem_task_forget(t);
    check_int(hem_await(caller), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_function_runs_in_the_calling_task),
        LEDGER_TEST(a_function_that_takes_too_long_is_interrupted),
        LEDGER_TEST(cancelling_the_caller_is_no_timeout),
        LEDGER_TEST(without_time_a_function_is_not_called),
        LEDGER_TEST(a_task_is_waited_for_in_time),
        LEDGER_TEST(a_task_that_takes_too_long_is_cancelled_and_waited_for),
        LEDGER_TEST(without_time_a_task_is_cancelled_at_once),
        LEDGER_TEST(cancelling_the_caller_does_not_cancel_the_task_again),
        LEDGER_TEST(the_handle_may_be_forgotten_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* hem_race(): the first of several. */
#include "job.h"
#include "support.h"

VIRTUAL_TEST(the_first_result_wins_and_the_others_are_ended)
{
    struct job jobs[] = {{.takes = 20, .cleans = 5, .result = 1},
                         {.takes = 10, .result = 8},
                         {.takes = 30}};
    struct job given = {.takes = 40, .result = 4};
    hem_task *t = job_spawn(&given);
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1]),
                    HEM_CALL(job, &jobs[2]), HEM_CALL_TASK(t)};
    check_int(hem_race(c, 4, 0), 1);
    check_int(hem_now(), 15);
    check_int(c[1].status, 8);
    check_int(c[0].status, HEM_ECANCELED);
    check(jobs[0].ended && jobs[2].ended);
    check_int(c[3].order, 0);
    check_int(hem_await(t), 4);
    check_int(hem_now(), 40);
    return 0;
}

VIRTUAL_TEST(the_first_failure_ends_the_race)
{
    struct job jobs[] = {{.takes = 20},
                         {.takes = 10, .result = HEM_EIO, .says = "no disk"}};
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1])};
    check_int(hem_race(c, 2, 0), HEM_EIO);
    check_int(hem_now(), 10);
    check_str(hem_failure()->message, "no disk");
    check(c[1].error == hem_failure());
    check_int(c[0].status, HEM_ECANCELED);
    check_report(HEM_REPORT_CHILD, "job", HEM_EIO);
    return 0;
}

VIRTUAL_TEST(failures_may_be_passed_over)
{
    struct job jobs[] = {{.takes = 30, .result = 3},
                         {.takes = 10, .result = HEM_EIO, .says = "no disk"},
                         {.takes = 20, .result = HEM_EPIPE}};
    hem_call c[3];
    for (size_t i = 0; i < 3; i++)
        c[i] = (hem_call)HEM_CALL(job, &jobs[i]);
    check_int(hem_race(c, 3, HEM_CONTINUE_ON_ERROR), 0);
    check_int(hem_now(), 30);
    check_int(c[0].order, 3);
    check_str(c[1].error->message, "no disk");
    check_int(c[2].error->code, HEM_EPIPE);
    check_report(HEM_REPORT_CHILD, "job", HEM_EIO);
    check_report(HEM_REPORT_CHILD, "job", HEM_EPIPE);
    return 0;
}

VIRTUAL_TEST(if_all_fail_there_is_a_group_of_all)
{
    struct job job_of = {.takes = 10, .result = HEM_EIO, .says = "no disk"};
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_set_error(&f, HEM_EPIPE), 0);
    hem_call c[] = {HEM_CALL_TASK(job_spawn(&job_of)), HEM_CALL_FUTURE(&f)};
    check_int(hem_race(c, 2, HEM_CONTINUE_ON_ERROR), HEM_EGROUP);
    const hem_error *e = hem_failure();
    check_int(e->code, HEM_EGROUP);
    check_int(e->count, 2);
    check_int(e->errors[0]->code, HEM_EPIPE);
    check_str(e->errors[1]->message, "no disk");
    check(c[0].error == e->errors[1] && c[1].error == e->errors[0]);
    return 0;
}

VIRTUAL_TEST(a_cancelled_operand_ends_the_race)
{
    for (unsigned flags = 0; flags <= HEM_CONTINUE_ON_ERROR; flags += 2) {
        struct job jobs[] = {{.takes = 20}, {.takes = 50}};
        hem_ns start = hem_now();
        hem_task *t = job_spawn(&jobs[0]);
        hem_call c[] = {HEM_CALL_TASK(t), HEM_CALL(job, &jobs[1])};
        cancel_at(t, start + 10, "tired");
        check_int(hem_race(c, 2, flags), HEM_ECANCELED);
        check_int(hem_now(), start + 10);
        check_str(hem_task_reason(hem_self()), "tired");
        check_int(hem_task_cancelling(hem_self()), 0);
        check(jobs[1].ended);
    }
    return 0;
}

static int race_two(void *arg)
{
    struct job *jobs = arg;
    hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1])};
    int rc = hem_race(c, 2, HEM_CONTINUE_ON_ERROR);
    check(jobs[0].ended && jobs[1].ended);
    return rc;
}

VIRTUAL_TEST(cancelling_the_caller_ends_all)
{
    struct job jobs[] = {{.takes = 20, .cleans = 3},
                         {.takes = 5, .result = HEM_EIO}};
    hem_task *t;
    check_int(hem_spawn(&t, race_two, jobs), 0);
    cancel_at(t, 10, "over");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 13);
    check_str(hem_task_reason(t), "over");
    check_report(HEM_REPORT_CHILD, "job", HEM_EIO);
    return 0;
}

/* The timeout of a shield interrupts what it shields. */
VIRTUAL_TEST(in_a_shield_an_interrupted_race_ends_with_what_failed_so_far)
{
    for (int failed = 0; failed < 2; failed++) {
        struct job jobs[] = {
            {.takes = 50, .declines = true, .result = HEM_EPIPE},
            {.takes = failed ? 10 : 40, .result = HEM_EIO}};
        hem_call c[] = {HEM_CALL(job, &jobs[0]), HEM_CALL(job, &jobs[1])};
        hem_scope s;
        check_int(hem_shield_open(&s, &(hem_scope_options){.timeout = 20}), 0);
        int rc = hem_race(c, 2, HEM_CONTINUE_ON_ERROR);
        check_int(rc, failed ? HEM_EGROUP : HEM_EINVAL);
        if (failed) {
            check_int(hem_failure()->count, 1);
            check(hem_failure()->errors[0] == c[1].error);
            check(c[0].error == NULL);
            check_report(HEM_REPORT_CHILD, "job", HEM_EIO);
        }
        check_report(HEM_REPORT_CHILD, "job", HEM_EPIPE);
        check_int(hem_shield_close(&s, rc), HEM_ETIMEDOUT);
        check_int(hem_task_uncancel(hem_self()), 0);
    }
    return 0;
}

VIRTUAL_TEST(what_makes_no_sense_is_refused)
{
    struct job j = {.takes = 1};
    hem_call good = HEM_CALL(job, &j);
    hem_call nothing = {.arg = NULL};
    check_int(hem_race(NULL, 0, 0), HEM_EINVAL);
    check_int(hem_race(&nothing, 1, 0), HEM_EINVAL);
    check_int(hem_race(&good, 1, HEM_RETURN_ERRORS), HEM_EINVAL);
    check(!j.began);
    return 0;
}

VIRTUAL_TEST(without_memory_nothing_runs)
{
    size_t at = 0;
    int rc;
    do {
        struct job jobs[16] = {{.takes = 1}};
        hem_call c[16];
        for (size_t i = 0; i < 16; i++)
            c[i] = (hem_call)HEM_CALL(job, &jobs[i]);
        ledger_fail_at(++at);
        rc = hem_race(c, 16, 0);
        ledger_fail_at(0);
        check_int(hem_sleep(10), 0);
        for (size_t i = 0; i < 16; i++)
            check(jobs[i].began == (rc != HEM_ENOMEM));
    } while (rc == HEM_ENOMEM);
    check(rc >= 0);
    check(at > 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_first_result_wins_and_the_others_are_ended),
        LEDGER_TEST(the_first_failure_ends_the_race),
        LEDGER_TEST(failures_may_be_passed_over),
        LEDGER_TEST(if_all_fail_there_is_a_group_of_all),
        LEDGER_TEST(a_cancelled_operand_ends_the_race),
        LEDGER_TEST(cancelling_the_caller_ends_all),
        LEDGER_TEST(
            in_a_shield_an_interrupted_race_ends_with_what_failed_so_far),
        LEDGER_TEST(what_makes_no_sense_is_refused),
        LEDGER_TEST(without_memory_nothing_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

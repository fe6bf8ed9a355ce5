/* SPDX-License-Identifier: MIT */
/* hem_gather() of tasks and futures. Of functions: test_gather_functions.c. */
#include "job.h"
#include "support.h"

VIRTUAL_TEST(all_results_are_there_when_all_are_done)
{
    struct job jobs[] = {{.takes = 30, .result = 3},
                         {.takes = 10, .result = 1}};
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_set_result(&f, 7), 0);
    hem_call c[] = {HEM_CALL_TASK(job_spawn(&jobs[0])),
                    HEM_CALL_TASK(job_spawn(&jobs[1])), HEM_CALL_FUTURE(&f)};
    check_int(hem_gather(c, 3, 0), 0);
    check_int(hem_now(), 30);
    check_int(c[0].status, 3);
    check_int(c[1].status, 1);
    check_int(c[2].status, 7);
    check_int(c[0].order, 3);
    check_int(c[1].order, 2);
    check_int(c[2].order, 1);
    check(hem_failure() == NULL);
    return 0;
}

static int note(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

VIRTUAL_TEST(what_is_done_already_is_gathered_without_suspending)
{
    bool ran = false;
    struct job j = {.result = 5};
    hem_task *t = job_spawn(&j);
    check_int(hem_sleep(1), 0);
    check_int(hem_spawn(NULL, note, &ran), 0);
    hem_call c[] = {HEM_CALL_TASK(t), HEM_CALL_TASK(t)};
    check_int(hem_gather(c, 2, 0), 0);
    check_int(c[0].status, 5);
    check_int(c[1].status, 5);
    check_int(hem_gather(NULL, 0, HEM_RETURN_ERRORS), 0);
    check(!ran);
    return hem_sleep(1);
}

VIRTUAL_TEST(the_first_failure_is_returned_and_the_others_go_on)
{
    struct job jobs[] = {{.takes = 20, .result = 1},
                         {.takes = 10, .result = HEM_EIO, .says = "no disk"},
                         {.takes = 5, .result = 2}};
    hem_task *first = job_spawn(&jobs[0]);
    hem_call c[] = {HEM_CALL_TASK(first), HEM_CALL_TASK(job_spawn(&jobs[1])),
                    HEM_CALL_TASK(job_spawn(&jobs[2]))};
    check_int(hem_gather(c, 3, 0), HEM_EIO);
    check_int(hem_now(), 10);
    check_str(hem_failure()->message, "no disk");
    check(c[1].error == hem_failure());
    check_int(c[1].order, 2);
    check_int(c[2].status, 2);
    check_int(c[0].order, 0);
    check(c[0].error == NULL && c[2].error == NULL);
    memset(c, 0xaa, sizeof(c)); /* nobody has to do with it any more */
    check_int(hem_await(first), 1);
    check_int(hem_now(), 20);
    return 0;
}

VIRTUAL_TEST(a_failure_that_was_there_before_is_returned_at_once)
{
    struct job bad = {.result = HEM_EIO};
    struct job good = {.takes = 10};
    hem_task *t = job_spawn(&bad);
    check_int(hem_sleep(1), 0);
    hem_call c[] = {HEM_CALL_TASK(job_spawn(&good)), HEM_CALL_TASK(t)};
    check_int(hem_gather(c, 2, 0), HEM_EIO);
    check_int(hem_now(), 1);
    check_str(c[1].error->task, "job");
    return hem_sleep(20);
}

VIRTUAL_TEST(failures_are_results_with_return_errors)
{
    struct job jobs[] = {{.takes = 30, .result = HEM_EIO, .says = "late"},
                         {.takes = 10, .result = HEM_EPIPE},
                         {.takes = 20, .result = 4}};
    hem_call c[3];
    for (size_t i = 0; i < 3; i++)
        c[i] = (hem_call)HEM_CALL_TASK(job_spawn(&jobs[i]));
    check_int(hem_gather(c, 3, HEM_RETURN_ERRORS), 0);
    check_int(hem_now(), 30);
    check_int(c[0].status, HEM_EIO);
    check_int(c[1].status, HEM_EPIPE);
    check_int(c[2].status, 4);
    const hem_error *e = hem_failure();
    check_int(e->code, HEM_EGROUP);
    check_int(e->count, 2);
    check(e->errors[0] == c[1].error && e->errors[1] == c[0].error);
    check_str(c[0].error->message, "late");
    check_int(c[1].error->code, HEM_EPIPE);
    check(c[2].error == NULL);
    return 0;
}

VIRTUAL_TEST(a_cancelled_operand_is_a_failure_with_its_reason)
{
    struct job jobs[] = {{.takes = 10}, {.takes = 20}};
    hem_task *t[] = {job_spawn(&jobs[0]), job_spawn(&jobs[1])};
    hem_call c[] = {HEM_CALL_TASK(t[0]), HEM_CALL_TASK(t[1])};
    cancel_at(t[0], 5, "enough");
    check_int(hem_gather(c, 2, 0), HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_str(hem_task_reason(hem_self()), "enough");
    check_str(c[0].reason, "enough");
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_gather(c, 2, HEM_RETURN_ERRORS), 0);
    check_int(c[0].status, HEM_ECANCELED);
    check_str(c[0].reason, "enough");
    check(c[0].error == NULL);
    check_str(c[1].reason, NULL);
    return 0;
}

static int gather_two(void *arg)
{
    hem_call *c = arg;
    int rc = hem_gather(c, 2, HEM_RETURN_ERRORS);
    trace("%s", hem_task_reason(hem_self()));
    return rc;
}

VIRTUAL_TEST(cancelling_the_caller_cancels_all_operands)
{
    struct job jobs[] = {{.takes = 50, .cleans = 7}, {.takes = 60}};
    hem_call c[] = {HEM_CALL_TASK(job_spawn(&jobs[0])),
                    HEM_CALL_TASK(job_spawn(&jobs[1]))};
    hem_task *t;
    check_int(hem_spawn(&t, gather_two, c), 0);
    cancel_at(t, 10, "over");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 17);
    check_str(jobs[0].why, "over");
    check_str(jobs[1].why, "over");
    check_int(c[0].status, HEM_ECANCELED);
    check_int(c[0].order, 2);
    check_trace("over");
    return 0;
}

VIRTUAL_TEST(a_cancelled_caller_is_cancelled_though_an_operand_declines)
{
    struct job jobs[] = {{.takes = 50, .declines = true, .result = 8},
                         {.takes = 60, .declines = true}};
    hem_call c[] = {HEM_CALL_TASK(job_spawn(&jobs[0])),
                    HEM_CALL_TASK(job_spawn(&jobs[1]))};
    hem_task *t;
    check_int(hem_spawn(&t, gather_two, c), 0);
    cancel_at(t, 10, "over");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(c[0].status, 8);
    trace_clear();
    return 0;
}

static int gather_one_future(void *arg)
{
    hem_call c = HEM_CALL_FUTURE(arg);
    int rc = hem_gather(&c, 1, 0);
    check_int(c.order, 1);
    check_int(c.status, 6);
    return rc;
}

VIRTUAL_TEST(a_cancellation_in_the_turn_of_the_result_is_not_lost)
{
    for (int turns = 0; turns < 2; turns++) {
        hem_future f;
        hem_task *t;
        hem_future_init(&f);
        check_int(hem_spawn(&t, gather_one_future, &f), 0);
        check_int(hem_sleep(1), 0);
        check_int(hem_future_set_result(&f, 6), 0);
        if (turns)
            check_int(hem_yield(), 0);
        bool in_time = hem_task_cancel(t, "late");
        check(in_time || turns); /* some seeds let it end before */
        check_int(hem_await(t), in_time ? HEM_ECANCELED : 0);
    }
    return 0;
}

VIRTUAL_TEST(a_pending_cancellation_goes_to_the_operands)
{
    struct job j = {.takes = 10};
    hem_call c = HEM_CALL_TASK(job_spawn(&j));
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(hem_self(), "before"));
    check_int(hem_gather(&c, 1, 0), HEM_ECANCELED);
    check_str(j.why, "before");
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_task_given_twice_is_two_operands)
{
    struct job j = {.takes = 10};
    hem_task *t = job_spawn(&j);
    hem_call c[] = {HEM_CALL_TASK(t), HEM_CALL_TASK(t)};
    hem_task *caller;
    check_int(hem_spawn(&caller, gather_two, c), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(caller, "x"));
    check_int(hem_task_cancelling(t), 2); /* as asyncio */
    check_int(hem_await(caller), HEM_ECANCELED);
    check_int(c[0].status, HEM_ECANCELED);
    check_int(c[1].status, HEM_ECANCELED);
    trace_clear();
    return 0;
}

static int gather_forgotten(void *arg)
{
    hem_call c[] = {HEM_CALL_TASK(arg)};
    int rc = hem_gather(c, 1, HEM_RETURN_ERRORS);
    check_int(c[0].status, HEM_EIO);
    check_str(c[0].error->message, "gone");
    return rc;
}

VIRTUAL_TEST(the_handle_of_an_operand_may_be_forgotten_meanwhile)
{
    struct job j = {.takes = 10, .result = HEM_EIO, .says = "gone"};
    hem_task *t = job_spawn(&j);
    hem_task *caller;
    check_int(hem_spawn(&caller, gather_forgotten, t), 0);
    check_int(hem_sleep(1), 0);
    hem_task_forget(t);
    check_int(hem_await(caller), 0);
    return 0;
}

VIRTUAL_TEST(the_scope_of_an_operand_may_be_closed_meanwhile)
{
    struct job j = {.takes = 10, .result = HEM_EIO, .says = "gone"};
    hem_task *t, *caller;
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_SUPERVISOR}),
              0);
    check_int(hem_scope_spawn(&s, &t, job, &j), 0);
    check_int(hem_spawn(&caller, gather_forgotten, t), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_await(caller), 0);
    return 0;
}

/* Sets a future of its own, which is gone then; its handle is so as well. */
static int set_and_go(void *arg)
{
    hem_future f;
    hem_future_init(&f);
    *(hem_future **)arg = &f;
    check_int(hem_sleep(5), 0);
    return hem_future_set_result(&f, 6);
}

VIRTUAL_TEST(a_future_may_be_gone_once_it_is_done)
{
    hem_future *f = NULL;
    check_int(hem_spawn(NULL, set_and_go, &f), 0);
    check_int(hem_sleep(1), 0);
    check_int(gather_one_future(f), 0);
    return 0;
}

VIRTUAL_TEST(what_is_done_as_the_call_returns_early_has_its_result)
{
    hem_future f[3];
    hem_call c[3];
    for (size_t i = 0; i < 3; i++) {
        hem_future_init(&f[i]);
        c[i] = (hem_call)HEM_CALL_FUTURE(&f[i]);
    }
    check_int(hem_future_set_error(&f[1], HEM_EIO), 0);
    check_int(hem_future_set_result(&f[2], 2), 0);
    check_int(hem_gather(c, 3, 0), HEM_EIO);
    check_int(c[2].order, 2);
    check_int(c[2].status, 2);
    check_int(c[0].order, 0);
    check_int(hem_future_set_result(&f[0], 0), 0);
    return 0;
}

static int give_nothing(void *arg)
{
    (void)arg;
    return 0;
}

VIRTUAL_TEST(what_makes_no_sense_is_refused)
{
    hem_future f;
    hem_future_init(&f);
    hem_call nothing = {.arg = NULL};
    hem_call both = HEM_CALL(give_nothing, NULL);
    both.future = &f;
    hem_call self = HEM_CALL_TASK(hem_self());
    hem_call good = HEM_CALL_FUTURE(&f);
    check_int(hem_gather(&nothing, 1, 0), HEM_EINVAL);
    check_int(hem_gather(&both, 1, 0), HEM_EINVAL);
    check_int(hem_gather(&good, 1, HEM_CONTINUE_ON_ERROR), HEM_EINVAL);
    check_int(hem_gather(&good, 1, 1U << 31), HEM_EINVAL);
    check_int(hem_gather(&self, 1, 0), HEM_EREFUSED);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(all_results_are_there_when_all_are_done),
        LEDGER_TEST(what_is_done_already_is_gathered_without_suspending),
        LEDGER_TEST(the_first_failure_is_returned_and_the_others_go_on),
        LEDGER_TEST(a_failure_that_was_there_before_is_returned_at_once),
        LEDGER_TEST(failures_are_results_with_return_errors),
        LEDGER_TEST(a_cancelled_operand_is_a_failure_with_its_reason),
        LEDGER_TEST(cancelling_the_caller_cancels_all_operands),
        LEDGER_TEST(a_cancelled_caller_is_cancelled_though_an_operand_declines),
        LEDGER_TEST(a_cancellation_in_the_turn_of_the_result_is_not_lost),
        LEDGER_TEST(a_pending_cancellation_goes_to_the_operands),
        LEDGER_TEST(a_task_given_twice_is_two_operands),
        LEDGER_TEST(the_handle_of_an_operand_may_be_forgotten_meanwhile),
        LEDGER_TEST(the_scope_of_an_operand_may_be_closed_meanwhile),
        LEDGER_TEST(a_future_may_be_gone_once_it_is_done),
        LEDGER_TEST(what_is_done_as_the_call_returns_early_has_its_result),
        LEDGER_TEST(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

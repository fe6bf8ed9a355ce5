/* SPDX-License-Identifier: MIT */
/* hem_shield(): waiting without passing a cancellation on. */
#include "job.h"
#include "support.h"

static int shield_it(void *arg)
{
    int rc = hem_shield(arg);
    trace("%s", hem_task_reason(hem_self()));
    return rc;
}

VIRTUAL_TEST(the_result_comes_through)
{
    struct job jobs[] = {{.takes = 10, .result = 6},
                         {.takes = 10, .result = HEM_EIO, .says = "no disk"}};
    hem_task *t[] = {job_spawn(&jobs[0]), job_spawn(&jobs[1])};
    check_int(hem_shield(hem_task_future(t[0])), 6);
    check_int(hem_now(), 10);
    check_int(hem_shield(hem_task_future(t[1])), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    check_int(hem_shield(hem_task_future(t[0])), 6); /* it is done */
    return 0;
}

VIRTUAL_TEST(cancelling_the_caller_leaves_it_alone)
{
    struct job j = {.takes = 50, .result = 6};
    hem_task *t = job_spawn(&j);
    hem_task *caller;
    check_int(hem_spawn(&caller, shield_it, hem_task_future(t)), 0);
    cancel_at(caller, 10, "over");
    check_int(hem_await(caller), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_trace("over");
    check_int(hem_await(t), 6);
    check(!j.why);
    return 0;
}

VIRTUAL_TEST(a_cancelled_task_is_a_cancelled_wait)
{
    struct job j = {.takes = 50};
    hem_task *t = job_spawn(&j);
    cancel_at(t, 10, "over");
    check_int(hem_shield(hem_task_future(t)), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), NULL); /* as asyncio */
    check_int(hem_shield(hem_task_future(t)), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "over");
    return 0;
}

VIRTUAL_TEST(a_pending_cancellation_stays_outside)
{
    struct job j = {.takes = 10, .result = 6};
    hem_task *t = job_spawn(&j);
    check(hem_task_cancel(hem_self(), "before"));
    check_int(hem_shield(hem_task_future(t)), HEM_ECANCELED);
    check_int(hem_await(t), 6);
    return 0;
}

VIRTUAL_TEST(its_future_is_done_as_the_other_one_is)
{
    struct job jobs[] = {{.takes = 10, .result = HEM_EIO, .says = "no disk"},
                         {.takes = 20}};
    hem_task *t[] = {job_spawn(&jobs[0]), job_spawn(&jobs[1])};
    hem_shielded s[2];
    for (size_t i = 0; i < 2; i++)
        hem_shield_start(&s[i], hem_task_future(t[i]));
    hem_future *f = hem_shield_future(&s[0]);
    check_int(hem_future_set_result(f, 0), HEM_EREFUSED);
    hem_call c[] = {HEM_CALL_FUTURE(f),
                    HEM_CALL_FUTURE(hem_shield_future(&s[1]))};
    check_int(hem_gather(c, 2, HEM_RETURN_ERRORS), 0);
    check_int(c[0].status, HEM_EIO);
    check_str(c[0].error->message, "no disk");
    check_int(hem_future_wait(f), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    for (size_t i = 0; i < 2; i++) {
        hem_shield_stop(&s[i]);
        hem_shield_stop(&s[i]);
    }
    check_int(hem_future_result(f), HEM_EIO);
    return 0;
}

VIRTUAL_TEST(its_future_can_be_cancelled_alone)
{
    struct job j = {.takes = 10, .result = HEM_EIO};
    hem_task *t = job_spawn(&j);
    hem_task *waiter;
    hem_shielded s;
    hem_shield_start(&s, hem_task_future(t));
    hem_future *f = hem_shield_future(&s);
    check_int(hem_spawn(&waiter, shield_it, f), 0);
    check_int(hem_sleep(1), 0);
    check(hem_future_cancel(f, "alone"));
    check(!hem_future_cancel(f, "again"));
    check(hem_future_cancelled(f));
    check_int(hem_await(waiter), HEM_ECANCELED);
    check_int(hem_await(t), HEM_EIO);
    check_int(hem_yield(), 0);
    check_int(hem_future_result(f), HEM_ECANCELED);
    hem_shield_stop(&s);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(the_future_of_what_is_done_is_that_itself)
{
    hem_future f;
    hem_shielded s;
    hem_future_init(&f);
    check_int(hem_future_set_result(&f, 5), 0);
    hem_shield_start(&s, &f);
    check(hem_shield_future(&s) == &f);
    hem_shield_stop(&s);
    check_int(hem_shield(&f), 5);
    return 0;
}

VIRTUAL_TEST(who_waits_for_a_shield_that_is_stopped_is_cancelled)
{
    struct job j = {.takes = 10, .result = 4};
    hem_task *t = job_spawn(&j);
    hem_task *waiter;
    hem_shielded s;
    hem_shield_start(&s, hem_task_future(t));
    check_int(hem_spawn(&waiter, shield_it, hem_shield_future(&s)), 0);
    check_int(hem_sleep(1), 0);
    hem_shield_stop(&s);
    check_int(hem_await(waiter), HEM_ECANCELED);
    check_int(hem_await(t), 4);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(stopping_after_the_end_of_the_other_one_gives_its_record_up)
{
    hem_shielded s;
    struct job j = {.takes = 10, .result = HEM_EIO, .says = "no disk"};
    hem_task *t = job_spawn(&j);
    hem_shield_start(&s, hem_task_future(t));
    check_int(hem_await(t), HEM_EIO);
    hem_shield_stop(&s); /* it may be about to be told */
    return 0;
}

VIRTUAL_TEST(the_handle_may_be_forgotten_meanwhile)
{
    struct job j = {.takes = 10, .result = HEM_EIO, .says = "no disk"};
    hem_task *t = job_spawn(&j);
    hem_task *caller;
    check_int(hem_spawn(&caller, shield_it, hem_task_future(t)), 0);
    check_int(hem_sleep(1), 0);
    hem_task_forget(t);
    check_int(hem_await(caller), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    trace_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_result_comes_through),
        LEDGER_TEST(cancelling_the_caller_leaves_it_alone),
        LEDGER_TEST(a_cancelled_task_is_a_cancelled_wait),
        LEDGER_TEST(a_pending_cancellation_stays_outside),
        LEDGER_TEST(its_future_is_done_as_the_other_one_is),
        LEDGER_TEST(its_future_can_be_cancelled_alone),
        LEDGER_TEST(the_future_of_what_is_done_is_that_itself),
        LEDGER_TEST(who_waits_for_a_shield_that_is_stopped_is_cancelled),
        LEDGER_TEST(
            stopping_after_the_end_of_the_other_one_gives_its_record_up),
        LEDGER_TEST(the_handle_may_be_forgotten_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

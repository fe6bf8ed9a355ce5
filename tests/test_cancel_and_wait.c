/* SPDX-License-Identifier: MIT */
/* hem_cancel_and_wait(), of one task and of many. */
#include "job.h"
#include "support.h"

VIRTUAL_TEST(a_task_that_ends_by_it_is_no_failure)
{
    struct job j = {.takes = 50, .cleans = 5};
    hem_task *t = job_spawn(&j);
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait(t, "over"), 0);
    check_int(hem_now(), 15);
    check_str(j.why, "over");
    check_int(hem_cancel_and_wait(t, "again"), 0); /* it has ended */
    check_int(hem_task_cancelling(t), 1);
    return 0;
}

VIRTUAL_TEST(a_task_that_did_not_begin_never_does)
{
    struct job j = {.takes = 50};
    hem_task *t = job_spawn(&j);
    check_int(hem_cancel_and_wait(t, NULL), 0);
    check(!j.began);
    return 0;
}

VIRTUAL_TEST(one_that_swallows_it_is_told)
{
    struct job j = {.takes = 50, .declines = true, .result = 7};
    hem_task *t = job_spawn(&j);
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait(t, NULL), HEM_ESWALLOWED);
    check_int(hem_task_result(t), 7);
    return 0;
}

static int take_back(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 7;
}

VIRTUAL_TEST(one_that_takes_it_back_may_go_on)
{
    hem_task *t;
    check_int(hem_spawn(&t, take_back, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait(t, NULL), 0);
    return 0;
}

VIRTUAL_TEST(a_failure_comes_with_its_record)
{
    struct job j = {.takes = 50, .declines = true, .result = HEM_EIO};
    hem_task *t = job_spawn(&j);
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait(t, NULL), HEM_EIO);
    check_str(hem_failure()->task, "job");
    j.says = "no disk";
    t = job_spawn(&j);
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait(t, NULL), HEM_EIO);
    check_str(hem_failure()->message, "no disk");
    return 0;
}

static int cancel_it(void *arg)
{
    int rc = hem_cancel_and_wait(arg, "over");
    trace("%s", hem_task_reason(hem_self()));
    return rc;
}

/* Its cleaning up can be interrupted. */
static int clean_impatiently(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return hem_sleep(20);
}

VIRTUAL_TEST(cancelling_the_caller_cancels_the_task_again)
{
    hem_task *t, *caller;
    check_int(hem_spawn(&t, clean_impatiently, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_spawn(&caller, cancel_it, t), 0);
    check_int(hem_sleep(5), 0);
    check_int(hem_task_cancelling(t), 1);
    check(hem_task_cancel(caller, "you too"));
    check_int(hem_task_cancelling(t), 2);
    check_int(hem_await(caller), HEM_ECANCELED);
    check_int(hem_now(), 15);
    check_trace("you too");
    return 0;
}

static int clean_patiently(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_SEC);
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_sleep(20), 0);
    check_int(hem_shield_close(&s, HEM_EIO), HEM_EIO);
    return rc;
}

VIRTUAL_TEST(a_cancelled_caller_waits_until_the_task_has_ended)
{
    hem_task *t, *caller;
    check_int(hem_spawn(&t, clean_patiently, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_spawn(&caller, cancel_it, t), 0);
    cancel_at(caller, 15, "you too");
    check_int(hem_await(caller), HEM_ECANCELED);
    check_int(hem_now(), 30);
    check_trace("over");
    return 0;
}

VIRTUAL_TEST(its_handle_may_be_forgotten_meanwhile)
{
    struct job j = {.takes = 50, .cleans = 5, .declines = true};
    hem_task *t = job_spawn(&j);
    hem_task *caller;
    check_int(hem_sleep(10), 0);
    check_int(hem_spawn(&caller, cancel_it, t), 0);
    check_int(hem_sleep(1), 0);
    hem_task_forget(t);
    check_int(hem_await(caller), HEM_ESWALLOWED);
    trace_clear();
    return 0;
}

static int await_it(void *arg)
{
    hem_task **t = arg;
    check_int(hem_sleep(1), 0);
    return hem_await(*t);
}

VIRTUAL_TEST(a_ring_of_waits_is_broken)
{
    hem_task *self = hem_self();
    hem_task *t;
    check_int(hem_spawn(&t, await_it, &self), 0);
    check_int(hem_sleep(5), 0);
    check_int(hem_cancel_and_wait(t, "x"), HEM_ECANCELED);
    int left = hem_task_uncancel(self);
    check(left >= 0);
    check_int(hem_cancel_and_wait_all(&self, 1, NULL), HEM_EREFUSED);
    check_int(hem_task_cancelling(self), left);
    check_int(hem_cancel_and_wait(self, NULL), 0); /* the wait is interrupted */
    check_int(hem_task_cancelling(self), left + 1);
    return 0;
}

VIRTUAL_TEST(many_are_cancelled_in_order_and_waited_for)
{
    struct job jobs[40];
    hem_task *t[40];
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        jobs[i] = (struct job){.takes = HEM_SEC, .cleans = (hem_ns)i};
        t[i] = job_spawn(&jobs[i]);
    }
    jobs[7].takes = 1;
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait_all(t, COUNT_OF(t), "over"), 0);
    check_int(hem_now(), 10 + COUNT_OF(t) - 1);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_str(jobs[i].why, i == 7 ? NULL : "over");
    check_int(hem_cancel_and_wait_all(t, COUNT_OF(t), "over"), 0);
    check_int(hem_cancel_and_wait_all(NULL, 0, NULL), 0);
    return 0;
}

VIRTUAL_TEST(what_failed_or_swallowed_it_is_in_the_group)
{
    struct job jobs[] = {{.takes = 50},
                         {.takes = 50, .declines = true, .result = 1},
                         {.takes = 50,
                          .declines = true,
                          .result = HEM_EIO,
                          .says = "no disk",
                          .cleans = 1}};
    hem_task *t[3];
    for (size_t i = 0; i < 3; i++)
        t[i] = job_spawn(&jobs[i]);
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait_all(t, 3, NULL), HEM_EGROUP);
    const hem_error *e = hem_failure();
    check_int(e->code, HEM_EGROUP);
    check_int(e->count, 2);
    check_int(e->errors[0]->code, HEM_ESWALLOWED);
    check_str(e->errors[1]->message, "no disk");
    return 0;
}

VIRTUAL_TEST(one_that_was_cancelled_by_others_too_ends_it_cancelled)
{
    struct job jobs[] = {{.takes = 50, .declines = true}, {.takes = 50}};
    hem_task *t[] = {job_spawn(&jobs[0]), job_spawn(&jobs[1]), NULL};
    t[2] = t[1]; /* it gets two requests where one is expected */
    check_int(hem_sleep(10), 0);
    check_int(hem_cancel_and_wait_all(t, 3, "over"), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "over");
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

struct all {
    hem_task *t[2];
    int result;
};

static int cancel_all_of(void *arg)
{
    struct all *a = arg;
    a->result = hem_cancel_and_wait_all(a->t, 2, "over");
    return a->result;
}

FIFO_TEST(a_caller_cancelled_in_the_first_turn_has_cancelled_nobody)
{
    struct job jobs[] = {{.takes = 50}, {.takes = 60}};
    struct all a = {.t = {job_spawn(&jobs[0]), job_spawn(&jobs[1])}};
    hem_task *caller;
    check_int(hem_sleep(10), 0);
    check_int(hem_spawn_with(&caller, cancel_all_of, &a, .eager = true), 0);
    check(hem_task_cancel(caller, "you"));
    check_int(hem_await(caller), HEM_ECANCELED);
    check_int(hem_await(a.t[1]), 0);
    check(!jobs[0].why && !jobs[1].why);
    return 0;
}

VIRTUAL_TEST(cancelling_the_caller_cancels_all_again)
{
    struct all a;
    hem_task *caller;
    for (size_t i = 0; i < 2; i++)
        check_int(hem_spawn(&a.t[i], clean_patiently, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_spawn(&caller, cancel_all_of, &a), 0);
    cancel_at(caller, 15, "you too");
    check_int(hem_sleep(10), 0);
    check_int(hem_task_cancelling(a.t[0]), 1); /* held by its shield */
    check_int(hem_await(caller), HEM_ECANCELED);
    check_int(hem_now(), 30);
    check_int(hem_task_cancelling(a.t[0]), 2);
    return 0;
}

VIRTUAL_TEST(without_memory_nobody_is_cancelled)
{
    struct job jobs[17];
    hem_task *t[17];
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        jobs[i] = (struct job){.takes = HEM_SEC};
        t[i] = job_spawn(&jobs[i]);
    }
    check_int(hem_sleep(1), 0);
    ledger_fail_from(1);
    check_int(hem_cancel_and_wait_all(t, 17, NULL), HEM_ENOMEM);
    check_int(hem_task_cancelling(t[0]), 0);
    check_int(hem_cancel_and_wait_all(t, 16, NULL), 0);
    ledger_fail_from(0);
    check_int(hem_cancel_and_wait_all(t, 17, NULL), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_task_that_ends_by_it_is_no_failure),
        LEDGER_TEST(a_task_that_did_not_begin_never_does),
        LEDGER_TEST(one_that_swallows_it_is_told),
        LEDGER_TEST(one_that_takes_it_back_may_go_on),
        LEDGER_TEST(a_failure_comes_with_its_record),
        LEDGER_TEST(cancelling_the_caller_cancels_the_task_again),
        LEDGER_TEST(a_cancelled_caller_waits_until_the_task_has_ended),
        LEDGER_TEST(its_handle_may_be_forgotten_meanwhile),
        LEDGER_TEST(a_ring_of_waits_is_broken),
        LEDGER_TEST(many_are_cancelled_in_order_and_waited_for),
        LEDGER_TEST(what_failed_or_swallowed_it_is_in_the_group),
        LEDGER_TEST(one_that_was_cancelled_by_others_too_ends_it_cancelled),
        LEDGER_TEST(a_caller_cancelled_in_the_first_turn_has_cancelled_nobody),
        LEDGER_TEST(cancelling_the_caller_cancels_all_again),
        LEDGER_TEST(without_memory_nobody_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

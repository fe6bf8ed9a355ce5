/* SPDX-License-Identifier: MIT */
/* hem_as_completed: operands one after the other, as they are done. */
#include "job.h"
#include "support.h"

/* Three of which the last ends first: at 10; the second fails. */
static struct job jobs[3];

static void make_three(void)
{
    for (size_t i = 0; i < 3; i++)
        jobs[i] = (struct job){.takes = 10 * (3 - (hem_ns)i), .result = (int)i};
    jobs[1].result = HEM_EIO;
    jobs[1].says = "no disk";
}

static void spawn_three(hem_call *c)
{
    make_three();
    for (size_t i = 0; i < 3; i++)
        c[i] = (hem_call)HEM_CALL_TASK(job_spawn(&jobs[i]));
}

static void functions(hem_call *c)
{
    make_three();
    for (size_t i = 0; i < 3; i++)
        c[i] = (hem_call)HEM_CALL(job, &jobs[i]);
}

VIRTUAL_TEST(they_come_in_the_order_in_which_they_are_done)
{
    hem_call c[3];
    hem_call *call;
    hem_as_completed it;
    spawn_three(c);
    check_int(hem_as_completed_open(&it, c, 3, NULL), 0);
    for (int i = 1; i <= 3; i++) {
        check_int(hem_as_completed_next(&it, &call), 1);
        check(call == &c[3 - i]);
        check_int(call->order, i);
        check_int(hem_now(), 10 * i);
        if (i == 2) {
            check(call->error == hem_failure());
            check_str(hem_failure()->message, "no disk");
        }
    }
    check_int(hem_as_completed_next(&it, &call), 0);
    check_int(hem_as_completed_next(&it, &call), 0);
    check_int(hem_as_completed_close(&it, 0), 0);
    check_int(hem_as_completed_close(&it, 0), HEM_EMISUSE);
    check_int(hem_as_completed_next(&it, &call), HEM_EMISUSE);
    check(c[1].error == NULL);
    return 0;
}

VIRTUAL_TEST(what_is_done_is_handed_out_without_suspending)
{
    bool given = true;
    hem_call c[3];
    hem_call *call;
    hem_as_completed it;
    spawn_three(c);
    check_int(hem_as_completed_open(&it, c, 3, NULL), 0);
    check_int(hem_sleep(100), 0);
    check_int(hem_spawn(NULL, job, &jobs[0]), 0);
    jobs[0].began = false;
    while (given && hem_as_completed_next(&it, &call) > 0)
        given = !jobs[0].began;
    check(given);
    check_int(hem_as_completed_close(&it, 4), 4);
    return 0;
}

VIRTUAL_TEST(leaving_early_leaves_tasks_alone)
{
    hem_call c[3];
    hem_call *call;
    hem_as_completed it;
    spawn_three(c);
    hem_task *last = job_spawn(&jobs[0]);
    check_int(hem_as_completed_open(&it, c, 3, NULL), 0);
    check_int(hem_as_completed_next(&it, &call), 1);
    check_int(hem_as_completed_close(&it, HEM_EPIPE), HEM_EPIPE);
    memset(c, 0xaa, sizeof(c));
    memset(&it, 0xaa, sizeof(it));
    check_int(hem_now(), 10);
    check_int(hem_await(last), 0);
    check(jobs[0].ended && !jobs[0].why);
    return 0;
}

VIRTUAL_TEST(leaving_early_ends_functions)
{
    hem_call c[3];
    hem_call *call;
    hem_as_completed it;
    functions(c);
    jobs[0].cleans = 5;
    check_int(hem_as_completed_open(&it, c, 3, NULL), 0);
    check_int(hem_as_completed_next(&it, &call), 1);
    check_int(hem_as_completed_close(&it, 1), 1);
    check_int(hem_now(), 15);
    check(jobs[0].ended && jobs[0].why == NULL);
    check_int(c[0].status, HEM_ECANCELED);
    check_int(c[2].status, 2);
    return 0;
}

VIRTUAL_TEST(failures_of_functions_are_reported_as_well)
{
    hem_call c[3];
    hem_call *call;
    hem_as_completed it;
    int sum = 0;
    functions(c);
    check_int(hem_as_completed_open(&it, c, 3, NULL), 0);
    while (hem_as_completed_next(&it, &call) > 0)
        sum += call->status;
    check_int(hem_as_completed_close(&it, 0), 0);
    check_int(sum, HEM_EIO + 2);
    check_report(HEM_REPORT_CHILD, "job", HEM_EIO);
    return 0;
}

VIRTUAL_TEST(the_time_runs_out_for_what_is_not_done)
{
    hem_call c[3];
    hem_call *call = NULL;
    hem_as_completed it;
    hem_as_completed_options o = {.timeout = 25};
    spawn_three(c);
    check_int(hem_as_completed_open(&it, c, 3, &o), 0);
    check_int(hem_sleep(100), 0); /* all are done, but two were so in time */
    check_int(hem_as_completed_next(&it, &call), 1);
    check(call == &c[2]);
    check_int(hem_as_completed_next(&it, &call), 1);
    check(call == &c[1]);
    check_int(hem_as_completed_next(&it, &call), HEM_ETIMEDOUT);
    check_int(hem_as_completed_next(&it, &call), HEM_ETIMEDOUT);
    check(call == &c[1]);
    check_int(hem_as_completed_close(&it, HEM_ETIMEDOUT), HEM_ETIMEDOUT);
    return 0;
}

VIRTUAL_TEST(the_end_of_the_time_interrupts_the_wait)
{
    hem_call c[3];
    hem_call *call;
    hem_as_completed it;
    functions(c);
    hem_as_completed_options o = {.timeout = 5};
    check_int(hem_as_completed_open(&it, c, 3, &o), 0);
    check_int(hem_as_completed_next(&it, &call), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    check_int(hem_as_completed_close(&it, HEM_ETIMEDOUT), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    check_int(c[0].status, HEM_ECANCELED);
    o.timeout = -1;
    check_int(hem_as_completed_open(&it, c, 3, &o), 0);
    check_int(hem_as_completed_next(&it, &call), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    check_int(hem_as_completed_close(&it, 0), 0); /* it was nothing */
    o.timeout = HEM_NEVER;
    check_int(hem_as_completed_open(&it, NULL, 0, &o), 0);
    check_int(hem_as_completed_next(&it, &call), 0);
    check_int(hem_as_completed_close(&it, 0), 0);
    return 0;
}

static int iterate(void *arg)
{
    hem_call *call;
    hem_as_completed it;
    int rc = hem_as_completed_open(&it, arg, 3, NULL);
    while (rc >= 0 && (rc = hem_as_completed_next(&it, &call)) > 0)
        ;
    rc = hem_as_completed_close(&it, rc);
    trace("%s", hem_task_reason(hem_self()));
    return rc;
}

VIRTUAL_TEST(cancelling_the_caller_ends_functions_only)
{
    hem_call c[3];
    hem_task *t;
    spawn_three(c);
    check_int(hem_spawn(&t, iterate, c), 0);
    cancel_at(t, 15, "over");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_sleep(100), 0);
    check(jobs[0].ended && !jobs[0].why);
    functions(c);
    check_int(hem_spawn(&t, iterate, c), 0);
    cancel_at(t, hem_now() + 15, "again");
    check_int(hem_await(t), HEM_ECANCELED);
    check(jobs[0].ended && jobs[0].began);
    check_int(c[0].status, HEM_ECANCELED);
    check_trace("over again");
    return 0;
}

static int stubborn(void *arg)
{
    hem_call *call;
    hem_as_completed it;
    int got = 0;
    check_int(hem_as_completed_open(&it, arg, 3, NULL), 0);
    check_int(hem_as_completed_next(&it, &call), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    while (hem_as_completed_next(&it, &call) > 0)
        got++;
    check_int(hem_as_completed_close(&it, 0), 0);
    return got;
}

VIRTUAL_TEST(an_interrupted_iteration_may_go_on)
{
    hem_call c[3];
    hem_task *t;
    spawn_three(c);
    check_int(hem_spawn(&t, stubborn, c), 0);
    cancel_at(t, 5, "over");
    check_int(hem_await(t), 3);
    return 0;
}

static int return_early(void *arg)
{
    hem_call *call;
    HEM_AS_COMPLETED(it, arg, 3);
    HEM_TRY(hem_as_completed_next(&it, &call));
    return call->status;
}

static int close_it(void *arg)
{
    hem_call *call;
    HEM_AS_COMPLETED(it, arg, 3, .timeout = HEM_SEC);
    while (hem_as_completed_next(&it, &call) > 0)
        ;
    return hem_as_completed_close(&it, 7);
}

VIRTUAL_TEST(a_declared_iteration_is_closed_with_its_block)
{
    hem_call c[3];
    functions(c);
    check_int(return_early(c), 2);
    check(jobs[0].ended);
    check_int(c[0].status, HEM_ECANCELED);
    spawn_three(c);
    check_int(return_early(c), 2);
    check_int(close_it(c), 7);
    c[0].future = NULL;
    check_int(return_early(c), HEM_EINVAL);
    check_int(close_it(c), HEM_EINVAL);
    return 0;
}

static int next_of_another(void *arg)
{
    hem_call *call;
    return hem_as_completed_next(arg, &call);
}

static int steal(void *arg)
{
    hem_call c[3];
    hem_as_completed it;
    (void)arg;
    spawn_three(c);
    check_int(hem_as_completed_open(&it, c, 3, NULL), 0);
    hem_task *t;
    check_int(hem_spawn(&t, next_of_another, &it), 0);
    return hem_await(t);
}

static int run_steal(void *arg)
{
    return run_virtual(steal, arg);
}

static void an_iteration_belongs_to_who_opened_it(void **state)
{
    (void)state;
    check_aborts(run_steal, NULL, "does not own the iteration");
    run_assert_checks();
}

/* All in time that grows with their number. */
VIRTUAL_TEST(a_hundred_thousand_operands_are_handed_out)
{
    size_t n = scaled(100000);
    hem_future *f = calloc(n, sizeof(*f));
    hem_call *c = calloc(n, sizeof(*c));
    for (size_t i = 0; i < n; i++) {
        hem_future_init(&f[i]);
        c[i] = (hem_call)HEM_CALL_FUTURE(&f[i]);
        if (i % 2)
            check_int(hem_future_set_result(&f[i], 1), 0);
    }
    hem_as_completed it;
    hem_call *call;
    check_int(hem_as_completed_open(&it, c, n, NULL), 0);
    for (size_t i = 0; i < n / 2; i++)
        check_int(hem_as_completed_next(&it, &call), 1);
    for (size_t i = 0; i < n; i += 2)
        check_int(hem_future_set_result(&f[n - 2 - i], 1), 0);
    check_int(hem_as_completed_close(&it, 0), 0);
    free(c);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(they_come_in_the_order_in_which_they_are_done),
        LEDGER_TEST(what_is_done_is_handed_out_without_suspending),
        LEDGER_TEST(leaving_early_leaves_tasks_alone),
        LEDGER_TEST(leaving_early_ends_functions),
        LEDGER_TEST(failures_of_functions_are_reported_as_well),
        LEDGER_TEST(the_time_runs_out_for_what_is_not_done),
        LEDGER_TEST(the_end_of_the_time_interrupts_the_wait),
        LEDGER_TEST(cancelling_the_caller_ends_functions_only),
        LEDGER_TEST(an_interrupted_iteration_may_go_on),
        LEDGER_TEST(a_declared_iteration_is_closed_with_its_block),
        LEDGER_TEST(an_iteration_belongs_to_who_opened_it),
        LEDGER_TEST(a_hundred_thousand_operands_are_handed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

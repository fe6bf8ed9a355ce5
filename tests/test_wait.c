/* SPDX-License-Identifier: MIT */
/* hem_wait(): some of several tasks and futures. */
#include "job.h"
#include "support.h"

/* Three that end at 10, 20, 30; the second fails. */
static struct job jobs[3];

static void spawn_three(hem_call *c)
{
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = (struct job){.takes = 10 * ((hem_ns)i + 1), .result = (int)i};
        c[i] = (hem_call)HEM_CALL_TASK(job_spawn(&jobs[i]));
    }
    jobs[1].result = HEM_EIO;
}

VIRTUAL_TEST(all_are_waited_for_by_default)
{
    hem_call c[3];
    spawn_three(c);
    check_int(hem_wait(c, 3, NULL), 3);
    check_int(hem_now(), 30);
    check_int(c[0].status, 0);
    check_int(c[1].status, HEM_EIO);
    check_int(c[1].error->code, HEM_EIO);
    check_int(c[2].order, 3);
    check_int(hem_failure()->code, HEM_EGROUP);
    check(hem_failure()->errors[0] == c[1].error);
    return 0;
}

VIRTUAL_TEST(the_first_to_be_done_is_enough)
{
    hem_call c[3];
    spawn_three(c);
    hem_wait_options o = {.mode = HEM_FIRST_COMPLETED};
    check_int(hem_wait(c, 3, &o), 1);
    check_int(hem_now(), 10);
    check_int(c[0].order, 1);
    check_int(c[1].order, 0);
    check_int(hem_wait(c, 3, &o), 1); /* it is done already */
    check_int(hem_now(), 10);
    check_int(hem_wait(c + 1, 2, NULL), 2);
    return 0;
}

VIRTUAL_TEST(the_first_failure_is_enough)
{
    hem_call c[3];
    spawn_three(c);
    hem_wait_options o = {.mode = HEM_FIRST_ERROR};
    check_int(hem_wait(c, 3, &o), 2);
    check_int(hem_now(), 20);
    check_int(c[2].order, 0);
    return 0;
}

VIRTUAL_TEST(cancelled_is_not_failed)
{
    hem_call c[3];
    hem_future f, failed;
    spawn_three(c);
    hem_future_init(&f);
    hem_future_init(&failed);
    hem_wait_options o = {.mode = HEM_FIRST_ERROR};
    hem_call d[] = {c[0], HEM_CALL_FUTURE(&f)};
    check(hem_future_cancel(&f, "no need"));
    check_int(hem_wait(d, 2, &o), 2);
    check_int(hem_now(), 10);
    check_str(d[1].reason, "no need");
    check_int(d[1].order, 1);
    hem_call e[] = {c[2], HEM_CALL_FUTURE(&failed)};
    check_int(hem_future_set_error(&failed, HEM_ECANCELED), 0);
    check_int(hem_wait(e, 2, &o), 1); /* this has failed so */
    check_int(hem_now(), 10);
    return 0;
}

VIRTUAL_TEST(the_time_runs_out)
{
    hem_call c[3];
    spawn_three(c);
    check_int(hem_wait(c, 3, &(hem_wait_options){.timeout = 15}), 1);
    check_int(hem_now(), 15);
    check_int(hem_wait(c, 3, &(hem_wait_options){.timeout = -1}), 1);
    check_int(hem_now(), 15);
    check_int(hem_wait(c, 3, &(hem_wait_options){.timeout = HEM_NEVER}), 3);
    check_int(hem_now(), 30);
    check(!jobs[2].why); /* nobody was cancelled */
    return 0;
}

static int note(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

FIFO_TEST(it_always_gives_way)
{
    bool ran = false;
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_set_result(&f, 1), 0);
    hem_call c = HEM_CALL_FUTURE(&f);
    check_int(hem_spawn(NULL, note, &ran), 0);
    check_int(hem_wait(&c, 1, NULL), 1);
    check(ran);
    return 0;
}

static int wait_for_three(void *arg)
{
    int rc = hem_wait(arg, 3, NULL);
    check_str(hem_task_reason(hem_self()), "over");
    return rc;
}

VIRTUAL_TEST(cancelling_the_caller_leaves_them_alone)
{
    hem_call c[3];
    hem_task *t;
    spawn_three(c);
    check_int(hem_spawn(&t, wait_for_three, c), 0);
    cancel_at(t, 15, "over");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 15);
    check_int(c[0].order, 1); /* what was done is known */
    check_int(hem_sleep(100), 0);
    check(jobs[1].ended && jobs[2].ended && !jobs[2].why);
    return 0;
}

VIRTUAL_TEST(what_is_done_when_it_wakes_up_is_done)
{
    hem_future f[2];
    hem_future_init(&f[0]);
    hem_future_init(&f[1]);
    hem_call c[] = {HEM_CALL_FUTURE(&f[0]), HEM_CALL_FUTURE(&f[1])};
    check_int(hem_future_set_result(&f[0], 3), 0);
    check_int(hem_future_set_result(&f[1], 4), 0);
    check_int(hem_wait(c, 2, &(hem_wait_options){.mode = HEM_FIRST_COMPLETED}),
              2);
    check_int(c[0].status + c[1].status, 7);
    return 0;
}

VIRTUAL_TEST(one_given_twice_counts_as_two)
{
    struct job j = {.takes = 5, .result = 9};
    hem_task *t = job_spawn(&j);
    hem_call c[] = {HEM_CALL_TASK(t), HEM_CALL_TASK(t)};
    check_int(hem_wait(c, 2, NULL), 2);
    check_int(c[0].status, 9);
    check_int(c[1].status, 9);
    return 0;
}

static int wait_for_first(void *arg)
{
    hem_call c = HEM_CALL_TASK(arg);
    int rc = hem_wait(&c, 1, NULL);
    check_int(c.status, 8);
    return rc;
}

VIRTUAL_TEST(a_task_may_wait_for_itself_until_the_time_runs_out)
{
    hem_call c = HEM_CALL_TASK(hem_self());
    check_int(hem_wait(&c, 1, &(hem_wait_options){.timeout = 5}), 0);
    struct job j = {.takes = 5, .result = 8};
    hem_task *t = job_spawn(&j);
    hem_task *waiter;
    check_int(hem_spawn(&waiter, wait_for_first, t), 0);
    check_int(hem_sleep(1), 0);
    hem_task_forget(t); /* its handle is not needed any more */
    check_int(hem_await(waiter), 1);
    return 0;
}

VIRTUAL_TEST(what_makes_no_sense_is_refused)
{
    hem_future f;
    hem_future_init(&f);
    struct job j = {.takes = 1};
    hem_call function = HEM_CALL(job, &j);
    hem_call nothing = {.arg = NULL};
    hem_call good = HEM_CALL_FUTURE(&f);
    check_int(hem_wait(NULL, 0, NULL), HEM_EINVAL);
    check_int(hem_wait(&function, 1, NULL), HEM_EINVAL);
    check_int(hem_wait(&nothing, 1, NULL), HEM_EINVAL);
    hem_wait_options o = {.mode = (hem_wait_mode)3};
    check_int(hem_wait(&good, 1, &o), HEM_EINVAL);
    return 0;
}

/* Hold places in the timer heap until it is full. */
VIRTUAL_TEST(without_memory_nothing_happens)
{
    static hem_timeout t[200];
    size_t held = 0;
    hem_future f;
    hem_future_init(&f);
    check_int(hem_future_set_result(&f, 1), 0);
    hem_call c = HEM_CALL_FUTURE(&f);
    ledger_fail_from(1);
    while (held < COUNT_OF(t) && hem_timeout_open(&t[held], HEM_NEVER) == 0)
        held++;
    check(held < COUNT_OF(t));
    check_int(hem_wait(&c, 1, NULL), HEM_ENOMEM);
    hem_as_completed it;
    check_int(hem_as_completed_open(&it, &c, 1, NULL), HEM_ENOMEM);
    check_int(hem_wait_for(note, NULL, 5), HEM_ENOMEM);
    check_int(hem_future_wait_for(&f, 5), HEM_ENOMEM);
    ledger_fail_from(0);
    check_int(hem_wait(&c, 1, NULL), 1);
    while (held-- > 0)
        check_int(hem_timeout_close(&t[held], 0), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(all_are_waited_for_by_default),
        LEDGER_TEST(the_first_to_be_done_is_enough),
        LEDGER_TEST(the_first_failure_is_enough),
        LEDGER_TEST(cancelled_is_not_failed),
        LEDGER_TEST(the_time_runs_out),
        LEDGER_TEST(it_always_gives_way),
        LEDGER_TEST(cancelling_the_caller_leaves_them_alone),
        LEDGER_TEST(what_is_done_when_it_wakes_up_is_done),
        LEDGER_TEST(one_given_twice_counts_as_two),
        LEDGER_TEST(a_task_may_wait_for_itself_until_the_time_runs_out),
        LEDGER_TEST(what_makes_no_sense_is_refused),
        LEDGER_TEST(without_memory_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

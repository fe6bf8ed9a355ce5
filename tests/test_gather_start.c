/* SPDX-License-Identifier: MIT */
/* Gatherings: hem_gather_start(), their futures, and trees of them. */
#include "job.h"
#include "support.h"

static int wait_for(void *arg)
{
    int rc = hem_future_wait(arg);
    if (rc == HEM_EIO)
        check_str(hem_failure()->message, "no disk");
    return rc;
}

VIRTUAL_TEST(the_future_is_done_when_all_are)
{
    struct job jobs[] = {{.takes = 20, .result = 2},
                         {.takes = 10, .result = 1}};
    hem_call c[] = {HEM_CALL_TASK(job_spawn(&jobs[0])),
                    HEM_CALL_TASK(job_spawn(&jobs[1]))};
    hem_gathering g;
    check_int(hem_gather_start(&g, c, 2, 0), 0);
    hem_future *f = hem_gather_future(&g);
    check(!hem_future_done(f));
    check_int(hem_future_set_result(f, 0), HEM_EREFUSED);
    check_int(hem_future_wait(f), 0);
    check_int(hem_now(), 20);
    check_int(c[0].status, 2);
    check_int(c[1].order, 1);
    check(!hem_future_cancel(f, "too late"));
    hem_gather_stop(&g);
    hem_gather_stop(&g);
    check_int(hem_future_result(f), 0);
    return 0;
}

VIRTUAL_TEST(the_future_of_what_is_done_is_done)
{
    hem_future f;
    hem_gathering g;
    hem_future_init(&f);
    check_int(hem_future_set_error(&f, HEM_EPIPE), 0);
    hem_call c[] = {HEM_CALL_FUTURE(&f)};
    check_int(hem_gather_start(&g, c, 1, 0), 0);
    check_int(hem_future_result(hem_gather_future(&g)), HEM_EPIPE);
    hem_gather_stop(&g);
    check_int(hem_gather_start(&g, c, 1, HEM_RETURN_ERRORS), 0);
    check_int(hem_future_result(hem_gather_future(&g)), 0);
    hem_gather_stop(&g);
    check_int(hem_gather_start(&g, NULL, 0, 0), 0);
    check_int(hem_future_result(hem_gather_future(&g)), 0);
    hem_gather_stop(&g);
    return 0;
}

VIRTUAL_TEST(all_who_wait_get_the_failure_and_its_record)
{
    struct job j = {.takes = 10, .result = HEM_EIO, .says = "no disk"};
    hem_call c[] = {HEM_CALL_TASK(job_spawn(&j))};
    hem_gathering g;
    hem_task *t[2];
    check_int(hem_gather_start(&g, c, 1, 0), 0);
    hem_future *f = hem_gather_future(&g);
    for (size_t i = 0; i < 2; i++)
        check_int(hem_spawn(&t[i], wait_for, f), 0);
    for (size_t i = 0; i < 2; i++)
        check_int(hem_await(t[i]), HEM_EIO);
    check_int(wait_for(f), HEM_EIO); /* also later */
    check_str(hem_future_error(f)->message, "no disk");
    check(c[0].error == hem_future_error(f));
    hem_gather_stop(&g);
    check(hem_future_error(f) == NULL && c[0].error == NULL);
    check_int(hem_future_result(f), HEM_EIO);
    return 0;
}

VIRTUAL_TEST(cancelling_the_future_cancels_what_is_not_done)
{
    struct job jobs[] = {{.takes = 1, .result = 1},
                         {.takes = 20, .cleans = 5},
                         {.takes = 30, .declines = true, .result = 3}};
    hem_call c[3];
    for (size_t i = 0; i < 3; i++)
        c[i] = (hem_call)HEM_CALL_TASK(job_spawn(&jobs[i]));
    hem_gathering g;
    check_int(hem_gather_start(&g, c, 3, HEM_RETURN_ERRORS), 0);
    hem_future *f = hem_gather_future(&g);
    check_int(hem_sleep(10), 0);
    check(hem_future_cancel(f, "over"));
    check_int(hem_future_wait(f), HEM_ECANCELED);
    check_int(hem_now(), 15);
    check_str(hem_task_reason(hem_self()), "over"); /* of the last one */
    check(!hem_future_cancelled(f)); /* as asyncio: it has failed so */
    check_int(c[0].status, 1);
    check_int(c[1].status, HEM_ECANCELED);
    check_int(c[2].status, 3);
    hem_gather_stop(&g);
    return 0;
}

FIFO_TEST(what_is_all_done_cannot_be_cancelled_though_nobody_was_told)
{
    hem_future f;
    hem_gathering inner, outer;
    hem_future_init(&f);
    hem_call c[] = {HEM_CALL_FUTURE(&f)};
    check_int(hem_gather_start(&inner, c, 1, 0), 0);
    hem_call d[] = {HEM_CALL_FUTURE(hem_gather_future(&inner))};
    check_int(hem_gather_start(&outer, d, 1, 0), 0);
    check_int(hem_future_set_result(&f, 4), 0);
    check(!hem_future_cancel(hem_gather_future(&inner), NULL));
    check(!hem_future_cancel(hem_gather_future(&outer), NULL));
    check_int(hem_future_wait(hem_gather_future(&outer)), 0);
    hem_gather_stop(&outer);
    hem_gather_stop(&inner);
    return 0;
}

VIRTUAL_TEST(who_waits_for_a_gathering_that_is_stopped_is_cancelled)
{
    struct job j = {.takes = 10, .result = 1};
    hem_task *t = job_spawn(&j);
    hem_task *waiter;
    hem_gathering g;
    hem_call c[] = {HEM_CALL_TASK(t)};
    check_int(hem_gather_start(&g, c, 1, 0), 0);
    check_int(hem_spawn(&waiter, wait_for, hem_gather_future(&g)), 0);
    check_int(hem_sleep(1), 0);
    hem_gather_stop(&g);
    memset(c, 0xaa, sizeof(c));
    check_int(hem_await(waiter), HEM_ECANCELED);
    check_int(hem_await(t), 1); /* it was left alone */
    return 0;
}

VIRTUAL_TEST(functions_cannot_be_gathered_without_waiting)
{
    struct job j = {.takes = 1};
    hem_future f;
    hem_future_init(&f);
    hem_call c[] = {HEM_CALL_FUTURE(&f), HEM_CALL(job, &j)};
    hem_gathering g;
    check_int(hem_gather_start(&g, c, 2, 0), HEM_EINVAL);
    check_int(hem_gather_start(&g, c, 1, HEM_CONTINUE_ON_ERROR), HEM_EINVAL);
    return 0;
}

/* One of a tree: it gathers two more, down to jobs, and says when it is
 * cancelled. */
struct node {
    const char *name;
    struct node *left, *right; /* NULL: it is a leaf */
};

static int climb(void *arg)
{
    const struct node *n = arg;
    int rc;
    if (n->left) {
        hem_call c[] = {HEM_CALL(climb, n->left), HEM_CALL(climb, n->right)};
        rc = hem_gather(c, 2, HEM_RETURN_ERRORS);
    } else {
        rc = hem_sleep(HEM_NEVER);
    }
    trace("%s", n->name);
    return rc;
}

FIFO_TEST(a_request_goes_through_a_tree_depth_first)
{
    struct node leaf[] = {{"a", NULL, NULL},
                          {"b", NULL, NULL},
                          {"c", NULL, NULL},
                          {"d", NULL, NULL}};
    struct node ab = {"ab", &leaf[0], &leaf[1]};
    struct node abc = {"abc", &ab, &leaf[2]};
    struct node root = {"abcd", &abc, &leaf[3]};
    hem_task *t;
    check_int(hem_spawn(&t, climb, &root), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t, "x"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_trace("a b c d ab abc abcd");
    return 0;
}

/* A chain of tasks, each of which gathers the next one. */
static int gather_next(void *arg)
{
    hem_task **next = arg;
    if (!*next)
        return hem_sleep(HEM_NEVER);
    hem_call c[] = {HEM_CALL_TASK(*next)};
    return hem_gather(c, 1, 0);
}

VIRTUAL_TEST(a_request_goes_to_the_end_of_a_long_chain_of_tasks)
{
    size_t n = scaled(20000);
    hem_task **t = calloc(n + 1, sizeof(hem_task *));
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    for (size_t i = n; i-- > 0;)
        check_int(hem_scope_spawn(&s, &t[i], gather_next, &t[i + 1]), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t[0], "end"));
    for (size_t i = 0; i < n; i++)
        check_int(hem_await(t[i]), HEM_ECANCELED);
    check_str(hem_task_reason(t[0]), "end");
    check_int(hem_scope_close(&s, 0), 0);
    free(t);
    return 0;
}

VIRTUAL_TEST(a_request_goes_to_the_bottom_of_a_deep_nest_of_gatherings)
{
    size_t n = scaled(20000);
    struct level {
        hem_gathering g;
        hem_call c;
    } *level = calloc(n, sizeof(*level));
    hem_future f;
    hem_future_init(&f);
    for (size_t i = 0; i < n; i++) {
        hem_future *of = i > 0 ? hem_gather_future(&level[i - 1].g) : &f;
        level[i].c = (hem_call)HEM_CALL_FUTURE(of);
        check_int(hem_gather_start(&level[i].g, &level[i].c, 1, 0), 0);
    }
    hem_future *top = hem_gather_future(&level[n - 1].g);
    check(hem_future_cancel(top, "end"));
    check(hem_future_cancelled(&f));
    check_int(hem_future_wait(top), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "end");
    for (size_t i = 0; i < n; i++)
        hem_gather_stop(&level[i].g);
    free(level);
    return 0;
}

VIRTUAL_TEST(a_ring_is_broken_by_a_request)
{
    hem_task *t[3] = {NULL};
    for (size_t i = 0; i < 3; i++)
        check_int(hem_spawn(&t[i], gather_next, &t[(i + 1) % 3]), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t[1], "enough"));
    for (size_t i = 0; i < 3; i++)
        check_int(hem_await(t[i]), HEM_ECANCELED);
    return 0;
}

/* All in time that grows with their number: no test of that but its end. */
VIRTUAL_TEST(a_hundred_thousand_operands_are_gathered)
{
    size_t n = scaled(100000);
    hem_future *f = calloc(n, sizeof(*f));
    hem_call *c = calloc(n, sizeof(*c));
    for (int backwards = 0; backwards < 2; backwards++) {
        for (size_t i = 0; i < n; i++) {
            hem_future_init(&f[i]);
            c[i] = (hem_call)HEM_CALL_FUTURE(&f[i]);
        }
        hem_gathering g;
        check_int(hem_gather_start(&g, c, n, 0), 0);
        for (size_t i = 0; i < n; i++)
            check_int(hem_future_set_result(&f[backwards ? n - 1 - i : i], 1),
                      0);
        hem_gather_stop(&g); /* all are about to be called back */
        check_int(c[n - 1].order, n);
        check_int(hem_gather(c, n, HEM_RETURN_ERRORS), 0);
        check_int(c[n - 1].order, n);
    }
    free(c);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_future_is_done_when_all_are),
        LEDGER_TEST(the_future_of_what_is_done_is_done),
        LEDGER_TEST(all_who_wait_get_the_failure_and_its_record),
        LEDGER_TEST(cancelling_the_future_cancels_what_is_not_done),
        LEDGER_TEST(
            what_is_all_done_cannot_be_cancelled_though_nobody_was_told),
        LEDGER_TEST(who_waits_for_a_gathering_that_is_stopped_is_cancelled),
        LEDGER_TEST(functions_cannot_be_gathered_without_waiting),
        LEDGER_TEST(a_request_goes_through_a_tree_depth_first),
        LEDGER_TEST(a_request_goes_to_the_end_of_a_long_chain_of_tasks),
        LEDGER_TEST(a_request_goes_to_the_bottom_of_a_deep_nest_of_gatherings),
        LEDGER_TEST(a_ring_is_broken_by_a_request),
        LEDGER_TEST(a_hundred_thousand_operands_are_gathered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

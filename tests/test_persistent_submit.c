/* SPDX-License-Identifier: MIT */
/* Persistent scopes: futures of results, and going through the children. */
#include "support.h"

#include "children.h"

static const hem_scope_options persistent = {.kind = HEM_PERSISTENT};

static int give(void *arg)
{
    return *(int *)arg;
}

static int fail_now(void *arg)
{
    (void)arg;
    return hem_fail(HEM_EIO, "broken");
}

/* Each call needs a task of its own. */

static int in_task(hem_fn *fn, void *arg)
{
    hem_task *t;
    check_int(hem_spawn(&t, fn, arg), 0);
    return hem_await(t);
}

/* Error handlers. */

struct handled {
    hem_scope *scope;
    int calls;
    int result;
    hem_ns takes;
};

static int on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    struct handled *h = arg;
    check(s == h->scope);
    check(child == hem_self());
    check(hem_scope_current() == s);
    check(!hem_task_done(child));
    check_int(error, HEM_EIO);
    check_str(hem_failure()->message, "broken");
    h->calls++;
    int rc = hem_sleep(h->takes);
    return rc < 0 ? rc : h->result;
}

static void open_handled(hem_scope *s, struct handled *h)
{
    hem_scope_options o = {
        .kind = HEM_PERSISTENT, .on_error = on_error, .on_error_arg = h};
    h->scope = s;
    check_int(hem_scope_open(s, &o), 0);
}

/* Futures of results. */

static int sleep_and_give(void *arg)
{
    HEM_TRY(hem_sleep(5));
    return *(int *)arg;
}

VIRTUAL_TEST(a_future_gets_the_result)
{
    int seven = 7;
    hem_submitted r;
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_submit(&s, &r, sleep_and_give, &seven), 0);
    check_int(hem_future_wait(hem_submitted_future(&r)), 7);
    check_int(hem_now(), 5);
    check_int(hem_scope_submit_with(&s, &r, give, &seven, .eager = true), 0);
    check_int(hem_future_result(hem_submitted_future(&r)), 7);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static bool is_called(void *arg, hem_task *t)
{
    check_str(hem_task_name(t), arg);
    return true;
}

VIRTUAL_TEST(the_child_is_named_after_its_function_or_as_told)
{
    int seven = 7;
    hem_submitted r;
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_submit(&s, &r, sleep_and_give, &seven), 0);
    hem_scope_each(&s, is_called, "sleep_and_give");
    check_int(hem_scope_shutdown(&s), 0);
    check_int(hem_scope_submit_with(&s, &r, give, &seven, .name = "job"), 0);
    hem_scope_each(&s, is_called, "job");
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_future_gets_the_error_before_the_handler_runs)
{
    struct handled h = {.takes = 10};
    hem_submitted r;
    hem_scope s;
    open_handled(&s, &h);
    check_int(hem_scope_submit(&s, &r, fail_now, NULL), 0);
    check_int(hem_future_wait(hem_submitted_future(&r)), HEM_EIO);
    check_str(hem_failure()->message, "broken");
    check_int(hem_now(), 0);
    check_int(hem_future_wait(hem_submitted_future(&r)), HEM_EIO);
    check(hem_future_error(hem_submitted_future(&r)) == NULL);
    check(!hem_future_cancelled(hem_submitted_future(&r)));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(h.calls, 1);
    check_int(hem_now(), 10);
    return 0;
}

/* In a frame that is gone while the handler sleeps. */
static int wait_for_error(void *arg)
{
    hem_submitted r;
    check_int(hem_scope_submit(arg, &r, fail_now, NULL), 0);
    int rc = hem_future_wait(hem_submitted_future(&r));
    memset(&r, 0xff, sizeof(r));
    __asm__ volatile("" : : "r"(&r) : "memory");
    return rc;
}

VIRTUAL_TEST(what_was_set_may_go_before_the_child_has_ended)
{
    struct handled h = {.takes = 10};
    hem_scope s;
    open_handled(&s, &h);
    check_int(in_task(wait_for_error, &s), HEM_EIO);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 10);
    return 0;
}

VIRTUAL_TEST(cancelling_the_child_cancels_the_future)
{
    int seven = 7;
    hem_submitted r;
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_submit(&s, &r, sleep_and_give, &seven), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "enough");
    check_int(hem_future_wait(hem_submitted_future(&r)), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "enough");
    check(hem_future_cancelled(hem_submitted_future(&r)));
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_child_that_never_ran_leaves_the_future_pending)
{
    int seven = 7;
    hem_submitted r;
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_submit(&s, &r, sleep_and_give, &seven), 0);
    check_int(hem_scope_shutdown(&s), 0);
    check(!hem_future_done(hem_submitted_future(&r)));
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int wait_it(void *arg)
{
    return hem_future_wait(arg);
}

VIRTUAL_TEST(cancelling_who_waits_leaves_the_child_alone_and_loses_the_result)
{
    int seven = 7;
    hem_submitted r;
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_submit(&s, &r, sleep_and_give, &seven), 0);
    check_int(hem_spawn(&t, wait_it, hem_submitted_future(&r)), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 5);
    check_report(HEM_REPORT_HANDLER, "sleep_and_give", HEM_ESTATE);
    return 0;
}

VIRTUAL_TEST(an_error_that_is_lost_is_reported_once_and_not_handled)
{
    for (int handled = 0; handled < 2; handled++) {
        struct handled h = {.takes = 0};
        hem_submitted r;
        hem_scope s;
        if (handled)
            open_handled(&s, &h);
        else
            check_int(hem_scope_open(&s, &persistent), 0);
        check_int(hem_scope_submit(&s, &r, fail_now, NULL), 0);
        check(hem_future_cancel(hem_submitted_future(&r), NULL));
        check_int(hem_scope_close(&s, 0), 0);
        check_report(HEM_REPORT_HANDLER, "fail_now", HEM_ESTATE);
        check_int(h.calls, 0);
    }
    return 0;
}

VIRTUAL_TEST(a_cancellation_that_is_lost_is_not_reported)
{
    int seven = 7;
    hem_submitted r;
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_submit(&s, &r, sleep_and_give, &seven), 0);
    check_int(hem_sleep(1), 0);
    check(hem_future_cancel(hem_submitted_future(&r), NULL));
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    return 0;
}

VIRTUAL_TEST(a_refused_submission_says_so)
{
    int seven = 7;
    hem_submitted r;
    hem_scope s = {0};
    check_int(hem_scope_submit(&s, &r, give, &seven), HEM_EREFUSED);
    hem_scope_options o = {
        .kind = HEM_PERSISTENT, .limit = 1, .pending_limit = 1};
    hem_submitted running, waiting;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_submit(&s, &running, give, &seven), 0);
    check_int(hem_scope_submit(&s, &waiting, give, &seven), 0);
    check_int(hem_scope_submit(&s, &r, give, &seven), HEM_ELIMIT);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_future_result(hem_submitted_future(&running)), 7);
    check_int(hem_future_result(hem_submitted_future(&waiting)), 7);
    return 0;
}

VIRTUAL_TEST(scopes_of_other_kinds_take_submissions_as_well)
{
    static const hem_scope_kind kinds[] = {HEM_TASKSCOPE, HEM_TASKGROUP};
    int seven = 7;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_submitted good, bad;
        hem_scope s;
        hem_scope_options o = {.kind = kinds[i]};
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_submit(&s, &good, give, &seven), 0);
        check_int(hem_scope_submit_with(&s, &bad, fail_now, NULL, .name = "b"),
                  0);
        bool grouped = kinds[i] == HEM_TASKGROUP;
        check_int(hem_scope_close(&s, 0), grouped ? HEM_EGROUP : 0);
        if (grouped)
            check_str(hem_scope_errors(&s)->errors[0]->message, "broken");
        else
            check_report(HEM_REPORT_CHILD, "b", HEM_EIO);
        check_int(hem_future_result(hem_submitted_future(&bad)), HEM_EIO);
    }
    return 0;
}

/* Enumeration, and children with handles. */

static bool collect(void *arg, hem_task *t)
{
    (void)arg;
    trace("%s", hem_task_name(t));
    return true;
}

VIRTUAL_TEST(each_goes_through_the_children)
{
    int seven = 7;
    hem_ns d = 5;
    hem_task *t;
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_for, &d, .name = "a"), 0);
    check_int(hem_scope_spawn_with(&s, &t, give, &seven, .name = "b"), 0);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_long, NULL, .name = "c"), 0);
    hem_scope_each(&s, collect, NULL);
    check_trace("a b c");
    check_int(hem_sleep(10), 0);
    hem_scope_each(&s, collect, NULL);
    check_trace("c");
    check_int(hem_task_result(t), 7);
    check_int(hem_scope_shutdown(&s), 0);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_for, &d, .name = "d"), 0);
    hem_scope_each(&s, collect, NULL);
    check_trace("d");
    hem_task_forget(t);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

/* Gives the handle of an ended one up, and spawns another in its place. */
static bool replace(void *arg, hem_task *t)
{
    hem_task **ended = arg;
    trace("%s", hem_task_name(t));
    if (*ended) {
        hem_task_forget(*ended);
        *ended = NULL;
        hem_task *another;
        hem_scope *s = hem_scope_current();
        check_int(
            hem_scope_spawn_with(s, &another, sleep_long, NULL, .name = "d"),
            0);
    }
    return true;
}

VIRTUAL_TEST(each_may_forget_ended_children_and_spawn_others)
{
    int seven = 7;
    hem_task *t[3];
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn_with(&s, &t[0], sleep_long, NULL, .name = "a"),
              0);
    check_int(hem_scope_spawn_with(&s, &t[1], give, &seven, .name = "b"), 0);
    check_int(hem_scope_spawn_with(&s, &t[2], sleep_long, NULL, .name = "c"),
              0);
    check_int(hem_await(t[1]), 7);
    hem_scope_each(&s, replace, &t[1]);
    check_trace("a c d");
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_future_gets_the_result),
        LEDGER_TEST(the_child_is_named_after_its_function_or_as_told),
        LEDGER_TEST(a_future_gets_the_error_before_the_handler_runs),
        LEDGER_TEST(what_was_set_may_go_before_the_child_has_ended),
        LEDGER_TEST(cancelling_the_child_cancels_the_future),
        LEDGER_TEST(a_child_that_never_ran_leaves_the_future_pending),
        LEDGER_TEST(
            cancelling_who_waits_leaves_the_child_alone_and_loses_the_result),
        LEDGER_TEST(an_error_that_is_lost_is_reported_once_and_not_handled),
        LEDGER_TEST(a_cancellation_that_is_lost_is_not_reported),
        LEDGER_TEST(a_refused_submission_says_so),
        LEDGER_TEST(scopes_of_other_kinds_take_submissions_as_well),
        LEDGER_TEST(each_goes_through_the_children),
        LEDGER_TEST(each_may_forget_ended_children_and_spawn_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

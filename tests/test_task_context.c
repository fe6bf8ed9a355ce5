/* SPDX-License-Identifier: MIT */
/* Task contexts: their children are cancelled when they are closed. */
#include "support.h"

#include <signal.h>

#include "children.h"

static const hem_scope_options context = {.kind = HEM_TASKCONTEXT};

static int fail_now(void *arg)
{
    (void)arg;
    return hem_fail(HEM_EIO, "at once");
}

/* Fails as it is cancelled. */
static int fail_cleaning_up(void *arg)
{
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return hem_fail(HEM_EPIPE, "%s", arg ? (const char *)arg : "late");
}

static int swallow(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return 4;
}

static int swallow_and_uncancel(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 4;
}

/* Open a context with `n` children of `fn`, which have begun. */
static void open_with(hem_scope *s, hem_fn *fn, int n)
{
    check_int(hem_scope_open(s, &context), 0);
    while (n-- > 0)
        check_int(hem_scope_spawn(s, NULL, fn, NULL), 0);
    check_int(hem_sleep(1), 0);
}

VIRTUAL_TEST(closing_cancels_the_children_and_waits_for_them)
{
    static const int results[] = {0, 7, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_ns start = hem_now();
        hem_scope s;
        open_with(&s, end_slowly, 3);
        check_int(hem_scope_children(&s), 3);
        check_int(hem_scope_close(&s, results[i]), results[i]);
        check_int(hem_now(), start + 11);
        check_int(hem_task_cancelling(hem_self()), 0);
        check_int(hem_yield(), 0);
    }
    return 0;
}

VIRTUAL_TEST(a_context_without_children_ends_as_its_body)
{
    static const int results[] = {0, 7, HEM_EIO, HEM_ECANCELED};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        hem_scope s;
        check_int(hem_scope_open(&s, &context), 0);
        check_int(hem_scope_aclose(&s), 0);
        check_int(hem_scope_close(&s, results[i]), results[i]);
        check_int(hem_scope_close(&s, results[i]), HEM_EMISUSE);
        check_int(hem_scope_aclose(&s), 0);
    }
    return 0;
}

VIRTUAL_TEST(a_failed_child_is_reported_and_leaves_the_others_alone)
{
    hem_scope s;
    open_with(&s, sleep_long, 1);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_report(HEM_REPORT_CHILD, "fail_now", HEM_EIO);
    check_int(hem_scope_children(&s), 1);
    check_int(hem_scope_close(&s, 0), 0); /* that failure was told */
    check(hem_scope_errors(&s) == NULL);
    return 0;
}

static int on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    check(hem_self() == NULL);
    check(hem_task_done(child));
    check_int(hem_scope_children(s), *(size_t *)arg);
    trace("%s %s", hem_task_name(child), hem_errname(error));
    return error == HEM_EIO ? HEM_EXDEV : 0;
}

VIRTUAL_TEST(an_error_handler_hears_of_failures_before_and_in_the_close)
{
    size_t left = 1;
    hem_scope_options o = {
        .kind = HEM_TASKCONTEXT, .on_error = on_error, .on_error_arg = &left};
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_cleaning_up, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_trace("fail_now HEM_EIO");
    check_report(HEM_REPORT_HANDLER, "fail_now", HEM_EXDEV);
    left = 0;
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_trace("fail_cleaning_up HEM_EPIPE");
    return 0;
}

/* Who may spawn. */

static int spawn_refused(void *arg)
{
    check_int(hem_scope_spawn(arg, NULL, sleep_long, NULL), HEM_EREFUSED);
    check_int(hem_scope_spawn_with(arg, NULL, sleep_long, NULL, .eager = true),
              HEM_EREFUSED);
    return 0;
}

static void spawn_refused_in_callback(void *arg)
{
    check_int(hem_scope_spawn(arg, NULL, sleep_long, NULL), HEM_EREFUSED);
}

static void run_callback(hem_callback_fn *fn, void *arg)
{
    hem_callback cb;
    hem_callback_init(&cb, fn, arg);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(1), 0);
}

VIRTUAL_TEST(the_first_who_spawns_is_the_only_one)
{
    hem_scope s;
    hem_task *other;
    check_int(hem_scope_open(&s, &context), 0);
    run_callback(spawn_refused_in_callback, &s);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    run_callback(spawn_refused_in_callback, &s);
    check_int(hem_spawn(&other, spawn_refused, &s), 0);
    check_int(hem_await(other), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_children(&s), 2);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int spawn_one(void *arg)
{
    check_int(hem_scope_spawn(arg, NULL, fail_cleaning_up, NULL), 0);
    return 0;
}

VIRTUAL_TEST(that_may_be_another_than_who_opened_it_and_may_have_ended)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_spawn(NULL, spawn_one, &s), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_children(&s), 1);
    check_int(spawn_refused(&s), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    check_str(hem_scope_errors(&s)->task, "main"); /* which closed it */
    check_str(hem_scope_errors(&s)->errors[0]->message, "late");
    return 0;
}

VIRTUAL_TEST(a_spawn_that_lacks_memory_gives_nobody_a_right)
{
    hem_scope s;
    hem_task *t, *other;
    check_int(hem_scope_open(&s, &context), 0);
    do {
        ledger_fail_from(1);
        int rc = hem_scope_spawn_with(&s, &t, sleep_long, NULL,
                                      .stack_bytes = 1 << 20);
        ledger_fail_from(0);
        if (!check_int(rc, HEM_ENOMEM))
            break;
        check_int(hem_spawn(&other, spawn_one, &s), 0);
        check_int(hem_await(other), 0);
    } while (0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    return 0;
}

VIRTUAL_TEST(once_it_is_being_closed_nobody_may_spawn)
{
    hem_scope s;
    hem_task *other;
    open_with(&s, end_slowly, 1);
    check_int(hem_spawn(&other, spawn_refused, &s), 0);
    check_int(hem_scope_aclose(&s), 0);
    check_int(spawn_refused(&s), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(spawn_refused(&s), 0);
    return 0;
}

/* How closing ends. */

VIRTUAL_TEST(a_child_that_fails_on_the_way_makes_a_group)
{
    hem_scope s;
    open_with(&s, sleep_long, 2);
    check_int(hem_scope_spawn(&s, NULL, fail_cleaning_up, "no space"), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    const hem_error *e = hem_scope_errors(&s);
    check(e == hem_failure());
    check_int(e->count, 1);
    check_int(e->errors[0]->code, HEM_EPIPE);
    check_str(e->errors[0]->message, "no space");
    return 0;
}

VIRTUAL_TEST(a_child_that_swallows_its_cancellation_makes_a_group)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, NULL, swallow, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    const hem_error *e = hem_scope_errors(&s);
    check_int(e->count, 1);
    check_int(e->errors[0]->code, HEM_ESWALLOWED);
    check_str(e->errors[0]->task, "swallow");
    check_str(e->errors[0]->message, hem_strerror(HEM_ESWALLOWED));
    return 0;
}

VIRTUAL_TEST(a_child_that_takes_it_back_does_not)
{
    hem_scope s;
    open_with(&s, swallow_and_uncancel, 2);
    check_int(hem_scope_close(&s, 3), 3);
    return 0;
}

VIRTUAL_TEST(a_group_outweighs_the_error_of_the_body)
{
    hem_scope s;
    open_with(&s, swallow, 1);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->count, 1);
    return 0;
}

VIRTUAL_TEST(all_that_failed_are_in_the_group)
{
    hem_scope s;
    open_with(&s, swallow, 2);
    for (int i = 0; i < 3; i++)
        check_int(hem_scope_spawn(&s, NULL, fail_cleaning_up, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, swallow_and_uncancel, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_now(), 12);
    for (int i = 0; i < 3; i++)
        check_report(HEM_REPORT_CHILD, "fail_cleaning_up", HEM_EPIPE);
    check_int(hem_scope_errors(&s)->count, 5);
    return 0;
}

static void cancel_it(void *arg)
{
    check(hem_task_cancel(arg, "by another"));
}

/* Wants one request more. */
static int end_at_the_second_request(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return hem_sleep(HEM_SEC);
}

VIRTUAL_TEST(a_child_that_is_cancelled_once_more_makes_it_cancelled)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, &t, end_at_the_second_request, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, swallow, NULL), 0);
    check_int(hem_sleep(1), 0);
    hem_callback cb;
    hem_callback_init(&cb, cancel_it, t);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 6);
    check(hem_scope_errors(&s) == NULL);
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(requests_from_before_do_not)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, &t, end_at_the_second_request, NULL), 0);
    check_int(hem_sleep(1), 0);
    cancel_it(t);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 2);
    return 0;
}

static int close_waiting(void *arg)
{
    hem_scope s;
    open_with(&s, end_at_the_second_request, 2);
    check_int(hem_scope_spawn(&s, NULL, swallow, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, *(int *)arg), HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_str(hem_task_reason(hem_self()), "by another");
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_yield();
}

VIRTUAL_TEST(who_is_cancelled_while_closing_cancels_the_children_again)
{
    int rc = 0;
    hem_task *t;
    check_int(hem_spawn(&t, close_waiting, &rc), 0);
    check_int(hem_sleep(5), 0);
    cancel_it(t);
    check_int(hem_await(t), 0);
    return 0;
}

VIRTUAL_TEST(a_pending_request_is_raised_and_no_child_is_left_behind)
{
    hem_scope s;
    open_with(&s, end_slowly, 2);
    cancel_it(hem_self());
    check_int(hem_scope_aclose(&s), HEM_ECANCELED);
    check_int(hem_now(), 1);
    check_int(hem_scope_children(&s), 2); /* which were not cancelled */
    check_int(hem_sleep(1), 0);
    cancel_it(hem_self());
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 12);
    check_int(hem_task_cancelling(hem_self()), 2);
    check_int(hem_yield(), 0);
    return 0;
}

static int swallow_slowly(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_sleep(10), 0);
    return 4;
}

VIRTUAL_TEST(closing_what_was_aborted_does_not_cancel_twice)
{
    hem_scope s;
    open_with(&s, end_slowly, 2);
    hem_scope_abort(&s, "enough");
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_now(), 11);
    check_int(hem_scope_close(&s, 0), 0);

    open_with(&s, swallow_slowly, 1);
    hem_scope_abort(&s, "enough");
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->errors[0]->code, HEM_ESWALLOWED);
    return 0;
}

VIRTUAL_TEST(one_that_is_cancelled_once_more_after_an_abort_makes_it_cancelled)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, &t, end_at_the_second_request, NULL), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "enough");
    hem_callback cb;
    hem_callback_init(&cb, cancel_it, t);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_scope_close(&s, 0), HEM_ECANCELED);
    check_int(hem_now(), 6);
    return 0;
}

/* Needs 10 to clean up, unless it is cancelled again. */
static int clean_up(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_SEC);
    (void)!hem_sleep(10);
    return rc;
}

static int leave_block(void)
{
    HEM_SCOPE(s, .kind = HEM_TASKCONTEXT);
    HEM_TRY(hem_scope_spawn(&s, NULL, clean_up, NULL));
    HEM_TRY(hem_sleep(1));
    return 7;
}

static int leave_interrupted(void *arg)
{
    (void)arg;
    check_int(leave_block(), 7);
    check_int(hem_now(), 5); /* it passed the request on */
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "by another");
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(leaving_a_block_cancels_the_children_once)
{
    check_int(leave_block(), 7);
    check_int(hem_now(), 11);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(a_request_while_a_block_is_left_is_not_lost)
{
    hem_task *t;
    check_int(hem_spawn(&t, leave_interrupted, NULL), 0);
    check_int(hem_sleep(5), 0);
    cancel_it(t);
    check_int(hem_await(t), 0);
    return 0;
}

static int leave_block_cancelled(void *arg)
{
    HEM_SCOPE(s, .kind = HEM_TASKCONTEXT);
    HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY(hem_sleep(1));
    cancel_it(arg);
    return 7;
}

VIRTUAL_TEST(nor_is_one_from_just_before)
{
    check_int(leave_block_cancelled(hem_self()), 7);
    check_int(hem_now(), 11);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(aclose_tells_once)
{
    hem_scope s;
    open_with(&s, swallow, 1);
    check_int(hem_scope_aclose(&s), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->count, 1);
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_scope_close(&s, 6), 6);
    return 0;
}

/* Closing by several, in frames that are gone afterwards. */

static int aclose_it(void *arg)
{
    return hem_scope_aclose(*(hem_scope **)arg);
}

static int close_it(void *arg)
{
    return hem_scope_close(*(hem_scope **)arg, 0);
}

static int fail_slowly(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    (void)!hem_sleep(10); /* each who closes it cancels the children */
    return HEM_EPIPE;
}

static int close_and_wipe(void *arg)
{
    hem_scope **ret = arg;
    hem_scope *s = malloc(sizeof(*s));
    *ret = s;
    check_int(hem_scope_open(s, &context), 0);
    check_int(hem_scope_spawn(s, NULL, fail_slowly, NULL), 0);
    check_int(hem_sleep(5), 0);
    int rc = hem_scope_close(s, 0);
    memset(s, 0xa5, sizeof(*s));
    free(s);
    return rc;
}

VIRTUAL_TEST(all_who_close_it_are_told_what_failed)
{
    hem_scope *s;
    hem_task *owner, *others[3];
    check_int(hem_spawn(&owner, close_and_wipe, &s), 0);
    check_int(hem_sleep(5), 0);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_int(hem_spawn(&others[i], aclose_it, &s), 0);
    check_int(hem_await(owner), HEM_EGROUP);
    check_report(HEM_REPORT_CHILD, "fail_slowly", HEM_EPIPE);
    check_int(hem_task_error(owner)->count, 1);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        check_int(hem_await(others[i]), HEM_EGROUP);
        const hem_error *e = hem_task_error(others[i]);
        if (check(e != NULL)) {
            check_int(e->count, 1);
            check_int(e->errors[0]->code, HEM_EPIPE);
        }
    }
    return 0;
}

VIRTUAL_TEST(another_task_may_close_it)
{
    hem_scope s, *at = &s;
    hem_task *t;
    open_with(&s, end_slowly, 2);
    check_int(hem_spawn(&t, close_it, &at), 0);
    check_int(hem_await(t), 0);
    check_int(hem_now(), 11);
    check_int(hem_scope_close(&s, 0), HEM_EMISUSE);
    return 0;
}

static int end_soon(void *arg)
{
    (void)arg;
    return hem_sleep(4);
}

/* Its child ends as the others begin to close it. */
static int close_as_it_ends(void *arg)
{
    hem_scope **ret = arg;
    hem_scope *s = malloc(sizeof(*s));
    *ret = s;
    check_int(hem_scope_open(s, &context), 0);
    check_int(hem_scope_spawn(s, NULL, end_soon, NULL), 0);
    check_int(hem_sleep(4), 0);
    int rc = hem_scope_close(s, 0);
    memset(s, 0xa5, sizeof(*s));
    free(s);
    *ret = NULL;
    return rc;
}

static int aclose_at_4(void *arg)
{
    check_int(hem_sleep(4), 0);
    return *(hem_scope **)arg ? aclose_it(arg) : 0;
}

VIRTUAL_TEST(who_begins_to_close_it_as_it_goes_is_safe)
{
    hem_scope *s;
    hem_task *owner, *others[20];
    for (size_t i = 0; i < 10; i++)
        check_int(hem_spawn(&others[i], aclose_at_4, &s), 0);
    check_int(hem_spawn(&owner, close_as_it_ends, &s), 0);
    for (size_t i = 10; i < 20; i++)
        check_int(hem_spawn(&others[i], aclose_at_4, &s), 0);
    check_int(hem_await(owner), 0);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_int(hem_await(others[i]), 0);
    return 0;
}

static int close_own(void *arg)
{
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_aclose(arg), HEM_EREFUSED);
    check_int(hem_scope_close(arg, 0), HEM_EREFUSED);
    return 0;
}

VIRTUAL_TEST(a_child_cannot_close_it)
{
    hem_scope s;
    hem_ns start = hem_now();
    check_int(hem_scope_open(&s, &context), 0);
    check_int(hem_scope_spawn(&s, NULL, close_own, &s), 0);
    check_int(hem_sleep(2), 0);
    check_int(hem_scope_children(&s), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), start + 2);
    return 0;
}

static int await_it(void *arg)
{
    return hem_await(arg);
}

static void end_process(void *arg)
{
    (void)arg;
    raise(SIGKILL);
}

/* A child and who closes the context wait for each other. */
static int wait_in_a_ring(void *arg)
{
    hem_scope s;
    hem_callback cb;
    hem_callback_init(&cb, end_process, arg);
    HEM_TRY(hem_call_later(&cb, 5));
    HEM_TRY(hem_scope_open(&s, &context));
    HEM_TRY(hem_scope_spawn(&s, NULL, await_it, hem_self()));
    HEM_TRY(hem_sleep(1));
    return hem_scope_close(&s, 0);
}

static int run_ring(void *arg)
{
    return run_virtual(wait_in_a_ring, arg);
}

static void a_ring_of_waiting_tasks_hangs_but_does_not_crash(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_ring, NULL, &e);
    check_int(e.signo, SIGKILL);
    check_str(e.text, "");
    run_assert_checks();
}

VIRTUAL_TEST(timeout_and_shield_have_no_effect)
{
    static const hem_scope_kind kinds[] = {HEM_TASKCONTEXT, HEM_PERSISTENT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope_options o = {.kind = kinds[i], .timeout = 5, .shield = true};
        hem_scope s;
        check_int(hem_scope_open(&s, &o), 0);
        cancel_it(hem_self());
        check_int(hem_sleep(1), HEM_ECANCELED);
        check_int(hem_sleep(10), 0);
        check(!hem_scope_expired(&s));
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

static int read_var(void *arg)
{
    return *(int *)hem_var_get(arg);
}

VIRTUAL_TEST(children_run_in_the_context_of_the_options)
{
    int one = 1, two = 2;
    hem_var v = HEM_VAR("v", &one);
    hem_context c;
    hem_context_copy(&c);
    check_int(hem_var_set(&v, &two), 0);
    hem_scope_options o = {.kind = HEM_TASKCONTEXT, .context = &c};
    hem_scope s;
    hem_task *t, *own;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, &t, read_var, &v), 0);
    check_int(hem_await(t), 1);
    hem_context mine;
    hem_context_copy(&mine);
    check_int(hem_scope_spawn_with(&s, &own, read_var, &v, .context = &mine),
              0);
    check_int(hem_await(own), 2);
    check_int(hem_scope_close(&s, 0), 0);
    hem_context_deinit(&mine);
    hem_context_deinit(&c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(closing_cancels_the_children_and_waits_for_them),
        LEDGER_TEST(a_context_without_children_ends_as_its_body),
        LEDGER_TEST(a_failed_child_is_reported_and_leaves_the_others_alone),
        LEDGER_TEST(an_error_handler_hears_of_failures_before_and_in_the_close),
        LEDGER_TEST(the_first_who_spawns_is_the_only_one),
        LEDGER_TEST(that_may_be_another_than_who_opened_it_and_may_have_ended),
        LEDGER_TEST(a_spawn_that_lacks_memory_gives_nobody_a_right),
        LEDGER_TEST(once_it_is_being_closed_nobody_may_spawn),
        LEDGER_TEST(a_child_that_fails_on_the_way_makes_a_group),
        LEDGER_TEST(a_child_that_swallows_its_cancellation_makes_a_group),
        LEDGER_TEST(a_child_that_takes_it_back_does_not),
        LEDGER_TEST(a_group_outweighs_the_error_of_the_body),
        LEDGER_TEST(all_that_failed_are_in_the_group),
        LEDGER_TEST(a_child_that_is_cancelled_once_more_makes_it_cancelled),
        LEDGER_TEST(requests_from_before_do_not),
        LEDGER_TEST(who_is_cancelled_while_closing_cancels_the_children_again),
        LEDGER_TEST(a_pending_request_is_raised_and_no_child_is_left_behind),
        LEDGER_TEST(closing_what_was_aborted_does_not_cancel_twice),
        LEDGER_TEST(
            one_that_is_cancelled_once_more_after_an_abort_makes_it_cancelled),
        LEDGER_TEST(leaving_a_block_cancels_the_children_once),
        LEDGER_TEST(a_request_while_a_block_is_left_is_not_lost),
        LEDGER_TEST(nor_is_one_from_just_before),
        LEDGER_TEST(aclose_tells_once),
        LEDGER_TEST(all_who_close_it_are_told_what_failed),
        LEDGER_TEST(another_task_may_close_it),
        LEDGER_TEST(who_begins_to_close_it_as_it_goes_is_safe),
        LEDGER_TEST(a_child_cannot_close_it),
        LEDGER_TEST(a_ring_of_waiting_tasks_hangs_but_does_not_crash),
        LEDGER_TEST(timeout_and_shield_have_no_effect),
        LEDGER_TEST(children_run_in_the_context_of_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

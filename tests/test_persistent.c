/* SPDX-License-Identifier: MIT */
/* Persistent scopes: members of objects, for whoever has the object. */
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

static int fail_plainly(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

/* Each call needs a task of its own. */

static int shut_down(void *arg)
{
    return hem_scope_shutdown(arg);
}

static int close_it(void *arg)
{
    return hem_scope_close(arg, 0);
}

static int in_task(hem_fn *fn, void *arg)
{
    hem_task *t;
    check_int(hem_spawn(&t, fn, arg), 0);
    return hem_await(t);
}

/* An object with tasks. */
struct server {
    hem_scope jobs;
    int served;
};

static int serve(void *arg)
{
    struct server *s = arg;
    HEM_TRY(hem_sleep(5));
    s->served++;
    return 0;
}

static int submit_job(void *arg)
{
    struct server *s = arg;
    check_int(hem_scope_spawn(&s->jobs, NULL, serve, s), 0);
    return 0;
}

static void submit_in_callback(void *arg)
{
    submit_job(arg);
}

static int server_create(void *arg)
{
    struct server **ret = arg;
    struct server *s = calloc(1, sizeof(*s));
    check_int(hem_scope_open(&s->jobs, &persistent), 0);
    *ret = s;
    return 0;
}

static int server_destroy(void *arg)
{
    struct server *s = arg;
    check_int(hem_scope_close(&s->jobs, 0), 0);
    int served = s->served;
    memset(s, 0xa5, sizeof(*s));
    free(s);
    return served;
}

VIRTUAL_TEST(it_lives_in_an_object_and_any_task_uses_it)
{
    struct server *s = NULL;
    check_int(in_task(server_create, &s), 0);
    check_int(in_task(submit_job, s), 0);
    check_int(submit_job(s), 0);
    hem_callback cb;
    hem_callback_init(&cb, submit_in_callback, s);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_children(&s->jobs), 3);
    check_int(in_task(server_destroy, s), 3);
    check_int(hem_now(), 5);
    return 0;
}

VIRTUAL_TEST(it_nests_with_nothing)
{
    hem_scope a, b, lexical;
    check_int(hem_scope_open(&a, &persistent), 0);
    check_int(hem_scope_open(&lexical, NULL), 0);
    check_int(hem_scope_open(&b, &persistent), 0);
    check_int(hem_scope_spawn(&a, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&b, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_close(&a, HEM_EIO), HEM_EIO);
    check_int(hem_scope_close(&lexical, 0), 0);
    check_int(hem_scope_close(&b, HEM_EIO), HEM_EIO);
    check_int(hem_now(), 0);
    return 0;
}

static int open_it(void *arg)
{
    return hem_scope_open(arg, &persistent);
}

VIRTUAL_TEST(who_opened_it_may_have_ended)
{
    hem_scope s;
    check_int(in_task(open_it, &s), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(in_task(shut_down, &s), 0);
    check_int(in_task(close_it, &s), 0);
    check_int(hem_scope_close(&s, 0), HEM_EMISUSE);
    check_int(hem_scope_shutdown(&s), 0); /* it has no children */
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_scope_drain(&s, 0), HEM_EMISUSE);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    return 0;
}

VIRTUAL_TEST(an_open_one_is_not_opened_again)
{
    static const hem_scope_kind kinds[] = {HEM_PERSISTENT, HEM_TASKCONTEXT,
                                           HEM_TASKSCOPE, HEM_TASKGROUP};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope s, other;
        hem_scope_options o = {.kind = kinds[i]};
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_scope_open(&other, &persistent), 0);
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            o.kind = kinds[k];
            check_int(hem_scope_open(&s, &o), HEM_EREFUSED);
        }
        check_int(hem_shield_open(&s, NULL), HEM_EREFUSED);
        check_int(hem_scope_children(&s), 1);
        check_int(hem_scope_close(&other, 0), 0);
        check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
        check_int(hem_scope_open(&s, NULL), 0); /* that was all */
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(an_open_shield_is_not_opened_again)
{
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_shield_open(&s, NULL), HEM_EREFUSED);
    check_int(hem_scope_open(&s, &persistent), HEM_EREFUSED);
    check_int(hem_shield_close(&s, 0), 0);
    return 0;
}

/* Shutdown. */

static int shut_down_at_5(void *arg)
{
    check_int(hem_sleep(5), 0);
    check_int(hem_scope_shutdown(arg), 0);
    check_int(hem_now(), 15);
    return 0;
}

static void spawn_shutdown(void *arg)
{
    check_int(hem_spawn(NULL, shut_down, arg), 0);
}

VIRTUAL_TEST(shutdown_cancels_the_children_and_waits_for_them)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, &t, end_slowly, NULL), 0);
    check_int(in_task(shut_down_at_5, &s), 0);
    check(hem_task_cancelled(t));
    check_int(hem_scope_children(&s), 0);
    check_int(hem_scope_shutdown(&s), 0); /* there is nothing to do */
    check_int(hem_now(), 15);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_task_that_a_callback_spawned_may_shut_it_down)
{
    hem_scope s;
    hem_callback cb;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    hem_callback_init(&cb, spawn_shutdown, &s);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 15);
    return 0;
}

VIRTUAL_TEST(after_a_shutdown_it_takes_children_and_shuts_down_again)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    for (int i = 0; i < 3; i++) {
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_scope_shutdown(&s), 0);
        check_int(hem_scope_children(&s), 0);
    }
    hem_ns d = 5;
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EIO); /* as aiotools has it */
    check_int(hem_now(), 5);
    return 0;
}

VIRTUAL_TEST(aclose_is_a_shutdown_and_may_be_repeated)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    for (int i = 0; i < 3; i++) {
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_scope_aclose(&s), 0);
        check_int(hem_scope_children(&s), 0);
    }
    check_int(hem_now(), 0);
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(abort_cancels_the_children_there_are_each_time)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    for (int i = 0; i < 3; i++) {
        hem_task *t;
        check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
        check_int(hem_sleep(1), 0);
        hem_scope_abort(&s, "enough");
        check_int(hem_sleep(1), 0);
        check(hem_task_cancelled(t));
        check_str(hem_task_reason(t), "enough");
    }
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EIO); /* it was no shutdown */
    check_int(hem_now(), 6);
    return 0;
}

static int shut_down_interrupted(void *arg)
{
    check_int(hem_scope_shutdown(arg), 0);
    check_int(hem_now(), 10);
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_yield();
}

VIRTUAL_TEST(a_request_to_who_shuts_it_down_is_swallowed)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_yield(), 0);
    check_int(hem_spawn(&t, shut_down_interrupted, &s), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

/* Closing. */

VIRTUAL_TEST(closing_waits_for_the_children)
{
    hem_scope s;
    hem_ns d = 30;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_close(&s, 6), 6);
    check_int(hem_now(), 30);
    return 0;
}

VIRTUAL_TEST(closing_with_an_error_cancels_them)
{
    static const int errors[] = {HEM_EIO, HEM_ECANCELED, HEM_ETIMEDOUT};
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        hem_ns start = hem_now();
        hem_scope s;
        check_int(hem_scope_open(&s, &persistent), 0);
        check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
        check_int(hem_sleep(1), 0);
        check_int(hem_scope_close(&s, errors[i]), errors[i]);
        check_int(hem_now(), start + 11);
    }
    return 0;
}

static int close_with_child(void *arg)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    *(int *)arg = hem_scope_close(&s, 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_yield();
}

VIRTUAL_TEST(a_request_to_who_closes_it_cancels_them)
{
    int rc = 0;
    hem_task *t;
    check_int(hem_spawn(&t, close_with_child, &rc), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), 0);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_now(), 15);
    return 0;
}

static int leave_block(void)
{
    HEM_SCOPE(s, .kind = HEM_PERSISTENT);
    HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY(hem_sleep(1));
    return 7;
}

static int leave_interrupted(void *arg)
{
    (void)arg;
    check_int(leave_block(), 7);
    check_int(hem_now(), 11);
    check_int(hem_yield(), HEM_ECANCELED);
    return 0;
}

VIRTUAL_TEST(a_request_while_a_block_is_left_is_not_lost)
{
    hem_task *t;
    check_int(hem_spawn(&t, leave_interrupted, NULL), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), 0);
    return 0;
}

VIRTUAL_TEST(a_cancellation_of_the_body_is_passed_on_without_its_reason)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    check(hem_task_cancel(hem_self(), "stop"));
    int rc = hem_yield();
    check_str(hem_task_reason(hem_self()), "stop");
    check_int(hem_scope_close(&s, rc), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), NULL); /* as in aiotools */
    return 0;
}

/* Several close it, and the first to return frees it. */
static int close_and_free(void *arg)
{
    hem_scope **at = arg;
    int rc = hem_scope_close(*at, 0);
    if (*at) {
        memset(*at, 0xa5, sizeof(**at));
        free(*at);
        *at = NULL;
    }
    return rc;
}

VIRTUAL_TEST(who_closes_it_as_well_waits_until_it_is_closed)
{
    for (int n = 1; n < 20; n++) {
        hem_ns begin = hem_now();
        hem_task *t[20];
        hem_scope *s = malloc(sizeof(*s));
        check_int(hem_scope_open(s, &persistent), 0);
        check_int(hem_scope_spawn(s, NULL, end_slowly, NULL), 0);
        for (int i = 0; i < n; i++)
            check_int(hem_spawn(&t[i], close_and_free, &s), 0);
        check_int(hem_sleep(5), 0);
        check(hem_task_cancel(t[n / 2], NULL)); /* any of them */
        for (int i = 0; i < n; i++)
            check_int(hem_await(t[i]), i == n / 2 ? HEM_ECANCELED : 0);
        check_int(hem_now(), begin + 15);
        check(s == NULL);
    }
    return 0;
}

static int close_failed(void *arg)
{
    check_int(hem_sleep(5), 0);
    return hem_scope_close(arg, HEM_EIO);
}

VIRTUAL_TEST(one_that_closes_it_with_an_error_cancels_the_children)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_spawn(&t, close_failed, &s), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_await(t), HEM_EIO);
    check_int(hem_now(), 15);
    return 0;
}

static int leave_block_closed_elsewhere(void)
{
    HEM_SCOPE(s, .kind = HEM_PERSISTENT);
    HEM_TRY(hem_scope_spawn(&s, NULL, end_slowly, NULL));
    HEM_TRY(hem_spawn(NULL, close_it, &s));
    HEM_TRY(hem_sleep(1));
    return 7;
}

/* Use the stack that the block had. */
__attribute__((noinline)) static void overwrite(void)
{
    char frame[4096];
    memset(frame, 0xa5, sizeof(frame));
    __asm__ volatile("" : : "r"(frame) : "memory");
}

static int leave_and_overwrite(void *arg)
{
    check_int(leave_block_closed_elsewhere(), 7);
    overwrite();
    check_int(hem_now(), 11);
    check_int(hem_yield(), arg ? HEM_ECANCELED : 0);
    return 0;
}

static void
a_block_that_another_has_begun_to_close_is_left_as_well(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        hem_run_options o = {.seed = seed};
        check_int(run_with(leave_and_overwrite, NULL, &o), 0);
    }
    run_assert_checks();
}

VIRTUAL_TEST(a_request_meanwhile_is_not_lost)
{
    hem_task *t;
    check_int(hem_spawn(&t, leave_and_overwrite, &t), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), 0);
    return 0;
}

/* A child waits for itself. */

static int close_own(void *arg)
{
    check_int(hem_scope_close(arg, 0), HEM_EREFUSED);
    check_int(hem_scope_aclose(arg), HEM_EREFUSED);
    check_int(hem_scope_shutdown(arg), HEM_EREFUSED);
    check_int(hem_scope_drain(arg, HEM_SEC), HEM_EREFUSED);
    return 0;
}

static int close_parents(void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, close_own, arg));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(a_child_or_a_childs_child_cannot_wait_for_the_children)
{
    hem_scope s;
    hem_task *t[2];
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, &t[0], close_own, &s), 0);
    check_int(hem_scope_spawn(&s, &t[1], close_parents, &s), 0);
    check_int(hem_await(t[0]), 0);
    check_int(hem_await(t[1]), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int aclose_own(void *arg)
{
    check_int(hem_scope_aclose(arg), HEM_EREFUSED);
    check_int(hem_scope_shutdown(arg), HEM_EREFUSED);
    check_int(hem_scope_drain(arg, HEM_SEC), HEM_EREFUSED);
    check_int(hem_yield(), 0); /* nothing was cancelled */
    return 1;
}

VIRTUAL_TEST(nor_can_those_of_other_kinds)
{
    static const hem_scope_kind kinds[] = {HEM_TASKSCOPE, HEM_SHIELDSCOPE,
                                           HEM_TASKGROUP, HEM_TASKCONTEXT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope s;
        hem_task *t;
        hem_scope_options o = {.kind = kinds[i]};
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_spawn(&s, &t, aclose_own, &s), 0);
        check_int(hem_await(t), 1);
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

/* Error handlers. */

VIRTUAL_TEST(without_a_handler_failures_are_reported_as_the_child_ends)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_sleep(1), 0);
    check_report(HEM_REPORT_CHILD, "fail_now", HEM_EIO);
    check_str(report_message(), "broken");
    check_int(hem_task_result(t), HEM_EIO);
    check_str(hem_task_error(t)->message, "broken");
    check_int(hem_scope_children(&s), 1);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    return 0;
}

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

VIRTUAL_TEST(the_handler_runs_in_the_child_and_may_sleep)
{
    struct handled h = {.takes = 10};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_sleep(5), 0);
    check_int(h.calls, 1);
    check(!hem_task_done(t));
    check_int(hem_scope_children(&s), 1);
    check_int(hem_scope_close(&s, 0), 0); /* waits for it */
    check_int(hem_now(), 10);
    return 0;
}

VIRTUAL_TEST(a_handler_that_fails_is_reported)
{
    struct handled h = {.takes = 10, .result = HEM_EXDEV};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_await(t), HEM_EIO);
    check_report(HEM_REPORT_HANDLER, "fail_now", HEM_EXDEV);
    check_str(hem_task_error(t)->message, "broken");
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_handler_may_be_cancelled)
{
    struct handled h = {.takes = HEM_SEC};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, fail_now, NULL), 0);
    check_int(hem_sleep(5), 0);
    check_int(hem_scope_shutdown(&s), 0);
    check_int(hem_now(), 5);
    check_int(hem_task_result(t), HEM_EIO);
    check(!hem_task_cancelled(t));
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int fail_in_handler(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)s, (void)child;
    check(hem_failure() == NULL);
    (void)!hem_fail(error, "of the handler");
    return 0;
}

VIRTUAL_TEST(records_of_the_handler_are_not_the_childs)
{
    hem_scope s;
    hem_task *t;
    hem_scope_options o = {.kind = HEM_PERSISTENT, .on_error = fail_in_handler};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, &t, fail_plainly, NULL), 0);
    check_int(hem_await(t), HEM_EIO);
    check(hem_task_error(t) == NULL);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int restart(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)child, (void)error;
    if (++*(int *)arg <= 3)
        check_int(hem_scope_spawn(s, NULL, fail_now, NULL), 0);
    return 0;
}

VIRTUAL_TEST(a_handler_may_start_the_child_again)
{
    int restarts = 0;
    hem_scope s;
    hem_scope_options o = {
        .kind = HEM_PERSISTENT, .on_error = restart, .on_error_arg = &restarts};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(restarts, 4);
    return 0;
}

VIRTUAL_TEST(a_cancelled_child_is_no_failure)
{
    struct handled h = {.takes = 0};
    hem_scope s;
    hem_task *t;
    open_handled(&s, &h);
    check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(h.calls, 0);
    return 0;
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
        LEDGER_TEST(it_lives_in_an_object_and_any_task_uses_it),
        LEDGER_TEST(it_nests_with_nothing),
        LEDGER_TEST(who_opened_it_may_have_ended),
        LEDGER_TEST(an_open_one_is_not_opened_again),
        LEDGER_TEST(an_open_shield_is_not_opened_again),
        LEDGER_TEST(shutdown_cancels_the_children_and_waits_for_them),
        LEDGER_TEST(a_task_that_a_callback_spawned_may_shut_it_down),
        LEDGER_TEST(after_a_shutdown_it_takes_children_and_shuts_down_again),
        LEDGER_TEST(aclose_is_a_shutdown_and_may_be_repeated),
        LEDGER_TEST(abort_cancels_the_children_there_are_each_time),
        LEDGER_TEST(a_request_to_who_shuts_it_down_is_swallowed),
        LEDGER_TEST(closing_waits_for_the_children),
        LEDGER_TEST(closing_with_an_error_cancels_them),
        LEDGER_TEST(a_request_to_who_closes_it_cancels_them),
        LEDGER_TEST(a_request_while_a_block_is_left_is_not_lost),
        LEDGER_TEST(a_cancellation_of_the_body_is_passed_on_without_its_reason),
        LEDGER_TEST(who_closes_it_as_well_waits_until_it_is_closed),
        LEDGER_TEST(one_that_closes_it_with_an_error_cancels_the_children),
        LEDGER_TEST(a_block_that_another_has_begun_to_close_is_left_as_well),
        LEDGER_TEST(a_request_meanwhile_is_not_lost),
        LEDGER_TEST(a_child_or_a_childs_child_cannot_wait_for_the_children),
        LEDGER_TEST(nor_can_those_of_other_kinds),
        LEDGER_TEST(without_a_handler_failures_are_reported_as_the_child_ends),
        LEDGER_TEST(the_handler_runs_in_the_child_and_may_sleep),
        LEDGER_TEST(a_handler_that_fails_is_reported),
        LEDGER_TEST(a_handler_may_be_cancelled),
        LEDGER_TEST(records_of_the_handler_are_not_the_childs),
        LEDGER_TEST(a_handler_may_start_the_child_again),
        LEDGER_TEST(a_cancelled_child_is_no_failure),
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

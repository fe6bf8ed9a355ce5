/* SPDX-License-Identifier: MIT */
/* Task contexts: closing by several, in frames that are gone afterwards. */
#include "support.h"

#include <signal.h>

#include "children.h"

static const hem_scope_options context = {.kind = HEM_TASKCONTEXT};

/* Open a context with `n` children of `fn`, which have begun. */
static void open_with(hem_scope *s, hem_fn *fn, int n)
{
    check_int(hem_scope_open(s, &context), 0);
    while (n-- > 0)
        check_int(hem_scope_spawn(s, NULL, fn, NULL), 0);
    check_int(hem_sleep(1), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(all_who_close_it_are_told_what_failed),
        LEDGER_TEST(another_task_may_close_it),
        LEDGER_TEST(who_begins_to_close_it_as_it_goes_is_safe),
        LEDGER_TEST(a_child_cannot_close_it),
        LEDGER_TEST(a_ring_of_waiting_tasks_hangs_but_does_not_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

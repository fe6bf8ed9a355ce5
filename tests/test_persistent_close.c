/* SPDX-License-Identifier: MIT */
/* Persistent scopes: closing them, by one task or several. */
#include "support.h"

#include "children.h"

static const hem_scope_options persistent = {.kind = HEM_PERSISTENT};

/* Each call needs a task of its own. */

static int close_it(void *arg)
{
    return hem_scope_close(arg, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

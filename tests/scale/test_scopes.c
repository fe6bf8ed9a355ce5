/* SPDX-License-Identifier: MIT */
/* Many scopes, children, errors and waiters: all is linear, and nothing recurses
 * but the programs themselves. */
#include "support.h"

#define MANY 100000

static int sleep_long(void *arg)
{
    ++*(size_t *)arg;
    return hem_sleep(HEM_SEC);
}

static int count(void *arg)
{
    ++*(size_t *)arg;
    return 0;
}

/* Run fn(arg) in a task whose stack has room for many frames. */
static int run_deep(hem_fn *fn, void *arg)
{
    hem_task *t;
    check_int(hem_spawn_with(&t, fn, arg, .stack_bytes = 512 << 20), 0);
    return hem_await(t);
}

struct nest {
    hem_scope_kind kind;
    size_t left; /* levels to open */
    size_t open;
    int innermost; /* how the body ends there */
};

static int nest_scopes(void *arg)
{
    struct nest *n = arg;
    if (n->left == 0)
        return n->innermost;
    n->left--;
    hem_scope s;
    hem_scope_options o = {.kind = n->kind, .timeout = HEM_SEC};
    HEM_TRY(hem_scope_open(&s, &o));
    n->open++;
    return hem_scope_close(&s, nest_scopes(n));
}

VIRTUAL_TEST(a_hundred_thousand_scopes_of_a_task_nest)
{
    static const hem_scope_kind kinds[] = {HEM_TASKSCOPE, HEM_SHIELDSCOPE,
                                           HEM_TASKGROUP};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct nest n = {
            .kind = kinds[i], .left = scaled(MANY), .innermost = 7};
        check_int(run_deep(nest_scopes, &n), 7);
        check_int(n.open, scaled(MANY));
        n = (struct nest){
            .kind = kinds[i], .left = scaled(MANY), .innermost = HEM_ECANCELED};
        int rc = run_deep(nest_scopes, &n);
        check(rc == HEM_ECANCELED || (rc == 0 && kinds[i] == HEM_SHIELDSCOPE));
    }
    return 0;
}

static size_t depth_of(const hem_error *e)
{
    size_t depth = 0;
    for (; e->count > 0; e = e->errors[0])
        depth++;
    return depth;
}

VIRTUAL_TEST(groups_a_hundred_thousand_deep_fail)
{
    struct nest n = {
        .kind = HEM_TASKGROUP, .left = scaled(MANY), .innermost = HEM_EIO};
    check_int(run_deep(nest_scopes, &n), HEM_EGROUP);
    check_int(depth_of(hem_failure()), scaled(MANY));
    (void)!hem_fail(HEM_EXDEV, "another"); /* all of them go */
    return 0;
}

static int nest_groups(void *arg)
{
    size_t *left = arg;
    if (--*left == 0)
        return HEM_EIO;
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn(&s, NULL, nest_groups, left));
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(so_do_groups_of_as_many_tasks)
{
    size_t left = scaled(MANY);
    check_int(nest_groups(&left), HEM_EGROUP);
    check_int(depth_of(hem_failure()), scaled(MANY) - 1);
    return 0;
}

VIRTUAL_TEST(a_hundred_thousand_scopes_one_after_the_other)
{
    static const hem_scope_kind kinds[] = {HEM_TASKSCOPE, HEM_TASKGROUP,
                                           HEM_TASKCONTEXT, HEM_PERSISTENT};
    size_t n = scaled(MANY), counted = 0, before = 0;
    for (size_t i = 0; i < n; i++) {
        hem_scope s;
        hem_scope_options o = {.kind = kinds[i % COUNT_OF(kinds)]};
        if (i == n / 10)
            before = ledger_live();
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_spawn(&s, NULL, count, &counted), 0);
        check_int(hem_scope_drain(&s, HEM_NEVER), 0);
        check_int(hem_scope_close(&s, 0), 0);
    }
    check_int(counted, n);
    check(ledger_live() <= before + 8);
    return 0;
}

VIRTUAL_TEST(as_many_persistent_ones_are_open_at_once)
{
    size_t n = scaled(MANY), begun = 0;
    hem_scope *s = calloc(n, sizeof(*s));
    hem_scope_options o = {.kind = HEM_PERSISTENT};
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_open(&s[i], &o), 0);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&s[i], NULL, sleep_long, &begun), 0);
    check_int(hem_sleep(1), 0);
    check_int(begun, n);
    for (size_t i = 0; i < n; i++) /* the oldest first */
        check_int(hem_scope_shutdown(&s[i]), 0);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_close(&s[i], 0), 0);
    free(s);
    return 0;
}

static int yield_and_count(void *arg)
{
    HEM_TRY(hem_yield());
    return count(arg);
}

VIRTUAL_TEST(a_million_children_of_a_group_a_thousand_at_a_time)
{
    size_t n = scaled(1000000), counted = 0;
    HEM_SCOPE(s, .kind = HEM_TASKGROUP, .limit = 1000, .pending_limit = 1000);
    for (size_t i = 0; i < n;) {
        int rc = hem_scope_spawn(&s, NULL, yield_and_count, &counted);
        if (rc == HEM_ELIMIT)
            check_int(hem_yield(), 0);
        else if (check_int(rc, 0))
            i++;
    }
    check_int(hem_scope_close(&s, 0), 0);
    check_int(counted, n);
    return 0;
}

VIRTUAL_TEST(a_hundred_thousand_that_wait_for_their_turn_are_cancelled)
{
    size_t n = scaled(MANY), begun = 0;
    HEM_SCOPE(s, .limit = 10, .pending_limit = n);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&s, NULL, sleep_long, &begun), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "storm");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(begun, 10);
    check(hem_now() < HEM_SEC);
    return 0;
}

static int fail_late(void *arg)
{
    (void)!sleep_long(arg);
    return HEM_EIO;
}

static int fail_soon(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(5));
    return HEM_EIO;
}

VIRTUAL_TEST(one_failure_cancels_a_hundred_thousand_which_fail_as_well)
{
    size_t n = scaled(MANY), begun = 0;
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_TASKGROUP}),
              0);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&s, NULL, fail_late, &begun), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_now(), 5);
    check_int(begun, n);
    check_int(hem_scope_errors(&s)->count, n + 1);
    return 0;
}

static int drain_it(void *arg)
{
    return hem_scope_drain(arg, HEM_SEC);
}

VIRTUAL_TEST(a_hundred_thousand_wait_for_the_children_of_a_scope)
{
    size_t n = scaled(MANY), begun = 0;
    hem_scope s, waiters;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_PERSISTENT}),
              0);
    check_int(hem_scope_open(&waiters, NULL), 0);
    for (int i = 0; i < 10; i++)
        check_int(hem_scope_spawn(&s, NULL, sleep_long, &begun), 0);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&waiters, NULL, drain_it, &s), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "enough");
    check_int(hem_scope_close(&waiters, 0), 0);
    check_int(hem_now(), 1);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

/* A task context in each of many tasks, each within the one before. When they
 * are cancelled they close them, all the way down; the innermost takes long. */
static int nest_contexts(void *arg)
{
    size_t *left = arg;
    if (--*left == 0) {
        (void)!hem_sleep(HEM_SEC);
        (void)!hem_sleep(HEM_SEC);
        return 0;
    }
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_TASKCONTEXT}),
              0);
    HEM_TRY(hem_scope_spawn(&s, NULL, nest_contexts, left));
    int rc = hem_sleep(HEM_SEC);
    return hem_scope_close(&s, rc);
}

VIRTUAL_TEST(a_request_goes_through_a_hundred_thousand_that_close_contexts)
{
    size_t left = scaled(MANY);
    hem_task *t;
    check_int(hem_spawn(&t, nest_contexts, &left), 0);
    check_int(hem_sleep(1), 0);
    check_int(left, 0);
    check(hem_task_cancel(t, "down")); /* turn by turn */
    check_int(hem_sleep(1), 0);
    check(!hem_task_done(t));
    check(hem_task_cancel(t, "at once"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 2);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_hundred_thousand_scopes_of_a_task_nest),
        LEDGER_TEST(groups_a_hundred_thousand_deep_fail),
        LEDGER_TEST(so_do_groups_of_as_many_tasks),
        LEDGER_TEST(a_hundred_thousand_scopes_one_after_the_other),
        LEDGER_TEST(as_many_persistent_ones_are_open_at_once),
        LEDGER_TEST(a_million_children_of_a_group_a_thousand_at_a_time),
        LEDGER_TEST(a_hundred_thousand_that_wait_for_their_turn_are_cancelled),
        LEDGER_TEST(one_failure_cancels_a_hundred_thousand_which_fail_as_well),
        LEDGER_TEST(a_hundred_thousand_wait_for_the_children_of_a_scope),
        LEDGER_TEST(
            a_request_goes_through_a_hundred_thousand_that_close_contexts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

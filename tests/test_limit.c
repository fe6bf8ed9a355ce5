/* SPDX-License-Identifier: MIT */
/* Limits of scopes: so many children run, so many wait for their turn. */
#include "support.h"

#include "children.h"

#define DEFAULT_PENDING 10000

static const hem_scope_options one = {.limit = 1};

static int never_runs(void *arg)
{
    (void)arg;
    check_never("this task runs");
    return 0;
}

static int fail_now(void *arg)
{
    (void)arg;
    return HEM_EIO;
}

/* Writes its name and the time. */
static int work(void *arg)
{
    (void)arg;
    trace("%s@%d", hem_task_name(hem_self()), (int)hem_now());
    return hem_sleep(10);
}

struct crowd {
    size_t running, most, done;
};

static int be_one_of(void *arg)
{
    struct crowd *c = arg;
    if (++c->running > c->most)
        c->most = c->running;
    int rc = hem_sleep(1 + (hem_ns)(c->done % 7));
    c->running--;
    c->done++;
    return rc;
}

VIRTUAL_TEST(with_a_limit_of_one_they_run_one_after_the_other)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &one), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "a"), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "b"), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "c"), 0);
    check_int(hem_scope_children(&s), 3);
    check_int(hem_scope_close(&s, 0), 0);
    check_trace("a@0 b@10 c@20");
    check_int(hem_now(), 30);
    return 0;
}

VIRTUAL_TEST(so_many_run_at_a_time)
{
    for (size_t limit = 1; limit < 20; limit++) {
        struct crowd c = {0, 0, 0};
        hem_scope_options o = {.limit = limit};
        hem_scope s;
        check_int(hem_scope_open(&s, &o), 0);
        for (int i = 0; i < 100; i++)
            check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), 0);
        check_int(hem_scope_close(&s, 0), 0);
        check_int(c.most, limit);
        check_int(c.done, 100);
    }
    return 0;
}

VIRTUAL_TEST(a_limit_holds_for_every_kind)
{
    static const hem_scope_kind kinds[] = {HEM_TASKSCOPE,   HEM_SUPERVISOR,
                                           HEM_SHIELDSCOPE, HEM_TASKGROUP,
                                           HEM_TASKCONTEXT, HEM_PERSISTENT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct crowd c = {0, 0, 0};
        hem_scope_options o = {.kind = kinds[i], .limit = 3};
        hem_scope s;
        check_int(hem_scope_open(&s, &o), 0);
        for (int k = 0; k < 20; k++)
            check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), 0);
        check_int(hem_scope_drain(&s, HEM_NEVER), 0);
        check_int(hem_scope_close(&s, 0), 0);
        check_int(c.most, 3);
        check_int(c.done, 20);
    }
    return 0;
}

VIRTUAL_TEST(there_is_room_again_when_one_has_ended)
{
    struct crowd c = {0, 0, 0};
    hem_scope s;
    hem_scope_options o = {.limit = 2, .pending_limit = 1};
    check_int(hem_scope_open(&s, &o), 0);
    for (int i = 0; i < 10; i++) {
        check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), 0);
        check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), 0);
        check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), 0);
        check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), HEM_ELIMIT);
        while (hem_scope_children(&s) > 0)
            check_int(hem_sleep(1), 0);
    }
    check_int(hem_scope_close(&s, 0), 0);
    check_int(c.most, 2);
    check_int(c.done, 30);
    return 0;
}

VIRTUAL_TEST(more_than_may_wait_are_refused)
{
    hem_scope s;
    hem_task *t = NULL;
    hem_scope_options o = {.limit = 1, .pending_limit = 2};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, work, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, work, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, work, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, never_runs, NULL), HEM_ELIMIT);
    check_int(hem_scope_spawn_with(&s, &t, never_runs, NULL, .eager = true),
              HEM_ELIMIT);
    check(t == NULL);
    check_int(hem_scope_children(&s), 3);
    check_int(hem_sleep(15), 0);
    check_int(hem_scope_spawn(&s, NULL, work, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, never_runs, NULL), HEM_ELIMIT);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 40);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(as_many_may_wait_by_default_as_is_said)
{
    struct crowd c = {0, 0, 0};
    hem_scope s;
    check_int(hem_scope_open(&s, &one), 0);
    for (int i = 0; i < 1 + DEFAULT_PENDING; i++)
        check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), 0);
    check_int(hem_scope_spawn(&s, NULL, be_one_of, &c), HEM_ELIMIT);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    check_int(c.done, 0);
    return 0;
}

VIRTUAL_TEST(one_that_is_cancelled_while_it_waits_never_runs)
{
    hem_scope s;
    hem_task *t, *last;
    hem_scope_options o = {.limit = 1, .pending_limit = 2};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "a"), 0);
    check_int(hem_scope_spawn(&s, &t, never_runs, NULL), 0);
    check_int(hem_scope_spawn_with(&s, &last, work, NULL, .name = "c"), 0);
    check_int(hem_sleep(1), 0);
    check_str(hem_task_waits_for(t), "turn");
    check(hem_task_cancel(t, "no need"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 1);
    check_str(hem_task_reason(t), "no need");
    check_int(hem_scope_children(&s), 2);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "d"), 0);
    check_int(hem_await(last), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_trace("a@0 c@10 d@20");
    return 0;
}

VIRTUAL_TEST(all_that_wait_may_be_cancelled_one_by_one)
{
    hem_scope s;
    hem_task *t[5];
    check_int(hem_scope_open(&s, &one), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "a"), 0);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_scope_spawn(&s, &t[i], never_runs, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check(hem_task_cancel(t[i * 2 % COUNT_OF(t)], NULL));
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_task_cancelling(t[i]), 1);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 10);
    check_trace("a@0");
    return 0;
}

FIFO_TEST(one_that_is_cancelled_as_its_turn_comes_never_runs)
{
    hem_scope s;
    hem_task *first, *t;
    check_int(hem_scope_open(&s, &one), 0);
    check_int(hem_scope_spawn(&s, &first, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&s, &t, never_runs, NULL), 0);
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(first, NULL));
    check_int(hem_await(first), HEM_ECANCELED);
    check_str(hem_task_waits_for(t), "ready");
    check(hem_task_cancel(t, NULL));
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(abort_cancels_those_that_wait_as_well)
{
    static const hem_scope_kind kinds[] = {HEM_TASKSCOPE, HEM_TASKGROUP,
                                           HEM_TASKCONTEXT, HEM_PERSISTENT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope_options o = {.kind = kinds[i], .limit = 2};
        hem_scope s;
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        for (int k = 0; k < 5; k++)
            check_int(hem_scope_spawn(&s, NULL, never_runs, NULL), 0);
        check_int(hem_sleep(1), 0);
        hem_ns now = hem_now();
        hem_scope_abort(&s, "enough");
        check_int(hem_scope_close(&s, 0), 0);
        check_int(hem_now(), now);
    }
    return 0;
}

VIRTUAL_TEST(a_failing_group_starts_none_that_waits)
{
    hem_scope_options o = {.kind = HEM_TASKGROUP, .limit = 1};
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    for (int i = 0; i < 5; i++)
        check_int(hem_scope_spawn(&s, NULL, never_runs, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_EGROUP);
    check_int(hem_scope_errors(&s)->count, 1);
    return 0;
}

VIRTUAL_TEST(a_timeout_cancels_those_that_wait_as_well)
{
    hem_scope_options o = {.limit = 1, .timeout = 5};
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, never_runs, NULL), 0);
    check_int(hem_scope_close(&s, 0), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    return 0;
}

VIRTUAL_TEST(a_failed_child_makes_room)
{
    hem_scope_options o = {.kind = HEM_SUPERVISOR, .limit = 1};
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    for (int i = 0; i < 3; i++)
        check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "a"), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_trace("a@0");
    return 0;
}

static int spawn_behind(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)child, (void)error;
    check_int(hem_scope_spawn_with(s, NULL, work, NULL, .name = "behind"), 0);
    return 0;
}

VIRTUAL_TEST(what_an_error_handler_spawns_waits_behind_the_others)
{
    hem_scope_options o = {.limit = 1, .on_error = spawn_behind};
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_now, NULL), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "a"), 0);
    check_int(hem_scope_spawn_with(&s, NULL, work, NULL, .name = "b"), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_trace("a@0 b@10 behind@20");
    return 0;
}

VIRTUAL_TEST(an_eager_child_waits_for_its_turn_as_well)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &one), 0);
    check_int(
        hem_scope_spawn_with(&s, NULL, work, NULL, .name = "a", .eager = true),
        0);
    check_trace("a@0");
    check_int(
        hem_scope_spawn_with(&s, NULL, work, NULL, .name = "b", .eager = true),
        0);
    check_trace("");
    check_int(hem_scope_close(&s, 0), 0);
    check_trace("b@10");
    return 0;
}

static bool collect(void *arg, hem_task *t)
{
    (void)arg;
    trace("%s:%s", hem_task_name(t), hem_task_waits_for(t));
    return true;
}

VIRTUAL_TEST(those_that_wait_are_children_like_others)
{
    hem_ns d = 10;
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &one), 0);
    check_int(hem_scope_spawn_with(&s, NULL, sleep_for, &d, .name = "a"), 0);
    check_int(hem_scope_spawn_with(&s, &t, sleep_for, &d, .name = "b"), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_each(&s, collect, NULL);
    check_trace("a:sleep b:turn");
    check_int(hem_scope_children(&s), 2);
    check(!hem_task_done(t));
    check_int(hem_task_result(t), HEM_ESTATE);
    hem_task_forget(t);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 20);
    return 0;
}

static int read_var(void *arg)
{
    return *(int *)hem_var_get(arg);
}

VIRTUAL_TEST(one_that_waits_has_the_variables_of_its_spawning)
{
    int numbers[] = {1, 2, 3};
    hem_var v = HEM_VAR("v", &numbers[0]);
    hem_task *t[3];
    hem_scope s;
    check_int(hem_scope_open(&s, &one), 0);
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        check_int(hem_var_set(&v, &numbers[i]), 0);
        check_int(hem_scope_spawn(&s, &t[i], read_var, &v), 0);
    }
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_await(t[i]), numbers[i]);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int spawn_and_leave(void *arg)
{
    hem_scope s;
    (void)arg;
    check_int(hem_scope_open(&s, &one), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    for (int i = 0; i < 5; i++)
        check_int(hem_scope_spawn(&s, NULL, never_runs, NULL), 0);
    return hem_scope_close(&s, 0);
}

static int leave_running(void *arg)
{
    static hem_scope s;
    hem_scope_options o = {.kind = HEM_PERSISTENT, .limit = 1};
    check_int(hem_spawn(NULL, spawn_and_leave, arg), 0);
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    for (int i = 0; i < 5; i++)
        check_int(hem_scope_spawn(&s, NULL, never_runs, NULL), 0);
    return hem_sleep(1);
}

static void the_end_of_the_run_cancels_those_that_wait(void **state)
{
    (void)state;
    check_int(run_virtual(leave_running, NULL), 0);
    run_assert_checks();
}

/* Spawn up to 30 children while the n-th allocation fails. */
static void spawn_some(size_t n)
{
    struct crowd c = {0, 0, 0};
    hem_scope_options o = {.limit = 3};
    hem_scope s;
    check_int(hem_scope_open(&s, &o), 0);
    ledger_fail_from(n);
    size_t spawned = 0;
    for (int i = 0; i < 30; i++) {
        hem_task *t = NULL;
        int rc = hem_scope_spawn(&s, i % 2 ? &t : NULL, be_one_of, &c);
        check(rc == 0 || rc == HEM_ENOMEM);
        check(rc == 0 || t == NULL);
        spawned += rc == 0;
        check_int(hem_scope_children(&s), spawned);
    }
    ledger_fail_from(0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(c.done, spawned);
}

VIRTUAL_TEST(where_memory_lacks_none_is_spawned)
{
    for (size_t n = 1; n < 20; n++)
        spawn_some(n);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(with_a_limit_of_one_they_run_one_after_the_other),
        LEDGER_TEST(so_many_run_at_a_time),
        LEDGER_TEST(a_limit_holds_for_every_kind),
        LEDGER_TEST(there_is_room_again_when_one_has_ended),
        LEDGER_TEST(more_than_may_wait_are_refused),
        LEDGER_TEST(as_many_may_wait_by_default_as_is_said),
        LEDGER_TEST(one_that_is_cancelled_while_it_waits_never_runs),
        LEDGER_TEST(all_that_wait_may_be_cancelled_one_by_one),
        LEDGER_TEST(one_that_is_cancelled_as_its_turn_comes_never_runs),
        LEDGER_TEST(abort_cancels_those_that_wait_as_well),
        LEDGER_TEST(a_failing_group_starts_none_that_waits),
        LEDGER_TEST(a_timeout_cancels_those_that_wait_as_well),
        LEDGER_TEST(a_failed_child_makes_room),
        LEDGER_TEST(what_an_error_handler_spawns_waits_behind_the_others),
        LEDGER_TEST(an_eager_child_waits_for_its_turn_as_well),
        LEDGER_TEST(those_that_wait_are_children_like_others),
        LEDGER_TEST(one_that_waits_has_the_variables_of_its_spawning),
        LEDGER_TEST(the_end_of_the_run_cancels_those_that_wait),
        LEDGER_TEST(where_memory_lacks_none_is_spawned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

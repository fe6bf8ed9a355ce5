/* SPDX-License-Identifier: MIT */
/* Generators: who steps them, in each other, and what is round a yield. */
#include "support.h"

/* Gives 1 to *arg. */
static int count_to(hem_gen *g, void *arg)
{
    for (int i = 1; i <= *(int *)arg; i++)
        HEM_TRY(hem_gen_yield(g, &i));
    return 0;
}

/* The next value, which must be there. */
static int next_int(hem_gen *g)
{
    void *value = NULL;
    check_int(hem_gen_next(g, &value), 1);
    return value ? *(int *)value : 0;
}

static int say(void *arg)
{
    trace("%s", (const char *)arg);
    return 0;
}

static int tick(hem_gen *g, void *arg)
{
    (void)arg;
    for (int i = 1; i <= 2; i++) {
        HEM_TRY(hem_sleep(HEM_SEC));
        HEM_TRY(hem_gen_yield(g, &i));
    }
    return hem_yield();
}

/* Makes one step of a generator, and returns what that did. */
static int one_step(void *arg)
{
    return hem_gen_next(arg, NULL);
}

/* Who steps it. */

static int steps_in_turn(void *arg)
{
    void *value;
    int rc;
    while ((rc = hem_gen_next(arg, &value)) > 0) {
        trace("%s%d", hem_task_name(hem_self()), *(int *)value);
        HEM_TRY(hem_yield());
    }
    return rc;
}

FIFO_TEST(tasks_may_step_it_in_turn)
{
    int n = 5;
    HEM_GEN(g, count_to, &n);
    HEM_SCOPE(s);
    check_int(hem_scope_spawn_with(&s, NULL, steps_in_turn, &g, .name = "a"),
              0);
    check_int(hem_scope_spawn_with(&s, NULL, steps_in_turn, &g, .name = "b"),
              0);
    check_int(hem_scope_close(&s, 0), 0);
    check_trace("a1 b2 a3 b4 a5");
    check(hem_gen_done(&g));
    return 0;
}

static int wait_for_name(hem_gen *g, void *arg)
{
    (void)arg;
    for (int i = 0;; i++) {
        check_int(hem_sleep(10), 0);
        trace("%s", hem_task_name(hem_self()));
        HEM_TRY(hem_gen_yield(g, &i));
    }
}

VIRTUAL_TEST(the_body_waits_in_the_task_that_steps)
{
    HEM_GEN(g, wait_for_name, NULL);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        hem_task *t;
        check_int(hem_spawn_with(&t, one_step, &g, .name = names[i]), 0);
        check_int(hem_await(t), 1);
    }
    check_trace("a b c");
    return 0;
}

VIRTUAL_TEST(while_it_runs_no_other_task_may_step_throw_or_close)
{
    HEM_GEN(g, tick, NULL);
    hem_task *t;
    check_int(hem_spawn(&t, one_step, &g), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_gen_next(&g, NULL), HEM_EREFUSED);
    check_int(hem_gen_throw(&g, HEM_EIO, NULL), HEM_EREFUSED);
    check_int(hem_gen_close(&g), HEM_EREFUSED);
    check(!hem_gen_done(&g));
    check_int(hem_await(t), 1);
    check_int(next_int(&g), 2);
    return 0;
}

static int step_oneself(hem_gen *g, void *arg)
{
    check_int(hem_gen_next(arg, NULL), HEM_EREFUSED);
    check_int(hem_gen_next(g, NULL), HEM_EREFUSED);
    check_int(hem_gen_close(arg), HEM_EREFUSED);
    return hem_gen_yield(g, NULL);
}

VIRTUAL_TEST(it_cannot_step_itself)
{
    hem_gen g;
    hem_gen_init(&g, step_oneself, &g);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

/* In each other. */

struct tree {
    int depth;
};

static int walk(hem_gen *g, void *arg)
{
    const struct tree *t = arg;
    if (t->depth == 0)
        return hem_gen_yield(g, &t->depth);
    for (int i = 0; i < 2; i++) {
        struct tree below = {t->depth - 1};
        HEM_GEN(inner, walk, &below);
        void *value;
        int rc;
        while ((rc = hem_gen_next(&inner, &value)) > 0) {
            HEM_TRY(hem_yield());
            HEM_TRY(hem_gen_yield(g, value));
        }
        HEM_TRY(rc);
    }
    return 0;
}

VIRTUAL_TEST(generators_run_within_generators)
{
    struct tree t = {6};
    HEM_GEN(g, walk, &t);
    int leaves = 0;
    while (hem_gen_next(&g, NULL) > 0)
        leaves++;
    check_int(leaves, 64);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(closing_the_outer_one_closes_those_in_it)
{
    struct tree t = {6};
    HEM_GEN(g, walk, &t);
    for (int i = 0; i < 23; i++)
        check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_close(&g), 0);
    return 0;
}

VIRTUAL_TEST(a_cancellation_reaches_the_innermost_body)
{
    struct tree t = {6};
    HEM_GEN(g, walk, &t);
    check_int(hem_gen_next(&g, NULL), 1);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_gen_next(&g, NULL), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

/* Scopes and timeouts round a yield. */

static int say_later(void *arg)
{
    HEM_TRY(hem_sleep(20));
    return say(arg);
}

static int scope_round_yield(hem_gen *g, void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, say_later, arg));
    int rc = hem_gen_yield(g, NULL);
    return hem_scope_close(&s, rc);
}

VIRTUAL_TEST(children_of_its_scope_live_across_yields)
{
    HEM_GEN(g, scope_round_yield, "child");
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_sleep(5), 0);
    HEM_SCOPE(inner);
    check_int(hem_scope_close(&inner, 0), 0);
    check_int(hem_gen_next(&g, NULL), 0);
    check_int(hem_now(), 20);
    check_trace("child");
    return 0;
}

VIRTUAL_TEST(children_of_its_scope_are_cancelled_when_it_is_closed)
{
    HEM_GEN(g, scope_round_yield, "child");
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_sleep(5), 0);
    check_int(hem_gen_close(&g), 0);
    check_int(hem_now(), 5);
    check_trace("");
    return 0;
}

static int timeout_round_yield(hem_gen *g, void *arg)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 10));
    int rc = hem_gen_yield(g, arg);
    if (rc == 0)
        rc = hem_sleep(HEM_SEC);
    return hem_timeout_close(&t, rc);
}

VIRTUAL_TEST(its_timeout_interrupts_the_block_and_is_told_by_throwing_it_in)
{
    HEM_GEN(g, timeout_round_yield, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    int rc = hem_sleep(HEM_SEC);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_gen_throw(&g, rc, NULL), HEM_ETIMEDOUT);
    check_int(hem_now(), 10);
    check_int(hem_task_cancelling(hem_self()), 0);
    return 0;
}

VIRTUAL_TEST(a_timeout_round_a_step_interrupts_the_body)
{
    HEM_GEN(g, tick, NULL);
    hem_timeout t;
    check_int(hem_timeout_open(&t, 10), 0);
    int rc = hem_gen_next(&g, NULL);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

static hem_var level = HEM_VAR("level", NULL);

static int set_level(hem_gen *g, void *arg)
{
    check(hem_var_get(&level) == arg);
    check_int(hem_var_set(&level, g), 0);
    return hem_gen_yield(g, g);
}

VIRTUAL_TEST(it_sees_and_sets_the_variables_of_the_task)
{
    int here;
    check_int(hem_var_set(&level, &here), 0);
    HEM_GEN(g, set_level, &here);
    void *inner;
    check_int(hem_gen_next(&g, &inner), 1);
    check(hem_var_get(&level) == inner);
    return 0;
}

static int spawn_eagerly(hem_gen *g, void *arg)
{
    check_int(hem_spawn_with(NULL, say, arg, .eager = true), 0);
    check_int(hem_spawn_with(NULL, say_later, "late", .eager = true), 0);
    trace("body");
    return hem_gen_yield(g, NULL);
}

VIRTUAL_TEST(it_may_spawn_eagerly)
{
    HEM_GEN(g, spawn_eagerly, "eager");
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_sleep(30), 0);
    check_trace("eager body late");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(tasks_may_step_it_in_turn),
        LEDGER_TEST(the_body_waits_in_the_task_that_steps),
        LEDGER_TEST(while_it_runs_no_other_task_may_step_throw_or_close),
        LEDGER_TEST(it_cannot_step_itself),
        LEDGER_TEST(generators_run_within_generators),
        LEDGER_TEST(closing_the_outer_one_closes_those_in_it),
        LEDGER_TEST(a_cancellation_reaches_the_innermost_body),
        LEDGER_TEST(children_of_its_scope_live_across_yields),
        LEDGER_TEST(children_of_its_scope_are_cancelled_when_it_is_closed),
        LEDGER_TEST(
            its_timeout_interrupts_the_block_and_is_told_by_throwing_it_in),
        LEDGER_TEST(a_timeout_round_a_step_interrupts_the_body),
        LEDGER_TEST(it_sees_and_sets_the_variables_of_the_task),
        LEDGER_TEST(it_may_spawn_eagerly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Generators: steps, errors thrown in, closing. */
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

VIRTUAL_TEST(it_gives_values_one_by_one_and_ends)
{
    int n = 3;
    HEM_GEN(g, count_to, &n);
    int sum = 0;
    void *value;
    int rc;
    while ((rc = hem_gen_next(&g, &value)) > 0) {
        check_int(rc, 1);
        check(!hem_gen_done(&g));
        sum = 10 * sum + *(int *)value;
    }
    check_int(rc, 0);
    check_int(sum, 123);
    check(hem_gen_done(&g));
    check_int(hem_gen_next(&g, &value), 0);
    return 0;
}

VIRTUAL_TEST(the_value_is_not_touched_at_the_end_nor_needed)
{
    int n = 1;
    void *value = &n;
    HEM_GEN(g, count_to, &n);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, &value), 0);
    check(value == &n);
    return 0;
}

VIRTUAL_TEST(nothing_runs_and_no_memory_is_taken_before_the_first_step)
{
    size_t before = ledger_allocations();
    hem_gen g;
    hem_gen_init(&g, count_to, NULL); /* it would crash */
    check(!hem_gen_done(&g));
    check_int(hem_gen_close(&g), 0);
    check(hem_gen_done(&g));
    check_int(hem_gen_next(&g, NULL), 0);
    check_int(ledger_allocations() - before, 0);
    return 0;
}

static int fail_after_one(hem_gen *g, void *arg)
{
    HEM_TRY(hem_gen_yield(g, arg));
    return hem_fail(HEM_EIO, "disk on fire");
}

VIRTUAL_TEST(the_error_of_its_body_ends_it_and_comes_with_its_record)
{
    HEM_GEN(g, fail_after_one, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), HEM_EIO);
    check(hem_gen_done(&g));
    if (check(hem_failure() != NULL))
        check_str(hem_failure()->message, "disk on fire");
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

static int return_seven(hem_gen *g, void *arg)
{
    (void)g;
    (void)arg;
    return 7;
}

VIRTUAL_TEST(what_its_body_returns_is_no_value)
{
    HEM_GEN(g, return_seven, NULL);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
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

FIFO_TEST(what_suspends_in_it_suspends_the_task)
{
    HEM_GEN(g, tick, NULL);
    check_int(hem_spawn(NULL, say, "other"), 0);
    check_int(next_int(&g), 1);
    check_int(hem_now(), HEM_SEC);
    trace("1");
    check_int(next_int(&g), 2);
    check_int(hem_now(), 2 * HEM_SEC);
    trace("2");
    check_int(hem_spawn(NULL, say, "another"), 0);
    check_int(hem_gen_next(&g, NULL), 0);
    trace("end");
    check_trace("other 1 2 another end");
    return 0;
}

/* Makes one step of a generator, and returns what that did. */
static int one_step(void *arg)
{
    return hem_gen_next(arg, NULL);
}

VIRTUAL_TEST(cancelling_the_task_interrupts_the_body)
{
    HEM_GEN(g, tick, NULL);
    hem_task *t;
    check_int(hem_spawn(&t, one_step, &g), 0);
    check_int(hem_sleep(10), 0);
    check_str(hem_task_waits_for(t), "sleep");
    check(hem_task_cancel(t, "enough"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "enough");
    check_int(hem_now(), 10);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(a_step_that_does_not_wait_is_no_point_of_cancellation)
{
    int n = 2;
    HEM_GEN(g, count_to, &n);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), 0);
    check_int(hem_yield(), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    return 0;
}

/* Errors thrown in. */

/* Yields 1; to HEM_EAGAIN it answers with 50; all else ends it. */
static int answer(hem_gen *g, void *arg)
{
    (void)arg;
    int value = 1;
    for (;;) {
        int rc = hem_gen_yield(g, &value);
        if (rc == HEM_EPERM)
            return 0;
        if (rc < 0 && rc != HEM_EAGAIN)
            return rc;
        value = rc < 0 ? 50 : value + 1;
    }
}

VIRTUAL_TEST(an_error_thrown_in_comes_out_of_the_yield)
{
    HEM_GEN(g, answer, NULL);
    void *value;
    check_int(next_int(&g), 1);
    check_int(hem_gen_throw(&g, HEM_EAGAIN, &value), 1);
    check_int(*(int *)value, 50);
    check_int(next_int(&g), 51);
    check_int(hem_gen_throw(&g, HEM_EIO, &value), HEM_EIO);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(a_body_may_end_at_an_error_thrown_in)
{
    HEM_GEN(g, answer, NULL);
    check_int(next_int(&g), 1);
    check_int(hem_gen_throw(&g, HEM_EPERM, NULL), 0);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(thrown_into_one_that_has_not_begun_it_comes_straight_out)
{
    HEM_GEN(g, answer, NULL);
    check_int(hem_gen_throw(&g, HEM_EPERM, NULL), HEM_EPERM);
    check(hem_gen_done(&g));
    return 0;
}

VIRTUAL_TEST(thrown_into_one_that_has_ended_it_is_dropped)
{
    HEM_GEN(g, return_seven, NULL);
    check_int(hem_gen_next(&g, NULL), 0);
    check_int(hem_gen_throw(&g, HEM_EIO, NULL), 0);
    HEM_GEN(h, answer, NULL);
    check_int(next_int(&h), 1);
    check_int(hem_gen_close(&h), 0);
    check_int(hem_gen_throw(&h, HEM_EIO, NULL), 0);
    return 0;
}

VIRTUAL_TEST(only_errors_can_be_thrown)
{
    HEM_GEN(g, answer, NULL);
    check_int(hem_gen_throw(&g, 0, NULL), HEM_EINVAL);
    check_int(next_int(&g), 1);
    check_int(hem_gen_throw(&g, 5, NULL), HEM_EINVAL);
    check_int(next_int(&g), 2);
    return 0;
}

/* Closing. */

struct ending_body {
    int thrown; /* what the yield returned */
    int result; /* what the body is to return then; 1: that */
    hem_ns wait;
    int waited;
};

static int end_as_told(hem_gen *g, void *arg)
{
    struct ending_body *b = arg;
    b->thrown = hem_gen_yield(g, NULL);
    b->waited = b->wait ? hem_sleep(b->wait) : 0;
    return b->result == 1 ? b->thrown : b->result;
}

VIRTUAL_TEST(closing_lets_the_body_clean_up)
{
    static const struct {
        int result, want;
    } cases[] = {{1, 0}, {0, 0}, {9, 0}, {HEM_ECLOSED, 0}, {HEM_EIO, HEM_EIO}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ending_body b = {.result = cases[i].result, .wait = HEM_SEC};
        HEM_GEN(g, end_as_told, &b);
        check_int(hem_gen_next(&g, NULL), 1);
        hem_ns began = hem_now();
        check_int(hem_gen_close(&g), cases[i].want);
        check_int(hem_now() - began, HEM_SEC);
        check_int(b.thrown, HEM_ECLOSED);
        check(hem_gen_done(&g));
        check_int(hem_gen_close(&g), 0);
        check_int(hem_gen_next(&g, NULL), 0);
    }
    check_int(hem_gen_close(NULL), 0);
    return 0;
}

static int go_on_yielding(hem_gen *g, void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        trace("%s", hem_errname(hem_gen_yield(g, &i)));
    return 0;
}

VIRTUAL_TEST(one_that_yields_while_it_is_closed_is_suspended_there)
{
    int n = 3;
    HEM_GEN(g, go_on_yielding, &n);
    check_int(next_int(&g), 0);
    check_int(hem_gen_close(&g), HEM_EREFUSED);
    check(!hem_gen_done(&g));
    check_int(next_int(&g), 2);
    check_int(hem_gen_close(&g), 0);
    check_trace("HEM_ECLOSED HEM_OK HEM_ECLOSED");
    return 0;
}

static int use(struct ending_body *b, int n)
{
    HEM_GEN(g, end_as_told, b);
    if (n == 0)
        return HEM_EPERM; /* not begun */
    check_int(hem_gen_next(&g, NULL), 1);
    for (int i = 0; i < n; i++) {
        HEM_GEN(inner, end_as_told, b + 1);
        check_int(hem_gen_next(&inner, NULL), 1);
        if (n == 2)
            break;
        if (n == 3)
            goto out;
        return hem_fail(HEM_EIO, "on the way out");
    }
out:
    check_int(b[1].thrown, HEM_ECLOSED);
    check_int(b[0].thrown, 0);
    return 0;
}

VIRTUAL_TEST(it_is_closed_with_its_block)
{
    struct ending_body b[2] = {{.result = 1}, {.result = 1}};
    check_int(use(b, 0), HEM_EPERM);
    check_int(use(b, 1), HEM_EIO);
    check_int(b[0].thrown, HEM_ECLOSED);
    for (int n = 2; n <= 3; n++) {
        b[0].thrown = b[1].thrown = 0;
        check_int(use(b, n), 0);
        check_int(b[0].thrown, HEM_ECLOSED);
    }
    return 0;
}

static int fail_and_recover(hem_gen *g, void *arg)
{
    (void)arg;
    int rc = hem_gen_yield(g, NULL);
    (void)hem_fail(HEM_EIO, "in the cleanup");
    return rc;
}

static int fail_with_open(void)
{
    HEM_GEN(g, fail_and_recover, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    return hem_fail(HEM_EPERM, "in the block");
}

VIRTUAL_TEST(closing_leaves_the_record_of_the_task_alone)
{
    check_int(fail_with_open(), HEM_EPERM);
    check_str(hem_failure()->message, "in the block");
    HEM_GEN(g, fail_and_recover, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_close(&g), 0);
    check_str(hem_failure()->message, "in the block");
    return 0;
}

static int leave_waiting(void *arg)
{
    HEM_GEN(g, end_as_told, arg);
    check_int(hem_gen_next(&g, NULL), 1);
    return 0;
}

static int leave_and_go_on(void *arg)
{
    check_int(leave_waiting(arg), 0);
    int rc = hem_sleep(HEM_SEC);
    check_str(hem_task_reason(hem_self()), "now");
    return rc;
}

VIRTUAL_TEST(a_cancellation_in_the_close_of_a_block_interrupts_the_next_wait)
{
    struct ending_body b = {.result = HEM_ECANCELED, .wait = HEM_SEC};
    hem_task *t;
    check_int(hem_spawn(&t, leave_and_go_on, &b), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, "now"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_int(b.waited, HEM_ECANCELED);
    return 0;
}

static int leave_stubborn(int *n)
{
    HEM_GEN(g, go_on_yielding, n);
    check_int(hem_gen_next(&g, NULL), 1);
    return 0;
}

VIRTUAL_TEST(a_block_whose_generator_goes_on_yielding_says_so)
{
    static int n = 2; /* the end of the run closes it once more */
    check_int(leave_stubborn(&n), 0);
    check_logged("generator \"go_on_yielding\", made at");
    trace_clear();
    return 0;
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

/* Memory. */

static int note_stack(hem_gen *g, void *arg)
{
    volatile char here = 0;
    *(uintptr_t *)arg = (uintptr_t)&here;
    HEM_TRY(hem_gen_yield(g, NULL));
    return here;
}

VIRTUAL_TEST(one_after_the_other_they_use_one_stack)
{
    uintptr_t first = 0;
    uintptr_t at = 0;
    for (int i = 0; i < 1000; i++) {
        HEM_GEN(g, note_stack, &at);
        check_int(hem_gen_next(&g, NULL), 1);
        if (i == 0)
            first = at;
        check_int(at, first);
        if (i % 2)
            check_int(hem_gen_next(&g, NULL), 0);
    }
    return 0;
}

VIRTUAL_TEST(many_may_be_open)
{
    size_t count = scaled(100000);
    /* Where guards are made by mprotect, the pool ends before that. */
    hem_gen *g = calloc(count, sizeof(*g));
    int n = 2;
    size_t begun = 0;
    int rc = 1;
    while (rc > 0 && begun < count) {
        hem_gen_init(&g[begun], count_to, &n);
        rc = hem_gen_next(&g[begun], NULL);
        check(rc == 1 || (rc == HEM_ENOMEM && begun > 20000));
        begun += rc > 0;
    }
    for (size_t i = 0; i < begun; i++)
        check_int(next_int(&g[i]), 2);
    for (size_t i = 0; i < begun; i++)
        check_int(hem_gen_close(&g[i]), 0);
    free(g);
    return 0;
}

static int take_stack(hem_gen *g, void *arg)
{
    volatile char much[200 << 10];
    much[0] = much[sizeof(much) - 1] = 1;
    HEM_TRY(hem_yield());
    return hem_gen_yield(g, arg) + (much[0] - much[sizeof(much) - 1]);
}

VIRTUAL_TEST(its_stack_may_be_larger)
{
    HEM_GEN(g, take_stack, NULL, .stack_bytes = 1 << 20);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

VIRTUAL_TEST(a_stack_above_one_gib_is_refused_at_the_first_step)
{
    hem_gen g;
    hem_gen_init_with(&g, take_stack, NULL,
                      .stack_bytes = ((size_t)1 << 30) + 1);
    check_int(hem_gen_next(&g, NULL), HEM_EINVAL);
    check(!hem_gen_done(&g));
    check_int(hem_gen_close(&g), 0);
    return 0;
}

VIRTUAL_TEST(without_memory_it_has_not_begun_and_may_be_tried_again)
{
    int n = 1;
    HEM_GEN(g, count_to, &n, .stack_bytes = 1 << 20);
    int failed = 0;
    for (size_t i = 1;; i++) {
        ledger_fail_from(i);
        int rc = hem_gen_next(&g, NULL);
        ledger_fail_from(0);
        if (rc == 1)
            break;
        check_int(rc, HEM_ENOMEM);
        check(!hem_gen_done(&g));
        failed++;
    }
    check(failed > 0);
    check_int(hem_gen_next(&g, NULL), 0);
    return 0;
}

/* Mistakes: each ends the process with a line that says so. */

static int yield_outside(void *arg)
{
    int n = 1;
    HEM_GEN(g, count_to, &n);
    if (arg)
        (void)!hem_gen_next(&g, NULL);
    return hem_gen_yield(&g, NULL);
}

static int yield_as(hem_gen *g, void *arg)
{
    (void)g;
    return hem_gen_yield(arg, NULL);
}

static int yield_for_outer(hem_gen *g, void *arg)
{
    (void)arg;
    HEM_GEN(inner, yield_as, g);
    return hem_gen_next(&inner, NULL);
}

static int yield_from_within(void *arg)
{
    HEM_GEN(g, yield_for_outer, arg);
    return hem_gen_next(&g, NULL);
}

static int leave_open_scope(hem_gen *g, void *arg)
{
    hem_scope s;
    (void)arg;
    HEM_TRY(hem_scope_open(&s, NULL));
    return hem_gen_yield(g, NULL);
}

static int leave_open_timeout(hem_gen *g, void *arg)
{
    hem_timeout t;
    (void)arg;
    HEM_TRY(hem_timeout_open(&t, HEM_SEC));
    return hem_gen_yield(g, NULL);
}

static int end_with_open_scope(void *arg)
{
    HEM_GEN(g, leave_open_scope, arg);
    HEM_TRY(hem_gen_next(&g, NULL));
    return hem_gen_next(&g, NULL);
}

static int end_with_open_timeout(void *arg)
{
    HEM_GEN(g, leave_open_timeout, arg);
    HEM_TRY(hem_gen_next(&g, NULL));
    return hem_gen_next(&g, NULL);
}

static int leave_while_it_runs(void *arg)
{
    HEM_GEN(g, tick, arg);
    HEM_TRY(hem_spawn(NULL, one_step, &g));
    return hem_sleep(HEM_MSEC);
}

static int run_mistake(void *arg)
{
    hem_fn *fn = *(hem_fn **)arg;
    return hem_run(fn, NULL, NULL);
}

static int yield_not_begun(void *arg)
{
    (void)arg;
    return yield_outside(NULL);
}

static int yield_begun(void *arg)
{
    (void)arg;
    int n;
    return yield_outside(&n);
}

static void mistakes_end_the_process(void **state)
{
    (void)state;
    static const struct {
        hem_fn *fn;
        const char *part;
    } cases[] = {
        {yield_not_begun, "hem_gen_yield: the main task \"main\""},
        {yield_begun, "is not in the body of the generator"},
        {yield_from_within, "is not in the body of the generator"},
        {end_with_open_scope, "generator \"leave_open_scope\", made at"},
        {end_with_open_timeout, "returned with an open timeout"},
        {leave_while_it_runs, "HEM_GEN: the main task \"main\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        hem_fn *fn = cases[i].fn;
        check_aborts(run_mistake, &fn, cases[i].part);
    }
    run_assert_checks();
}

/* Not turned into a loop. */
__attribute__((noinline)) static int recurse(volatile int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

static int overflow(hem_gen *g, void *arg)
{
    HEM_TRY(hem_gen_yield(g, arg));
    HEM_TRY(hem_yield());
    return recurse(0);
}

static int overflow_in_generator(void *arg)
{
    HEM_GEN(g, overflow, arg, .stack_bytes = 1 << 17);
    HEM_TRY(hem_gen_next(&g, NULL));
    return hem_gen_next(&g, NULL);
}

static int spawn_overflow(void *arg)
{
    HEM_TRY(hem_spawn_with(NULL, overflow_in_generator, arg, .name = "deep"));
    return hem_sleep(HEM_SEC);
}

static int run_overflow(void *arg)
{
    return hem_run(spawn_overflow, arg, NULL);
}

static void an_overflow_names_the_task_and_the_stack_of_the_body(void **state)
{
    (void)state;
    if (SANITIZED || in_valgrind())
        skip();
    struct ending e;
    process_run(run_overflow, NULL, &e);
    check(e.signo != 0);
    check_contains(e.text, "stack overflow in task \"deep\"");
    check_contains(e.text, "whose stack has 128 KiB");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(it_gives_values_one_by_one_and_ends),
        LEDGER_TEST(the_value_is_not_touched_at_the_end_nor_needed),
        LEDGER_TEST(nothing_runs_and_no_memory_is_taken_before_the_first_step),
        LEDGER_TEST(the_error_of_its_body_ends_it_and_comes_with_its_record),
        LEDGER_TEST(what_its_body_returns_is_no_value),
        LEDGER_TEST(what_suspends_in_it_suspends_the_task),
        LEDGER_TEST(cancelling_the_task_interrupts_the_body),
        LEDGER_TEST(a_step_that_does_not_wait_is_no_point_of_cancellation),
        LEDGER_TEST(an_error_thrown_in_comes_out_of_the_yield),
        LEDGER_TEST(a_body_may_end_at_an_error_thrown_in),
        LEDGER_TEST(thrown_into_one_that_has_not_begun_it_comes_straight_out),
        LEDGER_TEST(thrown_into_one_that_has_ended_it_is_dropped),
        LEDGER_TEST(only_errors_can_be_thrown),
        LEDGER_TEST(closing_lets_the_body_clean_up),
        LEDGER_TEST(one_that_yields_while_it_is_closed_is_suspended_there),
        LEDGER_TEST(it_is_closed_with_its_block),
        LEDGER_TEST(closing_leaves_the_record_of_the_task_alone),
        LEDGER_TEST(
            a_cancellation_in_the_close_of_a_block_interrupts_the_next_wait),
        LEDGER_TEST(a_block_whose_generator_goes_on_yielding_says_so),
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
        LEDGER_TEST(one_after_the_other_they_use_one_stack),
        LEDGER_TEST(many_may_be_open),
        LEDGER_TEST(its_stack_may_be_larger),
        LEDGER_TEST(a_stack_above_one_gib_is_refused_at_the_first_step),
        LEDGER_TEST(without_memory_it_has_not_begun_and_may_be_tried_again),
        LEDGER_TEST(mistakes_end_the_process),
        LEDGER_TEST(an_overflow_names_the_task_and_the_stack_of_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Context variables: who sees what, and what it costs where memory lacks. */
#include "support.h"

static hem_var color = HEM_VAR("color", "none");
static hem_var shape = HEM_VAR("shape", NULL);
static hem_var size = HEM_VAR("size", "small");

static const char *get(const hem_var *v)
{
    return hem_var_get(v);
}

static void set(hem_var *v, const char *value)
{
    check_int(hem_var_set(v, (void *)(uintptr_t)value), 0);
}

static void push(hem_var *v, const char *value, hem_var_token *token)
{
    check_int(hem_var_push(v, (void *)(uintptr_t)value, token), 0);
}

VIRTUAL_TEST(a_variable_that_nobody_has_set_has_its_initial_value)
{
    check_str(get(&color), "none");
    check_str(get(&shape), NULL);
    set(&color, "red");
    check_str(get(&color), "red");
    set(&color, "green");
    check_str(get(&color), "green");
    set(&color, NULL);
    check_str(get(&color), NULL);
    check_str(get(&shape), NULL);
    return 0;
}

VIRTUAL_TEST(variables_of_one_name_are_different)
{
    hem_var same[2] = {HEM_VAR("same", "a"), HEM_VAR("same", "b")};
    set(&same[0], "c");
    check_str(get(&same[0]), "c");
    check_str(get(&same[1]), "b");
    return 0;
}

static int paint(void *arg)
{
    trace("%s", get(&color));
    set(&color, arg);
    int rc = hem_sleep(10);
    trace("%s", get(&color));
    return rc;
}

FIFO_TEST(a_task_gets_a_copy_as_it_is_spawned)
{
    hem_task *t[2];
    set(&color, "red");
    check_int(hem_spawn(&t[0], paint, "first"), 0);
    set(&color, "green");
    check_int(hem_spawn(&t[1], paint, "second"), 0);
    set(&color, "blue");
    check_int(hem_await(t[0]), 0);
    check_int(hem_await(t[1]), 0);
    check_str(get(&color), "blue");
    check_trace("red green first second");
    return 0;
}

FIFO_TEST(eager_tasks_and_children_of_scopes_get_copies_as_well)
{
    hem_task *t;
    set(&color, "red");
    check_int(hem_spawn_with(&t, paint, "eager", .eager = true), 0);
    check_str(get(&color), "red");
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    check_int(hem_scope_spawn(&s, NULL, paint, "child"), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_str(get(&color), "red");
    check_int(hem_await(t), 0);
    check_trace("red red eager child");
    return 0;
}

static int call_and_set(const char *value)
{
    set(&color, value);
    return hem_yield();
}

VIRTUAL_TEST(a_function_that_is_called_sets_the_variables_of_its_caller)
{
    check_int(call_and_set("red"), 0);
    check_str(get(&color), "red");
    return 0;
}

static void get_in_callback(void *arg)
{
    *(const char **)arg = get(&color);
}

VIRTUAL_TEST(callbacks_see_initial_values)
{
    const char *seen = NULL;
    hem_callback cb;
    set(&color, "red");
    hem_callback_init(&cb, get_in_callback, &seen);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(1), 0);
    check_str(seen, "none");
    return 0;
}

VIRTUAL_TEST(pop_gives_back_what_push_found)
{
    hem_var_token a, b;
    push(&color, "red", &a);
    push(&color, "green", &b);
    check_str(get(&color), "green");
    check_int(hem_var_pop(&b), 0);
    check_str(get(&color), "red");
    check_int(hem_var_pop(&a), 0);
    check_str(get(&color), "none");
    set(&color, NULL);
    push(&color, "red", &a);
    check_int(hem_var_pop(&a), 0);
    check_str(get(&color), NULL);
    return 0;
}

VIRTUAL_TEST(pop_in_another_order_gives_back_what_each_push_found)
{
    hem_var_token a, b;
    push(&color, "red", &a);
    push(&color, "green", &b);
    check_int(hem_var_pop(&a), 0);
    check_str(get(&color), "none");
    check_int(hem_var_pop(&b), 0);
    check_str(get(&color), "red");
    return 0;
}

/* In whatever order they were set and are unset. */
VIRTUAL_TEST(pop_leaves_the_other_variables_alone)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    hem_var v[3] = {HEM_VAR("0", "x"), HEM_VAR("1", "y"), HEM_VAR("2", "z")};
    static const char *const initial[] = {"x", "y", "z"};
    static const char *const value[] = {"a", "b", "c"};
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        hem_var_token token[3];
        bool is_set[3] = {true, true, true};
        for (int k = 0; k < 3; k++)
            push(&v[k], value[k], &token[k]);
        for (int k = 0; k < 3; k++) {
            check_int(hem_var_pop(&token[orders[i][k]]), 0);
            is_set[orders[i][k]] = false;
            for (int n = 0; n < 3; n++)
                check_str(get(&v[n]), is_set[n] ? value[n] : initial[n]);
        }
    }
    return 0;
}

VIRTUAL_TEST(a_token_works_once)
{
    hem_var_token token;
    push(&color, "red", &token);
    check_int(hem_var_pop(&token), 0);
    set(&color, "green");
    check_int(hem_var_pop(&token), HEM_EREFUSED);
    check_str(get(&color), "green");
    return 0;
}

static int pop_here(void *arg)
{
    return hem_var_pop(arg);
}

VIRTUAL_TEST(a_token_works_in_the_context_where_it_was_made)
{
    hem_var_token token;
    hem_task *t;
    hem_context c;
    push(&color, "red", &token);
    check_int(hem_spawn(&t, pop_here, &token), 0);
    check_int(hem_await(t), HEM_EINVAL);
    hem_context_copy(&c);
    check_int(hem_context_run(&c, pop_here, &token), HEM_EINVAL);
    hem_context_deinit(&c);
    check_str(get(&color), "red");
    check_int(hem_var_pop(&token), 0);
    check_int(hem_context_run(&c, pop_here, &token), HEM_EREFUSED);
    return 0;
}

static int sleep_on(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_NEVER);
}

VIRTUAL_TEST(without_memory_a_variable_keeps_its_value)
{
    hem_task *t;
    hem_var_token token = {.var = &size}, other;
    set(&color, "red");
    ledger_fail_from(1);
    check_int(hem_var_set(&shape, "round"), HEM_ENOMEM);
    check_int(hem_var_push(&shape, "round", &token), HEM_ENOMEM);
    check(token.var == &size);                  /* untouched */
    check_int(hem_var_set(&color, "green"), 0); /* needs none */
    ledger_fail_from(0);
    check_str(get(&shape), NULL);
    push(&shape, "round", &token);
    push(&color, "blue", &other);
    check_int(hem_spawn(&t, sleep_on, NULL), 0); /* shares the bindings */
    ledger_fail_from(1);
    check_int(hem_var_set(&color, "red"), HEM_ENOMEM);
    check_int(hem_var_pop(&token), HEM_ENOMEM);
    check_int(hem_var_pop(&other), HEM_ENOMEM);
    ledger_fail_from(0);
    check_str(get(&color), "blue");
    check_str(get(&shape), "round");
    check_int(hem_var_pop(&token), 0);
    check_int(hem_var_pop(&other), 0);
    check_str(get(&color), "green");
    check_str(get(&shape), NULL);
    check(hem_task_cancel(t, NULL));
    return 0;
}

static int set_all(void *arg)
{
    set(&color, arg);
    set(&shape, arg);
    return 7;
}

VIRTUAL_TEST(a_function_runs_in_a_context_and_leaves_that_of_the_task_alone)
{
    hem_context c;
    set(&color, "red");
    hem_context_copy(&c);
    set(&color, "green");
    check_int(hem_context_run(&c, set_all, "blue"), 7);
    check_str(get(&color), "green");
    check_str(get(&shape), NULL);
    check_int(hem_context_run(&c, paint, "black"), 0); /* and suspends in it */
    check_trace("blue black");
    check_str(get(&color), "green");
    hem_context_deinit(&c);
    hem_context_deinit(&c); /* it is empty now */
    return 0;
}

static int run_nested(void *arg)
{
    hem_context c;
    check_str(get(&color), "outer");
    hem_context_copy(&c);
    check_int(hem_context_run(&c, set_all, "inner"), 7);
    check_str(get(&color), "outer");
    check_int(hem_context_run(arg, set_all, "outer too"), 7);
    check_str(get(&color), "outer too"); /* it is the one we are in */
    hem_context_deinit(&c);
    return 0;
}

VIRTUAL_TEST(contexts_nest)
{
    hem_context c;
    set(&color, "outer");
    hem_context_copy(&c);
    set(&color, "red");
    check_int(hem_context_run(&c, run_nested, &c), 0);
    check_str(get(&color), "red");
    hem_context_deinit(&c);
    return 0;
}

static int take_turns(void *arg)
{
    for (int i = 0; i < 2; i++) {
        trace("%s", get(&color));
        set(&color, arg);
        check_int(hem_sleep(10), 0);
    }
    return 0;
}

FIFO_TEST(tasks_that_are_given_a_context_share_it)
{
    hem_context c;
    hem_task *t[2];
    set(&color, "red");
    hem_context_copy(&c);
    check_int(hem_spawn_with(&t[0], take_turns, "a", .context = &c), 0);
    check_int(hem_spawn_with(&t[1], take_turns, "b", .context = &c), 0);
    check_int(hem_await(t[0]), 0);
    check_int(hem_await(t[1]), 0);
    check_trace("red a b a");
    check_str(get(&color), "red");
    check_int(hem_context_run(&c, take_turns, "end"), 0);
    check_trace("b end");
    hem_context_deinit(&c);
    return 0;
}

static int spawn_one(void *arg)
{
    hem_task *t;
    set(&color, "of the context");
    check_int(hem_spawn(&t, paint, arg), 0);
    return hem_await(t);
}

VIRTUAL_TEST(what_is_spawned_in_a_context_copies_that)
{
    hem_context c;
    hem_context_copy(&c);
    check_int(hem_context_run(&c, spawn_one, "x"), 0);
    check_trace("of the context x");
    hem_task *t;
    check_int(hem_spawn_with(&t, spawn_one, "y", .context = &c), 0);
    check_int(hem_await(t), 0);
    check_trace("of the context y");
    check_str(get(&color), "none");
    hem_context_deinit(&c);
    return 0;
}

VIRTUAL_TEST(a_scope_may_have_a_context_for_its_children)
{
    hem_context c;
    hem_context_copy(&c);
    HEM_SCOPE(s, .context = &c);
    check_int(hem_scope_spawn(&s, NULL, set_all, "green"), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_str(get(&color), "none");
    check_int(hem_context_run(&c, paint, "red"), 0);
    check_trace("green red");
    hem_context_deinit(&c);
    return 0;
}

static int set_and_go(void *arg)
{
    (void)arg;
    set(&color, "x");
    set(&shape, "y");
    return 0;
}

VIRTUAL_TEST(variables_go_with_their_tasks)
{
    hem_task *t;
    set(&color, "red");
    check_int(hem_spawn(&t, set_and_go, NULL), 0);
    check_int(hem_await(t), 0);
    hem_task_forget(t);
    size_t live = ledger_live();
    for (int i = 0; i < 100; i++) {
        check_int(hem_spawn(&t, set_and_go, NULL), 0);
        if (i % 2)
            check(hem_task_cancel(t, NULL)); /* before its first step */
        (void)!hem_await(t);
        hem_task_forget(t);
    }
    check_int(ledger_live(), live);
    return 0;
}

VIRTUAL_TEST(there_may_be_many_variables)
{
    static hem_var many[300];
    static hem_var_token tokens[300];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        check_int(hem_var_push(&many[i], &many[i], &tokens[i]), 0);
    for (size_t i = 0; i < COUNT_OF(many); i += 2)
        check_int(hem_var_pop(&tokens[i]), 0);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        check(hem_var_get(&many[i]) == (i % 2 ? &many[i] : NULL));
    return 0;
}

static hem_var_token stolen;

static int push_and_end(void *arg)
{
    return hem_var_push(arg, "stolen", &stolen);
}

VIRTUAL_TEST(a_token_of_a_task_that_has_ended_is_of_another_context)
{
    static hem_var v = HEM_VAR("v", NULL);
    for (int i = 0; i < 3; i++) {
        hem_task *t;
        check_int(hem_spawn(&t, push_and_end, &v), 0);
        check_int(hem_await(t), 0);
        hem_task_forget(t); /* the next one may have its record */
        check_int(hem_var_pop(&stolen), HEM_EINVAL);
    }
    return 0;
}

static int pop_stolen(void *arg)
{
    (void)arg;
    return hem_var_pop(&stolen);
}

VIRTUAL_TEST(nor_does_it_pass_in_a_task_with_the_same_record)
{
    static hem_var v = HEM_VAR("v", NULL);
    for (int i = 0; i < 3; i++) {
        hem_task *t;
        check_int(hem_spawn(&t, push_and_end, &v), 0);
        check_int(hem_await(t), 0);
        hem_task_forget(t);
        check_int(hem_spawn(&t, pop_stolen, NULL), 0);
        check_int(hem_await(t), HEM_EINVAL);
        hem_task_forget(t);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_variable_that_nobody_has_set_has_its_initial_value),
        LEDGER_TEST(variables_of_one_name_are_different),
        LEDGER_TEST(a_task_gets_a_copy_as_it_is_spawned),
        LEDGER_TEST(eager_tasks_and_children_of_scopes_get_copies_as_well),
        LEDGER_TEST(a_function_that_is_called_sets_the_variables_of_its_caller),
        LEDGER_TEST(callbacks_see_initial_values),
        LEDGER_TEST(pop_gives_back_what_push_found),
        LEDGER_TEST(pop_in_another_order_gives_back_what_each_push_found),
        LEDGER_TEST(pop_leaves_the_other_variables_alone),
        LEDGER_TEST(a_token_works_once),
        LEDGER_TEST(a_token_works_in_the_context_where_it_was_made),
        LEDGER_TEST(without_memory_a_variable_keeps_its_value),
        LEDGER_TEST(
            a_function_runs_in_a_context_and_leaves_that_of_the_task_alone),
        LEDGER_TEST(contexts_nest),
        LEDGER_TEST(tasks_that_are_given_a_context_share_it),
        LEDGER_TEST(what_is_spawned_in_a_context_copies_that),
        LEDGER_TEST(a_scope_may_have_a_context_for_its_children),
        LEDGER_TEST(variables_go_with_their_tasks),
        LEDGER_TEST(there_may_be_many_variables),
        LEDGER_TEST(a_token_of_a_task_that_has_ended_is_of_another_context),
        LEDGER_TEST(nor_does_it_pass_in_a_task_with_the_same_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

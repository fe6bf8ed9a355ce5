/* SPDX-License-Identifier: MIT */
/* What hem_run() is told to watch: slow steps, and tasks as they are spawned. */
#include "support.h"

#define MS HEM_MSEC

static hem_virtual_clock held; /* holding the loop is to move this */

static int hold(hem_ns d)
{
    held.now += d;
    return 0;
}

/* Run with slow steps of `limit` logged. */
static void run_slow(hem_fn *fn, hem_ns limit)
{
    held.now = 0;
    hem_run_options opts = {.clock = &held, .slow_step = limit};
    check_int(run_with(fn, NULL, &opts), 0);
}

static int slow_step(void *arg)
{
    (void)arg;
    check_int(hem_yield(), 0);
    hold(150 * MS);
    return hem_yield();
}

static int spawn_slow(void *arg)
{
    hem_task *t;
    check_int(hem_spawn(&t, slow_step, arg), 0);
    return hem_await(t);
}

static void
a_slow_step_is_logged_with_the_name_and_place_of_its_task(void **state)
{
    (void)state;
    run_slow(spawn_slow, 100 * MS);
    check_logged("task \"slow_step\", spawned at ");
    run_slow(spawn_slow, 100 * MS);
    check_logged(", held the loop for 150 ms");
    run_slow(spawn_slow, 150 * MS);
    check_logged("test_debug.c:");
    run_slow(spawn_slow, 151 * MS); /* nothing */
    run_slow(spawn_slow, -1);
    run_assert_checks();
}

static int hold_in_parts(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        hold(90 * MS);
        check_int(i % 2 ? hem_yield() : hem_sleep(1), 0);
    }
    return 0;
}

static void steps_are_measured_one_by_one(void **state)
{
    (void)state;
    run_slow(hold_in_parts, 100 * MS);
    run_assert_checks();
}

static int hold_and_end(void *arg)
{
    (void)arg;
    return hold(200 * MS);
}

static int spawn_and_go(void *arg)
{
    char name[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    check_int(hem_spawn_with(NULL, hold_and_end, arg, .name = name), 0);
    return hem_sleep(HEM_SEC);
}

static void
the_last_step_of_a_task_is_logged_though_its_record_is_gone(void **state)
{
    (void)state;
    run_slow(spawn_and_go, 100 * MS);
    check_logged("task \"nnnnnnnnnnnnnnnnnnnnnnnn");
    run_slow(spawn_and_go, 100 * MS);
    check_logged("nnn\", spawned at");
    run_assert_checks();
}

static void hold_in_callback(void *arg)
{
    (void)arg;
    hold(130 * MS);
}

static int call_slow(void *arg)
{
    hem_callback cb;
    hem_callback_init(&cb, hold_in_callback, arg);
    check_int(hem_call_soon(&cb), 0);
    return hem_sleep(1);
}

static void a_slow_callback_is_logged(void **state)
{
    (void)state;
    run_slow(call_slow, 100 * MS);
    check_logged("a callback held the loop for 130 ms");
    run_assert_checks();
}

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

static void waiting_is_not_slow(void **state)
{
    (void)state;
    run_slow(sleep_long, 100 * MS);
    run_assert_checks();
}

static int spawn_eager(void *arg)
{
    hem_task *t;
    check_int(hem_spawn_with(&t, hold_and_end, arg, .eager = true), 0);
    return hem_await(t);
}

static void an_eager_step_is_part_of_that_of_who_spawned(void **state)
{
    (void)state;
    run_slow(spawn_eager, 100 * MS);
    check_logged("the main task \"main\" held the loop for 200 ms");
    run_assert_checks();
}

static void
the_environment_says_what_is_slow_where_the_program_does_not(void **state)
{
    (void)state;
    const char *before = getenv("HEM_DEBUG");
    char *saved = before ? strdup(before) : NULL;
    setenv("HEM_DEBUG", "120", 1);
    run_slow(spawn_slow, 0);
    check_logged("held the loop for 150 ms");
    setenv("HEM_DEBUG", "160", 1);
    run_slow(spawn_slow, 0);
    run_slow(spawn_slow, 100 * MS);
    check_logged("held the loop for 150 ms");
    static const char *const off[] = {"", "0", "no", "-5",
                                      "99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(off); i++) {
        setenv("HEM_DEBUG", off[i], 1);
        run_slow(spawn_slow, 0);
    }
    unsetenv("HEM_DEBUG");
    run_slow(spawn_slow, 0);
    if (saved)
        setenv("HEM_DEBUG", saved, 1);
    free(saved);
    run_assert_checks();
}

/* on_spawn */

static size_t told;
static hem_task *last_told;

static void tell(void *arg, hem_task *t)
{
    check_str(arg, "arg");
    check(!hem_task_done(t));
    check_str(hem_task_waits_for(t), "ready");
    trace("%s", hem_task_name(t));
    told++;
    last_told = t;
}

static int run_told(hem_fn *fn, void *arg)
{
    told = 0;
    hem_run_options opts = {
        .on_spawn = tell, .on_spawn_arg = "arg", .name = "root"};
    return run_with(fn, arg, &opts);
}

static int say_started(void *arg)
{
    (void)arg;
    trace("started");
    return 0;
}

static int spawn_all_ways(void *arg)
{
    hem_task *t;
    trace("body");
    check(last_told == hem_self());
    check_int(hem_spawn(&t, say_started, arg), 0);
    check(last_told == t);
    check_int(hem_sleep(1), 0);
    check_int(hem_spawn(NULL, say_started, arg), 0);
    check_int(hem_sleep(1), 0);
    check_int(
        hem_spawn_with(&t, say_started, arg, .name = "eager", .eager = true),
        0);
    check(last_told == t);
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    check_int(hem_scope_spawn(&s, NULL, say_started, arg), 0);
    check_int(hem_scope_spawn_with(&s, &t, say_started, arg, .name = "child"),
              0);
    check(last_told == t);
    check(hem_task_cancel(t, NULL)); /* it never starts */
    return hem_scope_close(&s, 0);
}

static void each_task_is_told_of_before_its_first_step(void **state)
{
    (void)state;
    check_int(run_told(spawn_all_ways, NULL), 0);
    check_trace("root body say_started started say_started started eager "
                "started say_started child started");
    check_int(told, 6);
    run_assert_checks();
}

static int spawn_without_memory(void *arg)
{
    hem_task *t = NULL;
    size_t before = told;
    ledger_fail_from(1);
    check_int(
        hem_spawn_with(&t, say_started, arg, .stack_bytes = (size_t)300 << 10),
        HEM_ENOMEM);
    ledger_fail_from(0);
    check(t == NULL);
    check_int(told, before);
    HEM_SCOPE(s, .kind = HEM_TASKSCOPE);
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_spawn(&s, NULL, say_started, arg), HEM_EREFUSED);
    check_int(told, before);
    trace_clear();
    return hem_scope_close(&s, 0);
}

static void what_is_not_spawned_is_not_told_of(void **state)
{
    (void)state;
    check_int(run_told(spawn_without_memory, NULL), 0);
    run_assert_checks();
}

/* Names each task by its number, and counts those that have not ended. */
static struct {
    char names[8][8];
    hem_done done[8];
    int spawned;
    int running;
} counted;

static void count_end(void *arg, int status)
{
    (void)arg;
    (void)status;
    counted.running--;
}

static void count_and_name(void *arg, hem_task *t)
{
    (void)arg;
    int n = counted.spawned++;
    snprintf(counted.names[n], sizeof(counted.names[n]), "t%d", n);
    hem_task_set_name(t, counted.names[n]);
    hem_task_on_done(t, &counted.done[n], count_end, NULL);
    counted.running++;
}

static int say_name(void *arg)
{
    (void)arg;
    trace("%s", hem_task_name(hem_self()));
    return 0;
}

static int spawn_some(void *arg)
{
    for (int i = 0; i < 5; i++) {
        check_int(hem_spawn(NULL, say_name, arg), 0);
        check_int(counted.running, 2);
        check_int(hem_sleep(1), 0);
        check_int(counted.running, 1);
    }
    return say_name(NULL);
}

static void the_hook_may_name_tasks_and_watch_their_ends(void **state)
{
    (void)state;
    memset(&counted, 0, sizeof(counted));
    hem_run_options opts = {.on_spawn = count_and_name};
    check_int(run_with(spawn_some, NULL, &opts), 0);
    check_trace("t1 t2 t3 t4 t5 t0");
    check_int(counted.running, 0);
    run_assert_checks();
}

static int cancel_what_is_told(void *arg)
{
    (void)arg;
    hem_task *t;
    check_int(hem_spawn(&t, say_started, NULL), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_spawn_with(&t, say_started, NULL, .eager = true), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    return 0;
}

static void cancel_it(void *arg, hem_task *t)
{
    (void)arg;
    if (strcmp(hem_task_name(t), "say_started") == 0)
        check(hem_task_cancel(t, NULL));
}

static void the_hook_may_cancel(void **state)
{
    (void)state;
    hem_run_options opts = {.on_spawn = cancel_it};
    check_int(run_with(cancel_what_is_told, NULL, &opts), 0);
    check_trace("");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_slow_step_is_logged_with_the_name_and_place_of_its_task),
        LEDGER_TEST(steps_are_measured_one_by_one),
        LEDGER_TEST(
            the_last_step_of_a_task_is_logged_though_its_record_is_gone),
        LEDGER_TEST(a_slow_callback_is_logged),
        LEDGER_TEST(waiting_is_not_slow),
        LEDGER_TEST(an_eager_step_is_part_of_that_of_who_spawned),
        LEDGER_TEST(
            the_environment_says_what_is_slow_where_the_program_does_not),
        LEDGER_TEST(each_task_is_told_of_before_its_first_step),
        LEDGER_TEST(what_is_not_spawned_is_not_told_of),
        LEDGER_TEST(the_hook_may_name_tasks_and_watch_their_ends),
        LEDGER_TEST(the_hook_may_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

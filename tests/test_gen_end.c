/* SPDX-License-Identifier: MIT */
/* Generators that are left open are closed at the end of the run. */
#include "support.h"

/* What the body of a generator finds and does when it is closed. */
struct left {
    hem_gen gen;
    const char *name;
    hem_ns wait;       /* before it ends */
    int result;        /* that it ends with */
    int yields;        /* after it was closed */
    hem_event *opens;  /* it waits for it, or NULL */
    hem_event *shuts;  /* it sets it, or NULL */
    struct left *next; /* it leaves this one open, or NULL */
    int thrown;
    hem_ns ended;
};

static int left_open(hem_gen *g, void *arg);

static int leave(struct left *l)
{
    hem_gen_init(&l->gen, left_open, l);
    return hem_gen_next(&l->gen, NULL);
}

static int left_open(hem_gen *g, void *arg)
{
    struct left *l = arg;
    l->thrown = hem_gen_yield(g, NULL);
    if (l->next)
        check_int(leave(l->next), 1);
    if (l->opens)
        check_int(hem_event_wait(l->opens), 0);
    if (l->wait)
        check_int(hem_sleep(l->wait), 0);
    if (l->shuts)
        hem_event_set(l->shuts);
    trace("%s", l->name);
    for (int i = 0; i < l->yields; i++)
        check_int(hem_gen_yield(g, NULL), HEM_ECLOSED);
    l->ended = hem_now();
    return l->result == 1 ? l->thrown : l->result;
}

/* Leave `count` of them open. */
struct leaving {
    struct left *left;
    size_t count;
};

static int leave_all(void *arg)
{
    const struct leaving *l = arg;
    for (size_t i = 0; i < l->count; i++)
        check_int(leave(&l->left[i]), 1);
    return 0;
}

static void run_leaving(struct left *left, size_t count)
{
    struct leaving l = {left, count};
    check_int(run_virtual(leave_all, &l), 0);
}

static void they_are_closed_in_the_order_of_their_first_steps(void **state)
{
    (void)state;
    struct left l[] = {
        {.name = "a"}, {.name = "b", .result = 1}, {.name = "c"}};
    run_leaving(l, COUNT_OF(l));
    check_trace("a b c");
    for (size_t i = 0; i < COUNT_OF(l); i++)
        check_int(l[i].thrown, HEM_ECLOSED);
    run_assert_checks();
}

static void they_clean_up_side_by_side(void **state)
{
    (void)state;
    struct left l[] = {{.name = "a", .wait = 30},
                       {.name = "b", .wait = 10},
                       {.name = "c", .wait = 20}};
    run_leaving(l, COUNT_OF(l));
    check_trace("b c a");
    check_int(l[0].ended, 30);
    run_assert_checks();
}

static void they_may_wait_for_each_other(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static struct left l[COUNT];
    static hem_event events[COUNT];
    memset(l, 0, sizeof(l));
    for (size_t i = 0; i < COUNT; i++) {
        hem_event_init(&events[i]);
        l[i].name = "x";
        l[i].shuts = &events[i];
        if (i + 1 < COUNT)
            l[i].opens = &events[i + 1];
    }
    run_leaving(l, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        check_int(l[i].thrown, HEM_ECLOSED);
    trace_clear();
    run_assert_checks();
}

static void a_failure_is_reported_under_the_name_of_the_body(void **state)
{
    (void)state;
    struct left l[] = {{.name = "a", .result = HEM_EIO},
                       {.name = "b", .wait = 5, .result = HEM_EPERM},
                       {.name = "c", .result = 5}};
    run_leaving(l, COUNT_OF(l));
    check_report(HEM_REPORT_AT_EXIT, "left_open", HEM_EIO);
    check_report(HEM_REPORT_AT_EXIT, "left_open", HEM_EPERM);
    check_trace("a c b");
    run_assert_checks();
}

static void one_that_goes_on_yielding_is_reported_and_given_up(void **state)
{
    (void)state;
    static struct left l[] = {{.name = "a", .yields = 2}, {.name = "b"}};
    run_leaving(l, COUNT_OF(l));
    check_report(HEM_REPORT_AT_EXIT, "left_open", HEM_EREFUSED);
    check_str(report_message(), "yielded while it was closed");
    check_trace("a b");
    run_assert_checks();
}

static void those_left_open_by_their_cleanup_are_closed_too(void **state)
{
    (void)state;
    struct left third = {.name = "c", .wait = 5};
    struct left second = {.name = "b", .next = &third};
    struct left l = {.name = "a", .next = &second};
    run_leaving(&l, 1);
    check_trace("a b c");
    check_int(third.thrown, HEM_ECLOSED);
    run_assert_checks();
}

static int leave_when_cancelled(void *arg)
{
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    check_int(leave(arg), 1);
    return 0;
}

static int spawn_leaving(void *arg)
{
    check_int(hem_spawn(NULL, leave_when_cancelled, arg), 0);
    return hem_sleep(1);
}

static void those_that_cancelled_tasks_leave_are_closed(void **state)
{
    (void)state;
    struct left l = {.name = "a", .wait = 5};
    check_int(run_virtual(spawn_leaving, &l), 0);
    check_int(l.ended, 6);
    trace_clear();
    run_assert_checks();
}

static int main_done(void *arg)
{
    trace("main");
    return hem_sleep(*(hem_ns *)arg);
}

static int sleep_long(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    check_int(hem_sleep(10), 0);
    trace("task");
    return 0;
}

static int leave_task_and_generator(void *arg)
{
    check_int(leave(arg), 1);
    check_int(hem_spawn(NULL, sleep_long, NULL), 0);
    hem_ns d = 1;
    return main_done(&d);
}

static void they_are_closed_when_all_tasks_have_ended(void **state)
{
    (void)state;
    struct left l = {.name = "a"};
    check_int(run_virtual(leave_task_and_generator, &l), 0);
    check_trace("main task a");
    run_assert_checks();
}

/* Its struct is gone by then. */
static int leave_on_stack(void *arg)
{
    hem_gen g;
    hem_gen_init(&g, left_open, arg);
    check_int(hem_gen_next(&g, NULL), 1);
    memset(&g, 0x55, sizeof(g));
    return 0;
}

static int leave_in_tasks(void *arg)
{
    hem_task *t;
    for (int i = 0; i < 3; i++) {
        check_int(hem_spawn(&t, leave_on_stack, arg), 0);
        check_int(hem_await(t), 0);
    }
    return 0;
}

static void its_struct_may_be_gone(void **state)
{
    (void)state;
    struct left l = {.name = "a"};
    check_int(run_virtual(leave_in_tasks, &l), 0);
    check_trace("a a a");
    run_assert_checks();
}

/* The second is asked for by the first after it was closed. */
static int ask_for_other(hem_gen *g, void *arg)
{
    struct left *other = arg;
    int rc = hem_gen_yield(g, NULL);
    check_int(hem_sleep(10), 0);
    check(hem_gen_done(&other->gen));
    check_int(hem_gen_next(&other->gen, NULL), 0);
    check_int(hem_gen_throw(&other->gen, HEM_EIO, NULL), 0);
    check_int(hem_gen_close(&other->gen), 0);
    return rc;
}

static int leave_asking(void *arg)
{
    hem_gen g;
    hem_gen_init(&g, ask_for_other, arg);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(leave(arg), 1);
    return 0;
}

static void one_that_was_closed_may_still_be_asked(void **state)
{
    (void)state;
    struct left l = {.name = "a"};
    check_int(run_virtual(leave_asking, &l), 0);
    check_trace("a");
    run_assert_checks();
}

/* In a later run. */
static int ask_again(void *arg)
{
    struct left *l = arg;
    check(hem_gen_done(&l->gen));
    check_int(hem_gen_next(&l->gen, NULL), HEM_EREFUSED);
    check_int(hem_gen_throw(&l->gen, HEM_EIO, NULL), HEM_EREFUSED);
    check_int(hem_gen_close(&l->gen), HEM_EREFUSED);
    return 0;
}

static void in_another_run_it_is_refused(void **state)
{
    (void)state;
    struct left l = {.name = "a"};
    run_leaving(&l, 1);
    check(hem_gen_done(&l.gen));
    check_int(run_virtual(ask_again, &l), 0);
    check_trace("a");
    run_assert_checks();
}

/* The first closes the second itself, while the end wants to. */
static int close_other(hem_gen *g, void *arg)
{
    struct left *other = arg;
    int rc = hem_gen_yield(g, NULL);
    check_int(hem_gen_close(&other->gen), 0);
    check_int(other->ended, 5);
    return rc;
}

static int leave_closing(void *arg)
{
    hem_gen g;
    hem_gen_init(&g, close_other, arg);
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(leave(arg), 1);
    return 0;
}

static void one_may_close_another(void **state)
{
    (void)state;
    struct left l = {.name = "a", .wait = 5};
    check_int(run_virtual(leave_closing, &l), 0);
    check_trace("a");
    run_assert_checks();
}

/* Take all stacks there are, and leave no memory for more. */
static int leave_without_memory(void *arg)
{
    struct leaving *l = arg;
    size_t count = l->count;
    ledger_fail_from(1);
    for (l->count = 0; l->count < count; l->count++) {
        int rc = leave(&l->left[l->count]);
        if (rc == HEM_ENOMEM)
            return l->count ? 0 : rc;
        check_int(rc, 1);
    }
    check_never("there is memory for all");
    return 0;
}

static int begin_one(void *arg)
{
    struct left first = {.name = "first"};
    check_int(leave(&first), 1);
    check_int(hem_gen_close(&first.gen), 0);
    return leave_without_memory(arg);
}

static void without_memory_they_are_closed_few_at_a_time(void **state)
{
    (void)state;
    static struct left l[200];
    struct leaving leaving = {l, COUNT_OF(l)};
    for (size_t i = 0; i < COUNT_OF(l); i++)
        l[i] = (struct left){.name = "x", .wait = 10};
    check_int(run_virtual(begin_one, &leaving), 0);
    ledger_fail_from(0);
    /* The main task has left its stack, and one was reserved. */
    hem_ns last = 0;
    for (size_t i = 0; i < leaving.count; i++) {
        check_int(l[i].thrown, HEM_ECLOSED);
        last = l[i].ended > last ? l[i].ended : last;
    }
    check(leaving.count > 4);
    check(last >= 10 * (hem_ns)leaving.count / 2);
    trace_clear();
    run_assert_checks();
}

static int leave_nameless(void *arg)
{
    hem_gen g;
    hem_gen_init_at(&g, left_open, arg, NULL);
    check_int(hem_gen_next(&g, NULL), 1);
    return 0;
}

static void one_made_without_options_is_called_a_generator(void **state)
{
    (void)state;
    struct left l = {.name = "a", .result = HEM_EIO};
    check_int(run_virtual(leave_nameless, &l), 0);
    check_report(HEM_REPORT_AT_EXIT, "generator", HEM_EIO);
    check_trace("a");
    run_assert_checks();
}

/* Late: as the run ends for good. */

static int begin_late(void *arg)
{
    struct left *l = arg;
    int rc = hem_sleep(HEM_NEVER);
    check_int(leave(l), HEM_EREFUSED);
    check_int(hem_gen_close(&l->gen), 0);
    return rc;
}

static int leave_earlier(void *arg)
{
    struct left *l = arg;
    check_int(leave(&l[1]), 1);
    check_int(hem_spawn(NULL, begin_late, &l[2]), 0);
    return 0;
}

static int spawn_in_cleanup(hem_gen *g, void *arg)
{
    int rc = hem_gen_yield(g, NULL);
    check_int(hem_spawn(NULL, leave_earlier, arg), 0);
    return rc;
}

static int leave_spawning(void *arg)
{
    hem_gen g;
    hem_gen_init(&g, spawn_in_cleanup, arg);
    check_int(hem_gen_next(&g, NULL), 1);
    return 0;
}

static void the_last_ones_are_closed_and_no_more_begin(void **state)
{
    (void)state;
    static struct left l[] = {
        {.name = "a"}, {.name = "b", .wait = 3}, {.name = "c"}};
    check_int(run_fifo(leave_spawning, l), 0);
    check_int(l[1].thrown, HEM_ECLOSED);
    check_int(l[1].ended, 3);
    trace_clear();
    run_assert_checks();
}

static int fail_with_generator(void *arg)
{
    check_int(leave(arg), 1);
    return HEM_EIO;
}

static void the_result_of_the_run_is_that_of_main(void **state)
{
    (void)state;
    struct left l = {.name = "a"};
    check_int(run_virtual(fail_with_generator, &l), HEM_EIO);
    check_trace("a");
    run_assert_checks();
}

static int leave_many(void *arg)
{
    size_t count = *(size_t *)arg;
    static struct left l = {.name = "x"};
    for (size_t i = 0; i < count; i++)
        check_int(leave_on_stack(&l), 0);
    return 0;
}

static void many_are_closed(void **state)
{
    (void)state;
    size_t count = scaled(20000);
    check_int(run_virtual(leave_many, &count), 0);
    trace_clear();
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(they_are_closed_in_the_order_of_their_first_steps),
        LEDGER_TEST(they_clean_up_side_by_side),
        LEDGER_TEST(they_may_wait_for_each_other),
        LEDGER_TEST(a_failure_is_reported_under_the_name_of_the_body),
        LEDGER_TEST(one_made_without_options_is_called_a_generator),
        LEDGER_TEST(one_that_goes_on_yielding_is_reported_and_given_up),
        LEDGER_TEST(those_left_open_by_their_cleanup_are_closed_too),
        LEDGER_TEST(those_that_cancelled_tasks_leave_are_closed),
        LEDGER_TEST(they_are_closed_when_all_tasks_have_ended),
        LEDGER_TEST(its_struct_may_be_gone),
        LEDGER_TEST(one_that_was_closed_may_still_be_asked),
        LEDGER_TEST(in_another_run_it_is_refused),
        LEDGER_TEST(one_may_close_another),
        LEDGER_TEST(without_memory_they_are_closed_few_at_a_time),
        LEDGER_TEST(the_last_ones_are_closed_and_no_more_begin),
        LEDGER_TEST(the_result_of_the_run_is_that_of_main),
        LEDGER_TEST(many_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

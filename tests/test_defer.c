/* SPDX-License-Identifier: MIT */
/* Deferred calls. */
#include "support.h"

struct call {
    const char *name;
    hem_ns wait;
    int result;
    int waited;
};

static int called(void *arg)
{
    struct call *c = arg;
    if (c->wait)
        c->waited = hem_sleep(c->wait);
    trace("%s", c->name);
    return c->result;
}

VIRTUAL_TEST(they_are_made_the_last_first_and_may_wait)
{
    struct call c[] = {
        {.name = "a", .wait = 5}, {.name = "b"}, {.name = "c", .wait = 3}};
    HEM_DEFER(d);
    for (size_t i = 0; i < COUNT_OF(c); i++)
        check_int(hem_defer(&d, called, &c[i]), 0);
    check_trace("");
    check_int(hem_defer_close(&d, 9), 9);
    check_trace("c b a");
    check_int(hem_now(), 8);
    return 0;
}

VIRTUAL_TEST(all_are_made_and_the_first_to_fail_replaces_the_outcome)
{
    static const int bodies[] = {0, 4, HEM_EPERM};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct call c[] = {{.name = "a", .result = HEM_EAGAIN},
                           {.name = "b", .result = 7},
                           {.name = "c", .result = HEM_EIO},
                           {.name = "d"}};
        HEM_DEFER(d);
        for (size_t k = 0; k < COUNT_OF(c); k++)
            check_int(hem_defer(&d, called, &c[k]), 0);
        check_int(hem_defer_close(&d, bodies[i]), HEM_EIO);
        check_trace("d c b a");
    }
    return 0;
}

VIRTUAL_TEST(an_error_of_the_block_passes_if_none_fails)
{
    struct call c = {.name = "a", .result = 3};
    HEM_DEFER(d);
    check_int(hem_defer(&d, called, &c), 0);
    check_int(hem_defer_close(&d, HEM_EPERM), HEM_EPERM);
    check_int(hem_defer_close(&d, 0), 0);
    check_trace("a");
    return 0;
}

static int leave(struct call *c, int how)
{
    for (int i = 0; i < 2; i++) {
        HEM_DEFER(d);
        HEM_TRY(hem_defer(&d, called, c));
        if (how == 0)
            return hem_fail(HEM_EIO, "on the way out");
        if (how == 1)
            break;
        if (how == 2)
            goto out;
        continue;
    }
out:
    trace("after");
    return 0;
}

VIRTUAL_TEST(they_are_made_by_whatever_way_the_block_is_left)
{
    static const char *const traces[] = {"a", "a after", "a after",
                                         "a a after"};
    struct call c = {.name = "a"};
    for (int how = 0; how < 4; how++) {
        check_int(leave(&c, how), how == 0 ? HEM_EIO : 0);
        check_trace(traces[how]);
    }
    check_str(hem_failure()->message, "on the way out");
    return 0;
}

static int leave_and_sleep(void *arg)
{
    check_int(leave(arg, 1), 0);
    return hem_sleep(100);
}

VIRTUAL_TEST(a_cancellation_in_such_a_call_interrupts_the_next_wait)
{
    struct call c = {.name = "a", .wait = 50, .result = HEM_ECANCELED};
    hem_task *t;
    check_int(hem_spawn(&t, leave_and_sleep, &c), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, "now"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_str(hem_task_reason(t), "now");
    trace_clear();
    return 0;
}

VIRTUAL_TEST(any_number_may_be_deferred)
{
    enum { COUNT = 1000 };
    static struct call c[COUNT];
    HEM_DEFER(d);
    size_t before = ledger_allocations();
    for (size_t i = 0; i < COUNT; i++) {
        if (i == HEM_DEFER_ROOM)
            check_int(ledger_allocations() - before, 0);
        c[i].name = "x";
        check_int(hem_defer(&d, called, &c[i]), 0);
    }
    check_int(hem_defer_close(&d, 0), 0);
    char want[2 * COUNT];
    for (size_t i = 0; i < COUNT; i++)
        memcpy(want + 2 * i, "x ", 2);
    want[sizeof(want) - 1] = '\0';
    check_trace(want);
    return 0;
}

VIRTUAL_TEST(without_memory_it_has_been_called_at_once)
{
    struct call kept = {.name = "kept"};
    struct call late = {.name = "late", .result = HEM_EIO};
    HEM_DEFER(d);
    for (int i = 0; i < HEM_DEFER_ROOM; i++)
        check_int(hem_defer(&d, called, &kept), 0);
    ledger_fail_at(1);
    check_int(hem_defer(&d, called, &late), HEM_ENOMEM);
    ledger_fail_at(0);
    check_trace("late");
    check_int(hem_defer_close(&d, 0), 0);
    check_trace("kept kept kept kept kept kept kept kept");
    return 0;
}

struct again {
    hem_deferred *d;
    struct call last;
};

static int defer_again(void *arg)
{
    struct again *a = arg;
    trace("again");
    return hem_defer(a->d, called, &a->last);
}

VIRTUAL_TEST(a_deferred_call_may_defer)
{
    struct call first = {.name = "first"};
    HEM_DEFER(d);
    struct again a = {&d, {.name = "last"}};
    check_int(hem_defer(&d, called, &first), 0);
    check_int(hem_defer(&d, defer_again, &a), 0);
    check_int(hem_defer_close(&d, 0), 0);
    check_trace("again last first");
    return 0;
}

static int noise(void *arg)
{
    (void)arg;
    (void)hem_fail(HEM_EAGAIN, "noise");
    return 0;
}

static int fail_too(void *arg)
{
    return hem_fail(HEM_EIO, "%s", (const char *)arg);
}

VIRTUAL_TEST(the_record_is_that_of_the_outcome)
{
    HEM_DEFER(d);
    check_int(hem_defer(&d, noise, NULL), 0);
    int rc = hem_fail(HEM_EPERM, "block");
    check_int(hem_defer_close(&d, rc), HEM_EPERM);
    check_str(hem_failure()->message, "block");
    static char second[] = "second";
    static char first[] = "first";
    check_int(hem_defer(&d, fail_too, second), 0);
    check_int(hem_defer(&d, noise, NULL), 0);
    check_int(hem_defer(&d, fail_too, first), 0);
    check_int(hem_defer_close(&d, rc), HEM_EIO);
    check_str(hem_failure()->message, "first");
    return 0;
}

static void it_works_without_a_loop(void **state)
{
    (void)state;
    struct call c = {.name = "a"};
    check_int(leave(&c, 1), 0);
    HEM_DEFER(d);
    check_int(hem_defer(&d, called, &c), 0);
    check_int(hem_defer_close(&d, HEM_EIO), HEM_EIO);
    check_trace("a after a");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(they_are_made_the_last_first_and_may_wait),
        LEDGER_TEST(all_are_made_and_the_first_to_fail_replaces_the_outcome),
        LEDGER_TEST(an_error_of_the_block_passes_if_none_fails),
        LEDGER_TEST(they_are_made_by_whatever_way_the_block_is_left),
        LEDGER_TEST(a_cancellation_in_such_a_call_interrupts_the_next_wait),
        LEDGER_TEST(any_number_may_be_deferred),
        LEDGER_TEST(without_memory_it_has_been_called_at_once),
        LEDGER_TEST(a_deferred_call_may_defer),
        LEDGER_TEST(the_record_is_that_of_the_outcome),
        LEDGER_TEST(it_works_without_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

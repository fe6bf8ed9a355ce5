/* SPDX-License-Identifier: MIT */
/* Exit stacks: managers and functions, torn down together. */
#include "support.h"

/* A manager: passes what it sees on, or turns it into `result`. */
struct member {
    const char *name;
    int result; /* 1: what it saw */
    hem_ns wait;
    int seen;
    int waited;
};

static int managed(hem_actx *cm, void *arg)
{
    struct member *m = arg;
    m->seen = hem_actx_yield(cm, m->name);
    if (m->wait)
        m->waited = hem_sleep(m->wait);
    trace("%s", m->name);
    return m->result == 1 ? m->seen : m->result;
}

static int enter(hem_exit_stack *st, struct member *m)
{
    void *value = NULL;
    HEM_TRY(hem_exit_stack_enter(st, managed, m, &value));
    check(value == m->name);
    return 0;
}

static int called(void *arg)
{
    struct member *m = arg;
    if (m->wait)
        m->waited = hem_sleep(m->wait);
    trace("%s", m->name);
    return m->result;
}

static int told(void *arg, int rc)
{
    struct member *m = arg;
    m->seen = rc;
    trace("%s", m->name);
    return m->result == 1 ? rc : m->result;
}

VIRTUAL_TEST(all_run_and_the_last_first)
{
    struct member m[] = {
        {.name = "a", .result = 1, .wait = 10},
        {.name = "b", .wait = 5},
        {.name = "c", .result = 1},
        {.name = "d", .result = 1},
    };
    hem_exit_stack st;
    hem_exit_stack_init(&st);
    check_int(enter(&st, &m[0]), 0);
    check_int(hem_exit_stack_push(&st, called, &m[1]), 0);
    check_int(hem_exit_stack_push_exit(&st, told, &m[2]), 0);
    check_int(enter(&st, &m[3]), 0);
    check_int(hem_exit_stack_close(&st, 4), 4);
    check_trace("d c b a");
    check_int(hem_now(), 15);
    check_int(m[2].seen, 4);
    check_int(m[0].seen, 0);
    return 0;
}

VIRTUAL_TEST(each_sees_what_those_above_it_have_left)
{
    struct member m[] = {
        {.name = "sees ok", .result = 1},
        {.name = "swallows"},
        {.name = "replaces", .result = HEM_EIO},
        {.name = "ignores"},
        {.name = "turns", .result = HEM_EPERM},
        {.name = "passes", .result = 1},
    };
    hem_exit_stack st;
    hem_exit_stack_init(&st);
    check_int(enter(&st, &m[0]), 0);
    check_int(enter(&st, &m[1]), 0);
    check_int(hem_exit_stack_push(&st, called, &m[2]), 0);
    check_int(hem_exit_stack_push(&st, called, &m[3]), 0);
    check_int(hem_exit_stack_push_exit(&st, told, &m[4]), 0);
    check_int(enter(&st, &m[5]), 0);
    check_int(hem_exit_stack_close(&st, HEM_EAGAIN), 0);
    check_int(m[5].seen, HEM_EAGAIN);
    check_int(m[4].seen, HEM_EAGAIN);
    check_int(m[1].seen, HEM_EIO);
    check_int(m[0].seen, 0);
    check_trace("passes turns ignores replaces swallows sees ok");
    return 0;
}

VIRTUAL_TEST(a_failure_after_an_error_was_swallowed_is_the_outcome)
{
    struct member m[] = {{.name = "a", .result = HEM_EIO}, {.name = "b"}};
    hem_exit_stack st;
    hem_exit_stack_init(&st);
    check_int(enter(&st, &m[0]), 0);
    check_int(enter(&st, &m[1]), 0);
    check_int(hem_exit_stack_close(&st, HEM_EPERM), HEM_EIO);
    check_int(m[0].seen, 0);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(it_is_empty_after_the_close_and_may_be_used_again)
{
    struct member m = {.name = "a"};
    hem_exit_stack st;
    hem_exit_stack_init(&st);
    check_int(hem_exit_stack_close(&st, 5), 5);
    for (int i = 0; i < 2; i++) {
        check_int(hem_exit_stack_push(&st, called, &m), 0);
        check_int(hem_exit_stack_close(&st, 0), 0);
        check_int(hem_exit_stack_close(&st, HEM_EIO), HEM_EIO);
    }
    check_trace("a a");
    return 0;
}

static int fail_to_enter(hem_actx *cm, void *arg)
{
    (void)cm;
    return arg ? hem_fail(HEM_EIO, "no") : 0;
}

VIRTUAL_TEST(what_fails_to_enter_is_not_on_it)
{
    struct member m = {.name = "a"};
    hem_exit_stack st;
    hem_exit_stack_init(&st);
    check_int(hem_exit_stack_push(&st, called, &m), 0);
    check_int(hem_exit_stack_enter(&st, fail_to_enter, &m, NULL), HEM_EIO);
    check_int(hem_exit_stack_enter(&st, fail_to_enter, NULL, NULL),
              HEM_EREFUSED);
    check_int(hem_exit_stack_close(&st, 0), 0);
    check_trace("a");
    return 0;
}

struct growing {
    hem_exit_stack st;
    struct member late;
};

static int push_more(void *arg)
{
    struct growing *g = arg;
    trace("more");
    return hem_exit_stack_push(&g->st, called, &g->late);
}

VIRTUAL_TEST(what_is_pushed_during_the_close_is_next)
{
    struct growing g = {.late = {.name = "late"}};
    struct member first = {.name = "first"};
    hem_exit_stack_init(&g.st);
    check_int(hem_exit_stack_push(&g.st, called, &first), 0);
    check_int(hem_exit_stack_push(&g.st, push_more, &g), 0);
    check_int(hem_exit_stack_close(&g.st, 0), 0);
    check_trace("more late first");
    return 0;
}

VIRTUAL_TEST(what_is_moved_goes_on_top_of_the_other)
{
    struct member m[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    hem_exit_stack to;
    hem_exit_stack_init(&to);
    check_int(hem_exit_stack_push(&to, called, &m[0]), 0);
    HEM_EXIT_STACK(from);
    check_int(hem_exit_stack_push(&from, called, &m[1]), 0);
    check_int(hem_exit_stack_push(&from, called, &m[2]), 0);
    hem_exit_stack_move(&to, &from);
    hem_exit_stack_move(&to, &from); /* which is empty */
    check_int(hem_exit_stack_close(&from, 0), 0);
    check_trace("");
    check_int(hem_exit_stack_close(&to, 0), 0);
    check_trace("c b a");
    return 0;
}

static int leave_block(struct member *m, int rc)
{
    HEM_EXIT_STACK(st);
    if (!m)
        return rc;
    HEM_TRY(hem_exit_stack_push_exit(&st, told, m));
    return hem_fail(rc, "on the way out");
}

VIRTUAL_TEST(it_is_closed_with_its_block)
{
    struct member m = {.name = "a", .result = HEM_EPERM};
    check_int(leave_block(NULL, 7), 7);
    check_int(leave_block(&m, HEM_EIO), HEM_EIO);
    check_trace("a");
    check_int(m.seen, HEM_ECLOSED);
    check_str(hem_failure()->message, "on the way out");
    return 0;
}

static int leave_waiting(void *arg)
{
    HEM_EXIT_STACK(st);
    return hem_exit_stack_push(&st, called, arg);
}

static int leave_and_sleep(void *arg)
{
    check_int(leave_waiting(arg), 0);
    return hem_sleep(100);
}

VIRTUAL_TEST(a_cancellation_in_such_a_close_interrupts_the_next_wait)
{
    struct member m = {.name = "a", .wait = 50, .result = HEM_ECANCELED};
    hem_task *t;
    check_int(hem_spawn(&t, leave_and_sleep, &m), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, "now"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 10);
    check_str(hem_task_reason(t), "now");
    trace_clear();
    return 0;
}

static int wait_on_stack(void *arg)
{
    struct member *m = arg;
    HEM_EXIT_STACK(st);
    HEM_TRY(enter(&st, &m[0]));
    HEM_TRY(enter(&st, &m[1]));
    return hem_exit_stack_close(&st, hem_sleep(100));
}

VIRTUAL_TEST(a_cancellation_unwinds_it_and_each_may_wait)
{
    struct member m[] = {{.name = "a", .result = 1, .wait = 5},
                         {.name = "b", .result = 1, .wait = 5}};
    hem_task *t;
    check_int(hem_spawn(&t, wait_on_stack, m), 0);
    check_int(hem_sleep(10), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), 20);
    check_trace("b a");
    check_int(m[0].seen, HEM_ECANCELED);
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
    return hem_fail(*(int *)arg, "function");
}

VIRTUAL_TEST(the_record_is_that_of_the_outcome)
{
    int code = HEM_EIO;
    hem_exit_stack st;
    hem_exit_stack_init(&st);
    check_int(hem_exit_stack_push(&st, noise, NULL), 0);
    int rc = hem_fail(HEM_EIO, "block");
    check_int(hem_exit_stack_close(&st, rc), HEM_EIO);
    check_str(hem_failure()->message, "block");
    check_int(hem_exit_stack_push(&st, noise, NULL), 0);
    check_int(hem_exit_stack_push(&st, fail_too, &code), 0);
    check_int(hem_exit_stack_close(&st, rc), HEM_EIO);
    check_str(hem_failure()->message, "function");
    return 0;
}

VIRTUAL_TEST(without_memory_nothing_is_pushed_or_entered)
{
    struct member m = {.name = "a"};
    hem_exit_stack st;
    hem_exit_stack_init(&st);
    ledger_fail_at(1);
    check_int(hem_exit_stack_push(&st, called, &m), HEM_ENOMEM);
    ledger_fail_at(1);
    check_int(hem_exit_stack_push_exit(&st, told, &m), HEM_ENOMEM);
    ledger_fail_at(1);
    check_int(enter(&st, &m), HEM_ENOMEM);
    ledger_fail_at(0);
    check_int(hem_exit_stack_close(&st, 0), 0);
    check_trace("");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(all_run_and_the_last_first),
        LEDGER_TEST(each_sees_what_those_above_it_have_left),
        LEDGER_TEST(a_failure_after_an_error_was_swallowed_is_the_outcome),
        LEDGER_TEST(it_is_empty_after_the_close_and_may_be_used_again),
        LEDGER_TEST(what_fails_to_enter_is_not_on_it),
        LEDGER_TEST(what_is_pushed_during_the_close_is_next),
        LEDGER_TEST(what_is_moved_goes_on_top_of_the_other),
        LEDGER_TEST(it_is_closed_with_its_block),
        LEDGER_TEST(a_cancellation_in_such_a_close_interrupts_the_next_wait),
        LEDGER_TEST(a_cancellation_unwinds_it_and_each_may_wait),
        LEDGER_TEST(the_record_is_that_of_the_outcome),
        LEDGER_TEST(without_memory_nothing_is_pushed_or_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

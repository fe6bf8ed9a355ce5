/* SPDX-License-Identifier: MIT */
/* Groups of context managers: set up and torn down side by side. */
#include "support.h"

struct part {
    const char *name;
    hem_ns enter_wait;
    int enter_result; /* negative: it fails to set up */
    int yielded;
    const char *reason; /* of a cancellation that it saw */
    const char *record; /* of an error that it saw */
    hem_ns exit_wait;
    int exit_waited;
    int exit_result; /* 1: what its yield returned */
    bool torn_down;
};

static int part(hem_actx *cm, void *arg)
{
    struct part *p = arg;
    if (p->enter_wait)
        HEM_TRY(hem_sleep(p->enter_wait));
    trace("+%s", p->name);
    if (p->enter_result)
        return hem_fail(p->enter_result, "%s failed", p->name);
    p->yielded = hem_actx_yield(cm, p->name);
    if (p->yielded == HEM_ECANCELED)
        p->reason = hem_task_reason(hem_self());
    if (p->yielded < 0 && hem_failure())
        p->record = hem_failure()->code == HEM_EIO ? "seen" : "another";
    if (p->exit_wait)
        p->exit_waited = hem_sleep(p->exit_wait);
    trace("-%s", p->name);
    p->torn_down = true;
    return p->exit_result == 1 ? p->yielded : p->exit_result;
}

#define COUNT 3

struct fixture {
    struct part parts[COUNT];
    hem_actx_member members[COUNT];
    hem_actx_group group;
};

static void init(struct fixture *f)
{
    static const char *const names[COUNT] = {"a", "b", "c"};
    memset(f, 0, sizeof(*f));
    for (size_t i = 0; i < COUNT; i++) {
        f->parts[i].name = names[i];
        f->members[i] = (hem_actx_member)HEM_ACTX_MEMBER(part, &f->parts[i]);
    }
}

static int open_all(struct fixture *f)
{
    return hem_actx_group_open(&f->group, f->members, COUNT);
}

/* Each must have been left as the block ended. */
static void check_left(const struct fixture *f, int rc)
{
    for (size_t i = 0; i < COUNT; i++) {
        check(f->parts[i].torn_down);
        check_int(f->parts[i].yielded, rc);
    }
}

VIRTUAL_TEST(its_members_are_set_up_and_torn_down_side_by_side)
{
    struct fixture f;
    init(&f);
    for (size_t i = 0; i < COUNT; i++) {
        f.parts[i].enter_wait = 30 - 10 * (hem_ns)i;
        f.parts[i].exit_wait = 10 + 10 * (hem_ns)i;
    }
    check_int(open_all(&f), 0);
    check_int(hem_now(), 30);
    check_trace("+c +b +a");
    for (size_t i = 0; i < COUNT; i++) {
        check_int(f.members[i].entered, 0);
        check_str(f.members[i].value, f.parts[i].name);
        check_int(f.members[i].exited, HEM_ESTATE);
    }
    check_int(hem_actx_group_close(&f.group, 5), 5);
    check_int(hem_now(), 60);
    check_trace("-a -b -c");
    check_left(&f, 0);
    for (size_t i = 0; i < COUNT; i++)
        check_int(f.members[i].exited, 0);
    return 0;
}

static int say_name(hem_actx *cm, void *arg)
{
    trace("%s", hem_task_name(hem_self()));
    int rc = hem_actx_yield(cm, arg);
    trace("%s", hem_task_name(hem_self()));
    return rc;
}

FIFO_TEST(its_tasks_are_named_after_the_managers)
{
    hem_actx_member m[] = {
        HEM_ACTX_MEMBER(say_name, NULL),
        HEM_ACTX_MEMBER(say_name, NULL, .enter_name = "in"),
        {.fn = say_name},
    };
    hem_actx_group g;
    check_int(hem_actx_group_open(&g, m, COUNT_OF(m)), 0);
    m[1].exit_name = "out";
    check_int(hem_actx_group_close(&g, 0), 0);
    check_trace("say_name:enter in enter say_name:exit out exit");
    return 0;
}

VIRTUAL_TEST(those_that_fail_to_set_up_are_told_and_the_others_are_open)
{
    struct fixture f;
    init(&f);
    f.parts[0].enter_result = HEM_EPERM;
    f.parts[2].enter_result = HEM_EAGAIN;
    f.parts[2].enter_wait = 10;
    check_int(open_all(&f), 0);
    check_int(f.members[0].entered, HEM_EPERM);
    check_int(f.members[1].entered, 0);
    check_int(f.members[2].entered, HEM_EAGAIN);
    if (check(f.members[2].error != NULL))
        check_str(f.members[2].error->message, "c failed");
    check_int(hem_actx_group_close(&f.group, 0), 0);
    check(f.parts[1].torn_down && !f.parts[0].torn_down);
    check_int(f.members[0].exited, 0);
    check_int(f.members[1].exited, 0);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(the_error_of_the_block_goes_into_all_and_always_passes)
{
    struct fixture f;
    init(&f);
    f.parts[0].exit_result = 1;
    f.parts[2].exit_result = HEM_EPERM;
    check_int(open_all(&f), 0);
    int rc = hem_fail(HEM_EIO, "block");
    check_int(hem_actx_group_close(&f.group, rc), HEM_EIO);
    check_left(&f, HEM_EIO);
    check_int(f.members[0].exited, 0);
    check_int(f.members[1].exited, 1);
    check_int(f.members[2].exited, HEM_EPERM);
    for (size_t i = 0; i < COUNT; i++)
        check_str(f.parts[i].record, "seen");
    check_str(hem_failure()->message, "block");
    trace_clear();
    return 0;
}

VIRTUAL_TEST(a_failure_to_tear_down_does_not_change_the_outcome)
{
    struct fixture f;
    init(&f);
    f.parts[1].exit_result = HEM_EPERM;
    check_int(open_all(&f), 0);
    check_int(hem_actx_group_close(&f.group, 8), 8);
    check_int(f.members[1].exited, HEM_EPERM);
    check_int(f.members[2].exited, 0);
    if (check(f.members[1].error != NULL))
        check_int(f.members[1].error->code, HEM_EPERM);
    trace_clear();
    return 0;
}

static int yield_twice(hem_actx *cm, void *arg)
{
    int rc = hem_actx_yield(cm, arg);
    return rc < 0 ? rc : hem_actx_yield(cm, arg);
}

VIRTUAL_TEST(a_member_that_yields_again_is_refused)
{
    hem_actx_member m[] = {HEM_ACTX_MEMBER(yield_twice, NULL)};
    hem_actx_group g;
    check_int(hem_actx_group_open(&g, m, 1), 0);
    check_int(hem_actx_group_close(&g, 0), 0);
    check_int(m[0].exited, HEM_EREFUSED);
    return 0;
}

/* Cancellation of the caller. */

static int open_and_close(void *arg)
{
    struct fixture *f = arg;
    HEM_TRY(open_all(f));
    check_int(hem_now(), 10);
    int rc = hem_actx_group_close(&f->group, hem_sleep(10));
    check_int(hem_actx_group_close(&f->group, 0), HEM_EMISUSE);
    return rc;
}

static void spawn_and_cancel(struct fixture *f, hem_ns at)
{
    hem_task *t;
    check_int(hem_spawn(&t, open_and_close, f), 0);
    check_int(hem_sleep(at), 0);
    check(hem_task_cancel(t, "why"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "why");
}

VIRTUAL_TEST(cancelled_as_it_is_set_up_it_tears_down_what_there_is)
{
    struct fixture f;
    init(&f);
    f.parts[1].enter_wait = 100;
    f.parts[2].exit_wait = 10;
    f.parts[2].exit_result = 1;
    spawn_and_cancel(&f, 5);
    check_int(hem_now(), 15);
    check_int(f.members[0].entered, 0);
    check_int(f.members[1].entered, HEM_ECANCELED);
    check_int(f.parts[0].yielded, HEM_ECANCELED);
    check_str(f.parts[0].reason, "why");
    check(f.parts[2].torn_down && !f.parts[1].torn_down);
    check_int(hem_actx_group_close(&f.group, 0), HEM_EMISUSE);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(a_cancelled_block_goes_into_all_with_its_reason)
{
    struct fixture f;
    init(&f);
    f.parts[0].enter_wait = 10;
    f.parts[1].exit_wait = 10;
    spawn_and_cancel(&f, 15);
    check_left(&f, HEM_ECANCELED);
    for (size_t i = 0; i < COUNT; i++) {
        check_str(f.parts[i].reason, "why");
        check_int(f.members[i].exited, 1);
    }
    trace_clear();
    return 0;
}

VIRTUAL_TEST(cancelled_as_it_is_torn_down_all_are_interrupted)
{
    struct fixture f;
    init(&f);
    for (size_t i = 0; i < COUNT; i++) {
        f.parts[i].exit_wait = 100;
        f.parts[i].exit_result = HEM_ECANCELED;
    }
    f.parts[0].enter_wait = 10;
    spawn_and_cancel(&f, 30);
    check_int(hem_now(), 30);
    check_left(&f, 0);
    for (size_t i = 0; i < COUNT; i++) {
        check_int(f.parts[i].exit_waited, HEM_ECANCELED);
        check_int(f.members[i].exited, HEM_ESTATE);
    }
    trace_clear();
    return 0;
}

static int cancel_before_close(void *arg)
{
    struct fixture *f = arg;
    HEM_TRY(open_all(f));
    check(hem_task_cancel(hem_self(), "before"));
    return hem_actx_group_close(&f->group, 0);
}

VIRTUAL_TEST(cancelled_before_the_tasks_begin_it_is_torn_down_all_the_same)
{
    struct fixture f;
    init(&f);
    hem_task *t;
    check_int(hem_spawn(&t, cancel_before_close, &f), 0);
    check_int(hem_await(t), HEM_ECANCELED);
    check_left(&f, 0);
    trace_clear();
    return 0;
}

/* Memory. */

VIRTUAL_TEST(without_memory_nothing_is_run)
{
    struct fixture f;
    int failed = 0;
    for (size_t i = 1;; i++) {
        init(&f);
        ledger_fail_at(i);
        int rc = open_all(&f);
        ledger_fail_at(0);
        if (rc == 0)
            break;
        check_int(rc, HEM_ENOMEM);
        check_int(hem_sleep(1), 0);
        check_trace("");
        check_int(hem_actx_group_close(&f.group, 0), HEM_EMISUSE);
        failed++;
    }
    check(failed > 0);
    check_int(hem_actx_group_close(&f.group, 0), 0);
    trace_clear();
    return 0;
}

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_NEVER);
}

VIRTUAL_TEST(it_is_torn_down_without_memory)
{
    struct fixture f;
    init(&f);
    for (size_t i = 0; i < COUNT; i++)
        f.parts[i].exit_wait = 10;
    /* Of stacks and records of tasks there are none to spare. */
    hem_task *t;
    check_int(open_all(&f), 0);
    ledger_fail_from(1);
    while (hem_spawn(&t, sleep_for_ever, NULL) == 0)
        continue;
    check_int(hem_actx_group_close(&f.group, HEM_EPERM), HEM_EPERM);
    ledger_fail_from(0);
    check_int(hem_now(), 30); /* one after the other */
    check_left(&f, HEM_EPERM);
    for (size_t i = 0; i < COUNT; i++)
        check_int(f.members[i].exited, 1);
    trace_clear();
    return 0;
}

VIRTUAL_TEST(an_empty_group_is_open_at_once)
{
    hem_actx_group g;
    check_int(hem_actx_group_open(&g, NULL, 0), 0);
    check_int(hem_actx_group_close(&g, HEM_EIO), HEM_EIO);
    check_int(hem_actx_group_close(&g, 0), HEM_EMISUSE);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(its_members_are_set_up_and_torn_down_side_by_side),
        LEDGER_TEST(its_tasks_are_named_after_the_managers),
        LEDGER_TEST(those_that_fail_to_set_up_are_told_and_the_others_are_open),
        LEDGER_TEST(the_error_of_the_block_goes_into_all_and_always_passes),
        LEDGER_TEST(a_failure_to_tear_down_does_not_change_the_outcome),
        LEDGER_TEST(a_member_that_yields_again_is_refused),
        LEDGER_TEST(cancelled_as_it_is_set_up_it_tears_down_what_there_is),
        LEDGER_TEST(a_cancelled_block_goes_into_all_with_its_reason),
        LEDGER_TEST(cancelled_as_it_is_torn_down_all_are_interrupted),
        LEDGER_TEST(
            cancelled_before_the_tasks_begin_it_is_torn_down_all_the_same),
        LEDGER_TEST(without_memory_nothing_is_run),
        LEDGER_TEST(it_is_torn_down_without_memory),
        LEDGER_TEST(an_empty_group_is_open_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Many children at once, and the tests of aiotools' test_fork.py: a fork, one
 * that has ended already, a signal, a crash, many. Each by pidfd and polled. */
#include <signal.h>
#include <sys/resource.h>

#include "forked.h"
#include "process/child.h"
#include "support.h"

#define MANY 100

/* Valgrind takes a tenth of a second for each. */
static int count_many(void)
{
    return in_valgrind() ? MANY / 10 : MANY;
}

CHILD_TEST(a_child_is_forked_and_waited_for)
{
    int code = 99;
    check_int(forked_status(forked_return, &code).exit_code, 99);
    return 0;
}

CHILD_TEST(a_child_that_has_ended_already_is_waited_for)
{
    int code = 98;
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, forked_return, &code, NULL));
    while (hem__child_runs(&c))
        HEM_TRY(hem_yield());
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.exit_code, 98);
    hem_child_close(&c);
    return 0;
}

CHILD_TEST(a_signal_ends_a_child)
{
    hem_child c;
    hem_child_status status;
    HEM_TRY(hem_fork(&c, forked_linger, NULL, NULL));
    check_int(hem_child_send_signal(&c, SIGINT), 0);
    check_int(hem_child_wait(&c, &status), 0);
    check_int(status.signal, SIGINT);
    hem_child_close(&c);
    return 0;
}

/* By a write that faults: not where a sanitizer would report it. */
static int fault(void *arg)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    if (SANITIZED || in_valgrind())
        return raise(SIGSEGV);
    **(volatile int **)arg = 0;
    return 0;
}

CHILD_TEST(a_segmentation_fault_ends_a_child)
{
    int *nowhere = NULL;
    hem_child_status status = forked_status(fault, &nowhere);
    check_int(status.signal, SIGSEGV);
    check_int(status.exit_code, -1);
    check(!status.core);
    return 0;
}

struct one {
    hem_child child;
    hem_task *task;
    int code;
};

static int fork_one(void *arg)
{
    struct one *o = arg;
    hem_child_status status;
    HEM_TRY(hem_fork(&o->child, forked_return, &o->code, NULL));
    HEM_TRY(hem_child_wait(&o->child, &status));
    check_int(status.exit_code, o->code);
    hem_child_close(&o->child);
    return 0;
}

CHILD_TEST(a_hundred_children_are_forked_at_once)
{
    static struct one all[MANY];
    int count = count_many();
    for (int i = 0; i < count; i++) {
        all[i].code = i;
        HEM_TRY(hem_spawn(&all[i].task, fork_one, &all[i]));
    }
    for (int i = 0; i < count; i++)
        check_int(hem_await(all[i].task), 0);
    check(!forked_any());
    return 0;
}

static int linger_with_signal(void *arg)
{
    struct one *o = arg;
    hem_child_status status;
    HEM_TRY(hem_fork(&o->child, forked_linger, NULL, NULL));
    o->code = 0;
    HEM_TRY(hem_child_wait(&o->child, &status));
    return status.signal;
}

CHILD_TEST(a_hundred_children_live_and_end_at_once)
{
    static struct one all[MANY];
    int count = count_many();
    for (int i = 0; i < count; i++) {
        all[i].code = -1; /* not forked yet */
        HEM_TRY(hem_spawn(&all[i].task, linger_with_signal, &all[i]));
    }
    for (int i = 0; i < count; i++) {
        while (all[i].code < 0)
            HEM_TRY(hem_yield());
    }
    for (int i = 0; i < count; i++)
        check_int(
            hem_child_send_signal(&all[i].child, i % 2 ? SIGTERM : SIGKILL), 0);
    for (int i = 0; i < count; i++) {
        check_int(hem_await(all[i].task), i % 2 ? SIGTERM : SIGKILL);
        hem_child_close(&all[i].child);
    }
    check(!forked_any());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_child_is_forked_and_waited_for),
        LEDGER_TEST(a_child_that_has_ended_already_is_waited_for),
        LEDGER_TEST(a_signal_ends_a_child),
        LEDGER_TEST(a_segmentation_fault_ends_a_child),
        LEDGER_TEST(a_hundred_children_are_forked_at_once),
        LEDGER_TEST(a_hundred_children_live_and_end_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

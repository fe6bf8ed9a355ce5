/* SPDX-License-Identifier: MIT */
/* Task groups and shields. */
#include "support.h"

#include "children.h"

static const hem_scope_options group = {.kind = HEM_TASKGROUP};

/* Timeouts. */

static const hem_scope_options timed = {.kind = HEM_TASKGROUP, .timeout = 10};

/* Shields. */

VIRTUAL_TEST(within_a_shield_a_failure_does_not_interrupt_the_body)
{
    hem_scope shield, s;
    check_int(hem_shield_open(&shield, NULL), 0);
    check_int(hem_scope_open(&s, &group), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_sleep(10), 0);
    check_int(hem_task_cancelling(hem_self()), 1);
    int rc = hem_scope_close(&s, 0);
    check_int(rc, HEM_EGROUP);
    check_int(hem_now(), 15);
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_shield_close(&shield, rc), HEM_EGROUP);
    check_calm();
    return 0;
}

VIRTUAL_TEST(within_a_shield_a_timeout_does_not_cancel_the_children)
{
    hem_scope shield, s;
    hem_ns d = 30;
    check_int(hem_shield_open(&shield, NULL), 0);
    check_int(hem_scope_open(&s, &timed), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_sleep(20), 0);
    check(hem_scope_expired(&s));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 30);
    check_int(hem_shield_close(&shield, 0), 0);
    check_calm();
    return 0;
}

VIRTUAL_TEST(a_shielded_group_is_interrupted_by_its_failures_only)
{
    hem_scope s;
    hem_scope_options o = {.kind = HEM_TASKGROUP, .shield = true};
    check_int(hem_scope_open(&s, &o), 0);
    check_int(hem_scope_spawn(&s, NULL, fail_soon, NULL), 0);
    check(hem_task_cancel(hem_self(), "kept back"));
    check_int(hem_sleep(1), 0);
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    check_int(hem_now(), 5);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_EGROUP);
    check_int(hem_task_cancelling(hem_self()), 1);
    check_int(hem_yield(), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "kept back");
    check_int(hem_yield(), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(within_a_shield_a_failure_does_not_interrupt_the_body),
        LEDGER_TEST(within_a_shield_a_timeout_does_not_cancel_the_children),
        LEDGER_TEST(a_shielded_group_is_interrupted_by_its_failures_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

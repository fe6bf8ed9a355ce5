/* SPDX-License-Identifier: MIT */
/*
 * What tasks cost that belong together, in CPU time of one operation; the same
 * programs as in asyncio_core.py:
 *
 *     hem_group spawn_yield  spawn a task that gives way once, and await it
 *     hem_group scope_0      open a task scope and close it
 *     hem_group scope_10     the same, with ten children
 *     hem_group group_0      a task group
 *     hem_group group_10     the same, with ten children
 *     hem_group cancel_10k   cancel one of 10,000 sleeping tasks, and await it
 *     hem_group cancel_100k  one of 100,000
 */
#include "hem_crowd.h"

#define ROUNDS   10000
#define SCOPES   1000
#define CHILDREN 10 /* of a scope */

static int yield_once(void *arg)
{
    (void)arg;
    return hem_yield();
}

static int spawn_yield(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        hem_task *t;
        HEM_TRY(hem_spawn(&t, yield_once, NULL));
        HEM_TRY(hem_await(t));
        hem_task_forget(t);
    }
    return 0;
}

static int scopes(hem_scope_kind kind, int children)
{
    const hem_scope_options options = {.kind = kind};
    for (int i = 0; i < SCOPES; i++) {
        hem_scope s;
        HEM_TRY(hem_scope_open(&s, &options));
        int rc = 0;
        for (int k = 0; k < children && rc == 0; k++)
            rc = hem_scope_spawn(&s, NULL, bench_nothing, NULL);
        HEM_TRY(hem_scope_close(&s, rc));
    }
    return 0;
}

static int scope_0(void *arg)
{
    (void)arg;
    return scopes(HEM_TASKSCOPE, 0);
}

static int scope_10(void *arg)
{
    (void)arg;
    return scopes(HEM_TASKSCOPE, CHILDREN);
}

static int group_0(void *arg)
{
    (void)arg;
    return scopes(HEM_TASKGROUP, 0);
}

static int group_10(void *arg)
{
    (void)arg;
    return scopes(HEM_TASKGROUP, CHILDREN);
}

static int cancel_10k(void *arg)
{
    (void)arg;
    return crowd_cancel(10000);
}

static int cancel_100k(void *arg)
{
    (void)arg;
    return crowd_cancel(100000);
}

/* clang-format off */
static const struct operation operations[] = {
    {"spawn_yield", spawn_yield, ROUNDS},
    {"scope_0", scope_0, SCOPES},
    {"scope_10", scope_10, SCOPES},
    {"group_0", group_0, SCOPES},
    {"group_10", group_10, SCOPES},
    {"cancel_10k", cancel_10k, 10000},
    {"cancel_100k", cancel_100k, 100000},
    {NULL, NULL, 0},
};
/* clang-format on */

int main(int argc, char **argv)
{
    return bench_operations(argc, argv, operations);
}

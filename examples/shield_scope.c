/* SPDX-License-Identifier: MIT */
/*
 * Shields: what has begun is completed although the task is cancelled, which
 * it learns when the shield closes. Both forms: with children, and without.
 */
#include <hem.h>
#include <stdio.h>

static int write_copy(void *disk)
{
    HEM_TRY(hem_sleep(HEM_SEC));
    return printf("written to %s\n", (char *)disk);
}

static int save(void *disk)
{
    HEM_SCOPE(s, .kind = HEM_SHIELDSCOPE);
    HEM_TRY(hem_scope_spawn(&s, NULL, write_copy, disk));
    HEM_TRY(hem_scope_spawn(&s, NULL, write_copy, "the mirror"));
    return hem_scope_close(&s, hem_sleep(600 * HEM_MSEC)); /* the index */
}

static int save_alone(void *disk)
{
    hem_scope s;
    HEM_TRY(hem_shield_open(&s, NULL));
    return hem_shield_close(&s, write_copy(disk));
}

static int cancelled_meanwhile(hem_fn *fn, char *disk)
{
    hem_task *t;
    HEM_TRY(hem_spawn(&t, fn, disk));
    HEM_TRY(hem_sleep(500 * HEM_MSEC));
    hem_task_cancel(t, "power is failing");
    int rc = hem_await(t);
    return printf("%s\n", hem_errname(rc));
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(cancelled_meanwhile(save, "disk a"));
    return cancelled_meanwhile(save_alone, "disk b");
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     written to disk a
 *     written to the mirror
 *     HEM_ECANCELED
 *     written to disk b
 *     HEM_ECANCELED
 */

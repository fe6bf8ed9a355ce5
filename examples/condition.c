/* SPDX-License-Identifier: MIT */
/* A condition: a task waits, with a lock held, for a state that others bring
 * about in steps, in which they suspend. */
#include <hem.h>
#include <stdio.h>

static hem_condition changed;
static int cakes;

static bool two_cakes(void *arg)
{
    (void)arg;
    return cakes >= 2;
}

static int guests(void *arg)
{
    HEM_TRY(hem_condition_acquire(&changed));
    int rc = hem_condition_wait_for(&changed, two_cakes, arg);
    if (rc == 0)
        printf("%d cakes: let us eat\n", cakes);
    (void)hem_condition_release(&changed);
    return rc;
}

/* Nobody sees a cake that is half done. */
static int bake(void *arg)
{
    HEM_TRY(hem_condition_acquire(&changed));
    cakes++;
    int rc = hem_sleep(3600 * HEM_SEC);
    printf("cake %d of the %s is done\n", cakes, (const char *)arg);
    (void)hem_condition_notify(&changed, 1);
    (void)hem_condition_release(&changed);
    return rc;
}

static int main_task(void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, guests, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, bake, "cook"));
    HEM_TRY(hem_scope_spawn(&s, NULL, bake, "baker"));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    hem_condition_init(&changed, NULL);
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     cake 1 of the cook is done
 *     cake 2 of the baker is done
 *     2 cakes: let us eat
 */

/* SPDX-License-Identifier: MIT */
/*
 * An exit stack: managers and functions, as many as turn up, torn down together
 * in reverse order.
 */
#include <hem.h>
#include <stdio.h>

static int table(hem_actx *cm, void *arg)
{
    printf("lay table %d\n", *(int *)arg);
    int rc = hem_actx_yield(cm, NULL);
    printf("clear table %d\n", *(int *)arg);
    return rc;
}

static int lights_out(void *arg)
{
    puts(arg);
    return hem_sleep(HEM_SEC);
}

static int grumble(void *arg, int rc)
{
    printf("%s: %s\n", (const char *)arg, hem_errname(rc));
    return rc;
}

static int serve(int guests)
{
    static int numbers[] = {1, 2, 3};
    HEM_EXIT_STACK(st);
    HEM_TRY(hem_exit_stack_push(&st, lights_out, "lights out"));
    for (int i = 0; i < 3 && guests > 4 * i; i++)
        HEM_TRY(hem_exit_stack_enter(&st, table, &numbers[i], NULL));
    HEM_TRY(hem_exit_stack_push_exit(&st, grumble, "the cook"));
    return hem_exit_stack_close(&st, HEM_ECANCELED);
}

static int main_task(void *arg)
{
    (void)arg;
    return serve(6) == HEM_ECANCELED ? 0 : HEM_ESTATE;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     lay table 1
 *     lay table 2
 *     the cook: HEM_ECANCELED
 *     clear table 2
 *     clear table 1
 *     lights out
 */

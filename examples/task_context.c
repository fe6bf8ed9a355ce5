/* SPDX-License-Identifier: MIT */
/*
 * A task context: what runs in the background for as long as a block lasts.
 * Closing it cancels what still runs; nobody has to wait for it to end.
 */
#include <hem.h>
#include <stdio.h>

static int spin(void *arg)
{
    (void)arg;
    int rc;
    for (int i = 0; (rc = hem_sleep(300 * HEM_MSEC)) == 0; i++)
        printf("%c\n", "|/-\\"[i % 4]);
    puts("(cursor shown again)");
    return rc;
}

static int warn(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(10 * HEM_SEC));
    puts("this takes long");
    return 0;
}

static int with_spinner(hem_fn *work, void *arg)
{
    HEM_SCOPE(s, .kind = HEM_TASKCONTEXT);
    HEM_TRY(hem_scope_spawn(&s, NULL, spin, NULL));
    HEM_TRY(hem_scope_spawn(&s, NULL, warn, NULL));
    return hem_scope_close(&s, work(arg));
}

static int unpack(void *arg)
{
    HEM_TRY(hem_sleep(HEM_SEC));
    return printf("unpacked %s\n", (char *)arg);
}

static int main_task(void *arg)
{
    (void)arg;
    return with_spinner(unpack, "hem.tar");
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     |
 *     /
 *     -
 *     unpacked hem.tar
 *     (cursor shown again)
 */

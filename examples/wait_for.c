/* SPDX-License-Identifier: MIT */
/*
 * hem_wait_for(): one call with a time limit; hem_future_wait_for(): the same
 * for a task that exists. What takes too long is cancelled.
 */
#include <hem.h>
#include <stdio.h>

static int ask_user(void *arg)
{
    const hem_ns *thinks = arg;
    int rc = hem_sleep(*thinks);
    if (rc < 0)
        puts("  (the question is taken back)");
    return rc < 0 ? rc : 42;
}

static void show(const char *what, int rc)
{
    printf("%s: ", what);
    if (rc < 0)
        puts(hem_errname(rc));
    else
        printf("%d\n", rc);
}

static int main_task(void *arg)
{
    (void)arg;
    hem_ns fast = HEM_SEC, slow = 60 * HEM_SEC;
    show("fast", hem_wait_for(ask_user, &fast, 10 * HEM_SEC));
    show("slow", hem_wait_for(ask_user, &slow, 10 * HEM_SEC));
    HEM_SCOPE(s);
    hem_task *t;
    HEM_TRY(hem_scope_spawn(&s, &t, ask_user, &slow));
    show("task", hem_future_wait_for(hem_task_future(t), 5 * HEM_SEC));
    show("slow again", hem_wait_for(ask_user, &slow, HEM_NEVER));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     fast: 42
 *       (the question is taken back)
 *     slow: HEM_ETIMEDOUT
 *       (the question is taken back)
 *     task: HEM_ETIMEDOUT
 *     slow again: 42
 */

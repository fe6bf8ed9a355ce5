/* SPDX-License-Identifier: MIT */
/*
 * Done callbacks: the loop calls a function in the turn after a task has ended
 * or a future is done. They run with no task current, so they cannot wait.
 */
#include <hem.h>
#include <stdio.h>

struct panel {
    int running;
    int failed;
};

static void count(void *arg, int status)
{
    struct panel *p = arg;
    p->running--;
    p->failed += status < 0;
    printf("%2.0f s: %d running, %d failed\n", (double)hem_now() / 1e9,
           p->running, p->failed);
}

static int build(void *arg)
{
    const int *seconds = arg;
    HEM_TRY(hem_sleep(*seconds * HEM_SEC));
    return *seconds == 5 ? HEM_EIO : 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct panel panel = {.running = 3};
    int seconds[] = {2, 5, 9};
    hem_task *t[3];
    hem_done done[3]; /* in place until called, or removed */
    HEM_SCOPE(s, .kind = HEM_SUPERVISOR);
    for (int i = 0; i < 3; i++) {
        HEM_TRY(hem_scope_spawn(&s, &t[i], build, &seconds[i]));
        hem_task_on_done(t[i], &done[i], count, &panel);
    }
    HEM_TRY(hem_sleep(6 * HEM_SEC));
    printf("removed: %d\n", hem_done_remove(&done[2]));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *      2 s: 2 running, 0 failed
 *      5 s: 1 running, 1 failed
 *     removed: 1
 */

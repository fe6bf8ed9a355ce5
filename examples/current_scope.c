/* SPDX-License-Identifier: MIT */
/*
 * The current scope: a library spawns into whatever scope its caller has open,
 * so that its tasks end where the caller's do, and none is passed around.
 */
#include <hem.h>
#include <stdio.h>

static int send_notice(void *text)
{
    HEM_TRY(hem_sleep(300 * HEM_MSEC));
    return printf("sent: %s\n", (char *)text);
}

static int notify(char *text)
{
    hem_scope *s = hem_scope_current();
    if (!s) /* the task is the loop's own, with no scope open */
        return hem_spawn(NULL, send_notice, text);
    return hem_scope_spawn(s, NULL, send_notice, text);
}

static bool show(void *arg, hem_task *t)
{
    return printf("%s: %s\n", (char *)arg, hem_task_name(t)) > 0;
}

static int job(void *arg)
{
    (void)arg;
    return notify("a job was done"); /* in the scope whose child it is */
}

static int main_task(void *arg)
{
    (void)arg;
    printf("a scope: %s\n", hem_scope_current() ? "yes" : "no");
    HEM_SCOPE(s);
    printf("a scope: %s\n", hem_scope_current() == &s ? "yes" : "no");
    HEM_TRY(hem_scope_spawn(&s, NULL, job, NULL));
    HEM_TRY(notify("the jobs have begun"));
    hem_scope_each(&s, show, "a child");
    return hem_scope_close(&s, 0); /* waits for the notices too */
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     a scope: no
 *     a scope: yes
 *     a child: job
 *     a child: send_notice
 *     sent: the jobs have begun
 *     sent: a job was done
 */

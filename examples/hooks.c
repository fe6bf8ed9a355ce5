/* SPDX-License-Identifier: MIT */
/*
 * Hooks of a run: on_spawn sees each task that is made, on_report each failure
 * that no caller can be told. Here they count, as a program's metrics would.
 */
#include <hem.h>
#include <stdio.h>

static int spawn_count, report_count;

static void spawned(void *arg, hem_task *t)
{
    (void)arg;
    printf("spawn %s\n", hem_task_name(t));
    spawn_count++;
}

static void reported(void *arg, const hem_report *r)
{
    (void)arg;
    const char *text = r->error ? r->error->message : hem_strerror(r->status);
    printf("%s%s: %s\n", hem_task_name(r->task),
           r->kind == HEM_REPORT_CHILD ? ", a child" : "", text);
    report_count++;
}

static int upload(void *file)
{
    return hem_fail(HEM_EPIPE, "no %s", (char *)file);
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(hem_spawn(NULL, upload, "a.jpg"));
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn_with(&s, NULL, upload, "b.jpg", .name = "last"));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_run_options o = {.on_spawn = spawned, .on_report = reported};
    int rc = hem_run(main_task, NULL, &o);
    printf("%d tasks, %d reports\n", spawn_count, report_count);
    return rc < 0;
}

/*
 * Output:
 *     spawn main
 *     spawn upload
 *     spawn last
 *     upload: no a.jpg
 *     last, a child: no b.jpg
 *     3 tasks, 2 reports
 */

/* SPDX-License-Identifier: MIT */
/*
 * Tasks: downloads side by side. hem_spawn() starts one, hem_await() gets its
 * result, hem_task_each() tells what there is and what it waits for.
 */
#include <hem.h>
#include <stdio.h>

struct download {
    const char *file;
    hem_ns takes;
    int megabytes;
};

/* Static: tasks spawned with hem_spawn() may live as long as the loop. */
static struct download downloads[] = {{"kernel.tar", 3 * HEM_SEC, 140},
                                      {"readme.txt", 1 * HEM_SEC, 1},
                                      {"manual.pdf", 2 * HEM_SEC, 9}};

static int download(void *arg)
{
    struct download *d = arg;
    hem_task_set_name(hem_self(), d->file);
    HEM_TRY(hem_sleep(d->takes)); /* the network */
    return d->megabytes;
}

static bool show(void *arg, hem_task *t)
{
    (void)arg;
    printf("%-10s  %s\n", hem_task_name(t), hem_task_waits_for(t));
    return true;
}

static int main_task(void *arg)
{
    (void)arg;
    hem_task *t[3];
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_spawn(&t[i], download, &downloads[i]));
    HEM_TRY(hem_sleep(1500 * HEM_MSEC));
    hem_task_each(show, NULL);
    int a = hem_await(t[0]), b = hem_await(t[1]), c = hem_await(t[2]);
    printf("%d + %d + %d MB in %.1f s\n", a, b, c, (double)hem_now() / 1e9);
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     main        running
 *     kernel.tar  sleep
 *     manual.pdf  sleep
 *     140 + 1 + 9 MB in 3.0 s
 */

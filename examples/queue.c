/* SPDX-License-Identifier: MIT */
/*
 * Three workers share what is in a queue; the example of asyncio's
 * documentation, on a virtual clock, so that the seconds do not pass.
 */
#include <hem.h>
#include <stdio.h>

static hem_queue queue;

static int work(void *arg)
{
    for (;;) {
        void *job;
        HEM_TRY(hem_queue_get(&queue, &job));
        HEM_TRY(hem_sleep(*(hem_ns *)job));
        ++*(int *)arg;
        HEM_TRY(hem_queue_task_done(&queue));
    }
}

static int main_task(void *arg)
{
    (void)arg;
    hem_ns jobs[20], total = 0, begin = hem_now();
    for (int i = 0; i < 20; i++) {
        jobs[i] = (50 + i * 389 % 950) * HEM_MSEC;
        total += jobs[i];
        HEM_TRY(hem_queue_put(&queue, &jobs[i]));
    }
    int done[3] = {0};
    HEM_SCOPE(workers);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&workers, NULL, work, &done[i]));
    HEM_TRY(hem_queue_join(&queue));
    hem_ns slept = hem_now() - begin;
    hem_scope_abort(&workers, "nothing left to do");
    HEM_TRY(hem_scope_close(&workers, 0));
    printf("3 workers did %d, %d and %d jobs\n", done[0], done[1], done[2]);
    printf("they slept in parallel for %.2f seconds\n", (double)slept / 1e9);
    printf("all jobs together are %.2f seconds\n", (double)total / 1e9);
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    hem_queue_init(&queue, NULL);
    int rc = hem_run(main_task, NULL, &(hem_run_options){.clock = &clock});
    hem_queue_deinit(&queue);
    return rc < 0;
}

/*
 * Output:
 *     3 workers did 8, 8 and 4 jobs
 *     they slept in parallel for 3.63 seconds
 *     all jobs together are 10.31 seconds
 */

/* SPDX-License-Identifier: MIT */
/*
 * Lanes: calls on threads that may be stuck for long have a limit of their own
 * and keep nobody else from the threads.
 */
#include <hem.h>
#include <semaphore.h>
#include <stdio.h>

static const hem_thread_lane backups = HEM_THREAD_LANE("backups", 2);

static sem_t tape; /* the operator must put one in */

static int back_up(void *arg) /* on a thread */
{
    return sem_wait(arg);
}

static int backup(void *arg)
{
    return hem_thread_call(back_up, arg,
                           &(hem_thread_options){.lane = &backups});
}

static int square(void *arg) /* on a thread */
{
    int *n = arg;
    *n *= *n;
    return *n;
}

static int main_task(void *arg)
{
    (void)arg;
    sem_init(&tape, 0, 0);
    HEM_SCOPE(s);
    for (int i = 0; i < 5; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, backup, &tape));
    HEM_TRY(hem_sleep(10 * HEM_MSEC));
    hem_thread_lane_info info;
    hem_thread_lane_get_info(&backups, &info);
    printf("%zu backups are stuck, %zu wait\n", info.running, info.waiting);
    int n = 12;
    printf("others go on: %d\n", hem_thread_call(square, &n, NULL));
    for (int i = 0; i < 5; i++)
        sem_post(&tape);
    return hem_scope_close(&s, 0);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     2 backups are stuck, 3 wait
 *     others go on: 144
 */

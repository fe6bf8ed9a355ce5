/* SPDX-License-Identifier: MIT */
/*
 * hem_wait(): until the time is over, one of the tasks is done, one has failed,
 * or all are done. It cancels none of them.
 */
#include <hem.h>
#include <stdio.h>

#define HOUR (3600 * HEM_SEC)

static int backup(void *arg)
{
    const int *hours = arg;
    HEM_TRY(hem_sleep(*hours * HOUR));
    return *hours == 4 ? HEM_EIO : 0;
}

static const struct {
    const char *until;
    hem_wait_options options;
} waits[] = {{"time is over", {HEM_FIRST_COMPLETED, HOUR}},
             {"one is done", {HEM_FIRST_COMPLETED, 0}},
             {"one has failed", {HEM_FIRST_ERROR, 0}},
             {"all are done", {HEM_ALL_COMPLETED, 0}}};

static int main_task(void *arg)
{
    (void)arg;
    int hours[] = {6, 2, 4};
    hem_task *t[3];
    HEM_SCOPE(s, .kind = HEM_SUPERVISOR);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&s, &t[i], backup, &hours[i]));
    hem_call c[] = {HEM_CALL_TASK(t[0]), HEM_CALL_TASK(t[1]),
                    HEM_CALL_TASK(t[2])};
    for (int i = 0; i < 4; i++) {
        int done = hem_wait(c, 3, &waits[i].options);
        printf("%-14s  %.0f h, %d done:", waits[i].until,
               (double)(hem_now() / HOUR), done);
        for (int k = 0; k < 3; k++)
            if (c[k].order > 0)
                printf(" %d %s", k, c[k].status < 0 ? "bad" : "good");
        puts("");
    }
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     time is over    1 h, 0 done:
 *     one is done     2 h, 1 done: 1 good
 *     one has failed  4 h, 2 done: 1 good 2 bad
 *     all are done    6 h, 3 done: 0 good 1 good 2 bad
 */

/* SPDX-License-Identifier: MIT */
/* A barrier: hikers of different speed meet at each hut, and nobody goes on
 * before all are there. */
#include <hem.h>
#include <stdio.h>

static hem_barrier hut;

struct hiker {
    const char *name;
    hem_ns pace; /* time from hut to hut */
};

static int hike(void *arg)
{
    const struct hiker *h = arg;
    for (int i = 1; i <= 2; i++) {
        HEM_TRY(hem_sleep(h->pace));
        printf("%s is at hut %d\n", h->name, i);
        int before = hem_barrier_wait(&hut);
        HEM_TRY(before);
        if (before == 0)
            printf("%s waited longest: it is %.0f o'clock\n", h->name,
                   (double)hem_now() / 3600e9);
    }
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct hiker hikers[] = {{"Ann", 3 * 3600 * HEM_SEC},
                             {"Bob", 4 * 3600 * HEM_SEC},
                             {"Eve", 2 * 3600 * HEM_SEC}};
    HEM_TRY(hem_barrier_init(&hut, 3));
    HEM_SCOPE(s);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, hike, &hikers[i]));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    hem_virtual_clock clock = {.now = 8 * 3600 * HEM_SEC};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     Eve is at hut 1
 *     Ann is at hut 1
 *     Bob is at hut 1
 *     Eve waited longest: it is 12 o'clock
 *     Eve is at hut 2
 *     Ann is at hut 2
 *     Bob is at hut 2
 *     Eve waited longest: it is 16 o'clock
 */

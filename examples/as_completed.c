/* SPDX-License-Identifier: MIT */
/*
 * hem_as_completed: results one by one, as they come. Thumbnails are shown
 * when they are ready; once there are enough, the others are cancelled.
 */
#include <hem.h>
#include <stdio.h>

static int thumbnail(void *arg)
{
    const int *ms = arg;
    int rc = hem_sleep(*ms * HEM_MSEC);
    if (rc < 0)
        printf("  that of %d ms is cancelled\n", *ms);
    return rc;
}

static int show(int *photos, int wanted, hem_ns limit)
{
    hem_call c[] = {HEM_CALL(thumbnail, &photos[0]),
                    HEM_CALL(thumbnail, &photos[1]),
                    HEM_CALL(thumbnail, &photos[2])};
    HEM_AS_COMPLETED(it, c, 3, .timeout = limit);
    hem_call *call;
    int rc = 0;
    while (wanted-- > 0 && (rc = hem_as_completed_next(&it, &call)) > 0)
        printf("  that of %d ms: %d\n", *(int *)call->arg, call->status);
    return hem_as_completed_close(&it, rc);
}

static int main_task(void *arg)
{
    (void)arg;
    int photos[] = {400, 100, 300}; /* ms that they take */
    printf("two: %d\n", show(photos, 2, HEM_SEC));
    printf("all: %s\n", hem_errname(show(photos, 3, 200 * HEM_MSEC)));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *       that of 100 ms: 0
 *       that of 300 ms: 0
 *       that of 400 ms is cancelled
 *     two: 1
 *       that of 100 ms: 0
 *       that of 400 ms is cancelled
 *       that of 300 ms is cancelled
 *     all: HEM_ETIMEDOUT
 */

/* SPDX-License-Identifier: MIT */
/* Many tasks that sleep, and their end, for benchmarks of cancellation. */
#ifndef HEM_CROWD_H
#define HEM_CROWD_H

#include "hem_bench.h"

static inline int crowd_sleep(void *arg)
{
    (void)arg;
    return hem_sleep(3600 * HEM_SEC);
}

/* Spawn `count` sleepers, with handles in `ret`, and wait until they sleep:
 * that does not count. */
static inline int crowd_spawn(hem_scope *s, hem_task **ret, size_t count)
{
    int64_t start = bench_cpu_ns();
    for (size_t i = 0; i < count; i++)
        HEM_TRY(hem_scope_spawn(s, &ret[i], crowd_sleep, NULL));
    HEM_TRY(hem_yield());
    bench_leave_out(start);
    return 0;
}

/* Cancel each of `t`, then await and forget each. */
static inline int crowd_dismiss(hem_task **t, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hem_task_cancel(t[i], NULL);
    for (size_t i = 0; i < count; i++) {
        if (hem_await(t[i]) != HEM_ECANCELED)
            return hem_fail(HEM_ESTATE, "task %zu ended otherwise", i);
        hem_task_forget(t[i]);
    }
    return 0;
}

/* Cancel `count` sleepers one by one. */
static inline int crowd_cancel(size_t count)
{
    hem_task **t = calloc(count, sizeof(*t));
    if (!t)
        return HEM_ENOMEM;
    hem_scope s;
    int rc = hem_scope_open(&s, NULL);
    if (rc == 0) {
        rc = crowd_spawn(&s, t, count);
        if (rc == 0)
            rc = crowd_dismiss(t, count);
        rc = hem_scope_close(&s, rc);
    }
    free(t);
    return rc;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Threads: what would hold the loop runs on a thread of its pool, and tells
 * the loop how far it is; tasks go on meanwhile.
 */
#include <hem.h>
#include <stdio.h>

struct sum {
    hem_loop *loop;  /* to post to */
    hem_future half; /* done on the loop */
    long long total;
};

static void half_way(void *arg) /* on the loop */
{
    struct sum *s = arg;
    if (hem_future_set_result(&s->half, 50) < 0)
        puts("too late");
}

static int compute(void *arg) /* on a thread */
{
    struct sum *s = arg;
    for (int i = 1; i <= 1000000; i++) {
        s->total += i;
        if (i == 500000)
            HEM_TRY(hem_post(s->loop, half_way, s));
    }
    return 0;
}

static int progress(void *arg)
{
    struct sum *s = arg;
    return printf("%d %%\n", hem_future_wait(&s->half));
}

static int main_task(void *arg)
{
    (void)arg;
    struct sum s = {.loop = hem_loop_current()};
    hem_future_init(&s.half);
    HEM_SCOPE(scope);
    HEM_TRY(hem_scope_spawn(&scope, NULL, progress, &s));
    int rc = hem_thread_call(compute, &s, NULL);
    HEM_TRY(hem_scope_close(&scope, rc));
    return printf("%lld\n", s.total);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     50 %
 *     500000500000
 */

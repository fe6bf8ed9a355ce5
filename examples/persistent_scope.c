/* SPDX-License-Identifier: MIT */
/*
 * A persistent scope lives in an object: any task may add work to it. Its
 * error handler runs in the child and may wait: here, it makes a pause.
 */
#include <hem.h>
#include <stdio.h>
#include <string.h>

struct mailer {
    hem_scope jobs;
    int failed;
};

static int deliver(void *arg)
{
    const char *to = arg;
    HEM_TRY(hem_sleep((hem_ns)strlen(to) * HEM_SEC));
    printf("to %s\n", to);
    return to[0] == 'b' ? HEM_ECONNREFUSED : 0;
}

static int apologise(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)s, (void)child;
    struct mailer *m = arg;
    HEM_TRY(hem_sleep(HEM_SEC));
    printf("failure %d: %s\n", ++m->failed, hem_errname(error));
    return 0;
}

static int work(struct mailer *m)
{
    HEM_TRY(hem_scope_spawn(&m->jobs, NULL, deliver, "bob"));
    HEM_TRY(hem_scope_spawn(&m->jobs, NULL, deliver, "cinderella"));
    HEM_TRY(hem_sleep(6 * HEM_SEC));
    return hem_scope_shutdown(&m->jobs); /* cancels, and waits */
}

static int main_task(void *arg)
{
    (void)arg;
    struct mailer m = {0};
    HEM_TRY(hem_scope_open(&m.jobs, &(hem_scope_options){.kind = HEM_PERSISTENT,
                                                         .on_error = apologise,
                                                         .on_error_arg = &m}));
    return hem_scope_close(&m.jobs, work(&m));
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     to bob
 *     failure 1: HEM_ECONNREFUSED
 */

/* SPDX-License-Identifier: MIT */
/*
 * A future: any number of tasks wait for one result, which comes from
 * elsewhere. What is larger than a number lives beside it.
 */
#include <hem.h>
#include <stdio.h>

static struct config {
    hem_future loaded; /* the number of settings, or an error */
    const char *user;
} config = {.user = "daemon"};

static int service(void *name)
{
    int rc = hem_future_wait(&config.loaded);
    const char *what = rc < 0 ? hem_errname(rc) : config.user;
    printf("%s: %d, %s\n", (char *)name, rc, what);
    return 0;
}

static int load_with(int outcome)
{
    hem_future_init(&config.loaded);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, service, "web"));
    HEM_TRY(hem_scope_spawn(&s, NULL, service, "mail"));
    HEM_TRY(hem_sleep(HEM_SEC)); /* both wait */
    if (outcome == HEM_ECANCELED)
        hem_future_cancel(&config.loaded, "not wanted any more");
    else if (outcome < 0)
        HEM_TRY(hem_future_set_error(&config.loaded, outcome));
    else
        HEM_TRY(hem_future_set_result(&config.loaded, outcome));
    return hem_scope_close(&s, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(load_with(12));
    HEM_TRY(load_with(HEM_ENOENT));
    return load_with(HEM_ECANCELED);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     web: 12, daemon
 *     mail: 12, daemon
 *     web: -2, HEM_ENOENT
 *     mail: -2, HEM_ENOENT
 *     web: -125, HEM_ECANCELED
 *     mail: -125, HEM_ECANCELED
 */

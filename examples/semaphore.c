/* SPDX-License-Identifier: MIT */
/* A semaphore: ten downloads, of which at most three run at a time. */
#include <hem.h>
#include <stdio.h>

struct site {
    hem_semaphore connections;
    int now, most;
};

static int download(void *arg)
{
    struct site *s = arg;
    HEM_TRY(hem_semaphore_acquire(&s->connections));
    if (++s->now > s->most)
        s->most = s->now;
    int rc = hem_sleep(HEM_SEC);
    s->now--;
    (void)hem_semaphore_release(&s->connections);
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    struct site site = {.now = 0};
    hem_semaphore_init(&site.connections,
                       &(hem_semaphore_options){.value = 3, .bounded = true});
    hem_ns begin = hem_now();
    HEM_SCOPE(s);
    for (int i = 0; i < 10; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, download, &site));
    HEM_TRY(hem_scope_close(&s, 0));
    printf(
        "10 downloads of a second each, at most %d at a time: %.0f seconds\n",
        site.most, (double)(hem_now() - begin) / 1e9);
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     10 downloads of a second each, at most 3 at a time: 4 seconds
 */

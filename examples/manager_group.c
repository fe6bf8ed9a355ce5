/* SPDX-License-Identifier: MIT */
/*
 * A group of context managers: all are set up side by side, and torn down side
 * by side. One that fails leaves the others alone.
 */
#include <hem.h>
#include <stdio.h>

struct server {
    const char *name;
    hem_ns distance;
    bool down;
};

static int connection(hem_actx *cm, void *arg)
{
    const struct server *s = arg;
    HEM_TRY(hem_sleep(s->distance));
    if (s->down)
        return hem_fail(HEM_ECONNREFUSED, "%s is down", s->name);
    int rc = hem_actx_yield(cm, s->name);
    HEM_TRY(hem_sleep(s->distance));
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    struct server servers[] = {{"Lagos", 40 * HEM_MSEC, false},
                               {"Lima", 70 * HEM_MSEC, true},
                               {"Lyon", 20 * HEM_MSEC, false}};
    hem_actx_member m[3];
    for (int i = 0; i < 3; i++)
        m[i] = (hem_actx_member)HEM_ACTX_MEMBER(connection, &servers[i]);
    hem_actx_group g;
    HEM_TRY(hem_actx_group_open(&g, m, 3));
    printf("after %d ms:\n", (int)(hem_now() / HEM_MSEC));
    for (int i = 0; i < 3; i++)
        puts(m[i].entered < 0 ? m[i].error->message : (char *)m[i].value);
    HEM_TRY(hem_actx_group_close(&g, 0));
    printf("closed after %d ms\n", (int)(hem_now() / HEM_MSEC));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     after 70 ms:
 *     Lagos
 *     Lima is down
 *     Lyon
 *     closed after 110 ms
 */

/* SPDX-License-Identifier: MIT */
/*
 * A supervisor: children whose failures are nobody's business. Asks all
 * mirrors how far they are and takes what comes; the dead ones do not matter.
 */
#include <hem.h>
#include <stdio.h>

struct mirror {
    const char *name;
    hem_ns distance; /* 0: it is dead */
    bool answered;
};

static int ping(void *arg)
{
    struct mirror *m = arg;
    HEM_TRY(hem_sleep(m->distance));
    if (m->distance == 0)
        return HEM_ECONNREFUSED;
    m->answered = true;
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct mirror mirrors[] = {{"se", 30 * HEM_MSEC, false},
                               {"de", 0, false},
                               {"au", 290 * HEM_MSEC, false},
                               {"us", 90 * HEM_MSEC, false}};
    HEM_SCOPE(s, .kind = HEM_SUPERVISOR, .name = "mirrors");
    for (int i = 0; i < 4; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, ping, &mirrors[i]));
    HEM_TRY(hem_sleep(200 * HEM_MSEC)); /* no failure interrupts this */
    printf("%zu mirror has not said a word\n", hem_scope_children(&s));
    hem_scope_abort(&s, "too far away");
    HEM_TRY(hem_scope_close(&s, 0));
    for (int i = 0; i < 4; i++)
        printf("%s: %s\n", mirrors[i].name, mirrors[i].answered ? "ok" : "-");
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     1 mirror has not said a word
 *     se: ok
 *     de: -
 *     au: -
 *     us: ok
 */

/* SPDX-License-Identifier: MIT */
/*
 * A gathering is the future of several tasks: it can be looked at, waited for
 * with a limit, and cancelled, which cancels all of them.
 */
#include <hem.h>
#include <stdio.h>

static int scan(void *arg)
{
    const int *seconds = arg;
    int rc = hem_sleep(*seconds * HEM_SEC);
    puts(rc < 0 ? "stopped" : "scanned");
    return rc < 0 ? rc : *seconds;
}

static int scan_disks(hem_ns patience)
{
    int seconds[] = {2, 8};
    hem_task *t[2];
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, &t[0], scan, &seconds[0]));
    HEM_TRY(hem_scope_spawn(&s, &t[1], scan, &seconds[1]));
    hem_call c[] = {HEM_CALL_TASK(t[0]), HEM_CALL_TASK(t[1])};
    hem_gathering g;
    HEM_TRY(hem_gather_start(&g, c, 2, 0));
    hem_future *both = hem_gather_future(&g);
    int rc = hem_sleep(patience);
    if (rc == 0 && !hem_future_done(both))
        hem_future_cancel(both, "out of patience");
    if (rc == 0)
        rc = hem_future_wait(both);
    printf("both: %s; %d, %d\n", rc < 0 ? hem_errname(rc) : "done", c[0].status,
           c[1].status);
    hem_gather_stop(&g); /* before it goes, and the operands with it */
    return hem_scope_close(&s, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(scan_disks(10 * HEM_SEC));
    return scan_disks(5 * HEM_SEC);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     scanned
 *     scanned
 *     both: done; 2, 8
 *     scanned
 *     stopped
 *     both: HEM_ECANCELED; 2, -125
 */

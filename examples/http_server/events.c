/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *what;
    bool of_worker;
} texts[] = {
    [HEM_WORKER_IS_STARTED] = {"starts", true},
    [HEM_WORKER_IS_READY] = {"is ready", true},
    [HEM_WORKER_HAS_ENDED] = {"has ended", true},
    [HEM_WORKER_IS_STUCK] = {"is stuck", true},
    [HEM_SERVICE_IS_READY] = {"ready", false},
    [HEM_SERVICE_RELOADS] = {"reloads", false},
    [HEM_SERVICE_RELOADED] = {"reloaded", false},
    [HEM_SERVICE_UPGRADES] = {"upgrades", false},
    [HEM_SERVICE_UPGRADED] = {"upgraded", false},
    [HEM_SERVICE_IS_UNREADY] = {"unready", false},
    [HEM_SERVICE_STOPS] = {"stops", false},
    [HEM_SERVICE_KILLS] = {"kills", false},
};

static void tell_end(const hem_worker_end *end)
{
    if (end->signal != 0)
        printf(": signal %d, %s%s", end->signal, strsignal(end->signal),
               end->core ? ", core" : "");
    else if (end->error < 0)
        printf(": %s", hem_strerror(end->error));
}

void http_events_tell(void *arg, const hem_prefork_event *e)
{
    (void)arg;
    if (texts[e->kind].of_worker)
        printf("worker %" PRIu32 ".%" PRIu32 " (%ld) %s", e->index,
               e->generation, (long)e->pid, texts[e->kind].what);
    else
        printf("service %s", texts[e->kind].what);
    if (e->kind == HEM_WORKER_HAS_ENDED)
        tell_end(&e->end);
    else if (e->kind == HEM_SERVICE_UPGRADES)
        printf(" to %ld", (long)e->pid);
    else if (e->error < 0)
        printf(": %s", hem_strerror(e->error));
    putchar('\n');
    fflush(stdout); /* workers are forked: nothing may be left in the buffer */
}

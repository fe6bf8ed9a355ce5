/* SPDX-License-Identifier: MIT */
#include "ticks.h"

#include "ms.h"
#include "support.h"

int tick_run(void *arg)
{
    struct tick *t = arg;
    t->begun++;
    if (++t->running > t->most)
        t->most = t->running;
    trace("%d", now_ms());
    int rc = t->takes ? hem_sleep(t->takes) : 0;
    if (rc == HEM_ECANCELED && t->cleanup)
        check_int(hem_sleep(t->cleanup), 0);
    if (rc == HEM_ECANCELED)
        trace("c%d", now_ms());
    t->running--;
    return rc < 0 ? rc : t->result;
}

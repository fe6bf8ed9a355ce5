/* SPDX-License-Identifier: MIT */
/* How an instance has ended, from what could be seen, what it said, and what it
 * was told. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "hem/error.h"
#include "service/service.h"
#include "service/worker.h"

/* What it said, or could not say and left in its slot. */
static int said_by(const hem__instance *i)
{
    if (i->said < 0)
        return i->said;
    int error = atomic_load(&i->slot->error);
    return error < 0 ? error : 0;
}

/* A plain process that ends by the signal that it is told to stop by ends as
 * it should. */
static int error_of(const hem__instance *i)
{
    const hem_worker_end *end = &i->end;
    if (end->error < 0)
        return end->error;
    if (end->signal)
        return !i->role->fn && end->signal == i->told ? 0 : HEM_ESIGNALED;
    if (said_by(i) < 0)
        return said_by(i);
    return end->exit_code > 0 ? HEM_EEXITED : 0;
}

static hem_worker_phase phase_of(const hem__instance *i)
{
    if (i->said < 0)
        return i->said_phase;
    uint32_t phase = atomic_load(&i->slot->phase);
    return phase < HEM_WORKER_ENDED ? (hem_worker_phase)phase
                                    : HEM_WORKER_ENDED;
}

static void describe(const hem__instance *i, char *text, size_t room)
{
    const hem_worker_end *end = &i->end;
    if (end->error == HEM_ESIGNALED) {
        const char *name = sigabbrev_np(end->signal);
        snprintf(text, room, "killed by %s%s%s", name ? "SIG" : "signal ",
                 name ? name : "", end->core ? ", with a core file" : "");
        if (!name)
            snprintf(text, room, "killed by signal %d", end->signal);
    } else if (end->error == HEM_EEXITED && !i->text[0]) {
        snprintf(text, room, "exited with status %d", end->exit_code);
    } else {
        snprintf(text, room, "%s: %s", hem_errname(end->error),
                 i->text[0] ? i->text : hem_strerror(end->error));
    }
}

void hem__instance_judge(hem__instance *i)
{
    i->end.phase = phase_of(i);
    i->end.error = error_of(i);
    if (i->end.error == 0)
        return;
    char name[HEM__INSTANCE_NAME], text[320];
    describe(i, text, sizeof(text));
    hem_log(HEM_LOG_ERROR, "%s failed in %s: %s", hem__instance_name(i, name),
            hem__phase_name(i->end.phase), text);
}

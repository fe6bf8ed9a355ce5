/* SPDX-License-Identifier: MIT */
/*
 * How the workers are, as far as can be seen from outside: one task looks at all
 * of them, four times in a heartbeat, and at least once a second.
 *
 * A worker that is ready beats in its slot as long as its loop turns
 * (worker_told.c). What counts is how long this process has been looking in
 * vain: by how much a look comes too late, because the process was stopped, or
 * the machine slept or had no time for it, is not counted. So a worker that was
 * not given time either has a period to beat again. One whose heart never beat
 * has none: a plain process, a loop on a virtual clock.
 */
#include <stdio.h>

#include "base/list.h"
#include "base/log.h"
#include "hem/clock.h"
#include "hem/notify.h"
#include "service/health.h"
#include "service/jitter.h"
#include "service/resident.h"

#define LOOKS      4 /* in a heartbeat */
#define PERIOD_MIN HEM_MSEC
#define PERIOD_MAX HEM_SEC

hem_ns hem__health_period(hem_ns heartbeat)
{
    if (heartbeat <= 0 || heartbeat / LOOKS > PERIOD_MAX)
        return PERIOD_MAX;
    return heartbeat / LOOKS > PERIOD_MIN ? heartbeat / LOOKS : PERIOD_MIN;
}

/* ---- the heart ---- */

static void report_stuck(hem__instance *i, hem_ns silent)
{
    char name[HEM__INSTANCE_NAME];
    i->stuck = true;
    hem_log(HEM_LOG_ERROR, "%s is stuck: no heartbeat for %lld ms",
            hem__instance_name(i, name), (long long)(silent / HEM_MSEC));
    hem__service_event(i->service, &(hem_prefork_event){
                                       .kind = HEM_WORKER_IS_STUCK,
                                       .index = i->index,
                                       .generation = i->generation,
                                       .pid = i->pid,
                                   });
}

static bool has_heart(const hem__instance *i)
{
    return i->alive && i->slot && i->state != HEM__INSTANCE_STARTING &&
           atomic_load(&i->slot->beats) > 0;
}

/* `late`: by so much this look comes too late. */
static void listen_to_heart(hem__instance *i, hem_ns late)
{
    hem_ns now = hem_now();
    if (!has_heart(i))
        return;
    uint64_t beats = atomic_load(&i->slot->beats);
    if (beats != i->beats || i->beat_at == 0) {
        i->beats = beats;
        i->beat_at = now;
        i->stuck = false;
        return;
    }
    /* Not beyond now: systemd.c may have set it since this look was due. */
    i->beat_at = now - i->beat_at > late ? i->beat_at + late : now;
    hem_ns limit = i->service->options->heartbeat;
    if (limit <= 0 || i->stuck || now - i->beat_at < limit)
        return;
    report_stuck(i, now - i->beat_at);
    if (!i->service->threads) /* of which none can be killed */
        hem__instance_kill(i);
}

bool hem__health_all_beat(const hem__service *s, hem_ns within)
{
    hem_ns now = hem_now();
    const struct hem__list *all = &s->instances;
    for (const struct hem__list *e = all->next; e != all; e = e->next) {
        const hem__instance *i = HEM__CONTAINER(e, hem__instance, link);
        if (has_heart(i) && i->beat_at > 0 && now - i->beat_at > within)
            return false;
    }
    return true;
}

/* ---- memory ---- */

/* How much it may have: drawn once for each, and kept as one more. */
static size_t memory_limit(hem__instance *i)
{
    const hem_prefork_options *o = i->service->options;
    uint64_t salt = (uint64_t)i->generation << 32 | i->index;
    if (i->jitter == 0)
        i->jitter = hem__jitter(o->max_memory_jitter, salt) | 1;
    size_t limit;
    return __builtin_add_overflow(o->max_memory, i->jitter, &limit) ? SIZE_MAX
                                                                    : limit;
}

static void weigh(hem__instance *i)
{
    if (!i->alive || i->pid == 0)
        return;
    i->memory = hem__resident_bytes(i->pid);
    if (i->role->extra || i->wants_replacement ||
        i->state != HEM__INSTANCE_READY || i->memory <= memory_limit(i))
        return;
    char why[80];
    snprintf(why, sizeof(why), "max_memory: %zu bytes are resident", i->memory);
    hem__instance_replace(i, why);
}

/* ---- all of them ---- */

static void look(hem__service *s, hem_ns late)
{
    bool memory = s->options->max_memory > 0;
    struct hem__list *all = &s->instances, *next;
    for (struct hem__list *e = all->next; e != all; e = next) {
        hem__instance *i = HEM__CONTAINER(e, hem__instance, link);
        next = e->next;
        listen_to_heart(i, late);
        if (memory)
            weigh(i);
    }
}

static int keep_looking(void *arg)
{
    hem__service *s = arg;
    hem_ns period = hem__health_period(s->pulse * LOOKS);
    for (hem_ns before = hem_now();;) {
        HEM_TRY(hem_sleep(period));
        hem_ns now = hem_now();
        look(s, now - before - period);
        before = now;
    }
}

int hem__health_start(hem__service *s, hem_scope *scope)
{
    const hem_prefork_options *o = s->options;
    hem_ns watchdog = hem_watchdog_interval();
    hem_ns beat = o->heartbeat > 0 ? o->heartbeat : HEM_NEVER;
    if (watchdog < beat)
        beat = watchdog;
    if (beat != HEM_NEVER)
        s->pulse = hem__health_period(beat);
    if (beat == HEM_NEVER && o->max_memory == 0)
        return 0;
    return hem_scope_spawn(scope, NULL, keep_looking, s);
}

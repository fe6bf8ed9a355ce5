/* SPDX-License-Identifier: MIT */
/*
 * Replacing workers: one task, which does it one at a time. What it has to do
 * is never queued: a rolling restart that is wanted, and wishes of instances,
 * are flags. So any number of SIGHUPs that come during one roll make one more.
 *
 * A roll is an epoch. Each instance knows in which it was started; the roll goes
 * from seat to seat and replaces who is of an earlier one. Who was started
 * anew meanwhile, for whatever reason, is new enough.
 */
#include "base/list.h"
#include "base/log.h"
#include "hem/error.h"
#include "hem/failure.h"
#include "hem/task.h"
#include "hem/timeout.h"
#include "service/service.h"

/* Whether a successor that is settled has come to be one. */
static int verdict(const hem__instance *next)
{
    if (next->ready_at || next->leave != HEM__LEAVE_NOT)
        return 0;
    return next->end.error < 0 ? next->end.error : HEM_EEXITED;
}

int hem__service_replace(hem__service *s, hem__instance *old)
{
    hem__seat *seat = old->seat;
    HEM_TRY(hem__seat_wait_room(seat, old));
    if (seat->now != old || seat->next)
        return 0;
    if (s->state > HEM__SERVICE_READY) /* `reload` has passed over it */
        return HEM_ECANCELED;
    int rc;
    hem__instance *next = hem__instance_start(seat, &rc);
    if (!next)
        return rc;
    seat->next = next;
    hem__instance_hold(next);
    rc = hem_event_wait(&next->settled);
    if (rc == 0)
        rc = verdict(next);
    hem__instance_release(next);
    return rc;
}

void hem__service_reload(hem__service *s)
{
    s->reload_wanted = true;
    hem_event_set(&s->roll);
}

void hem__instance_replace(hem__instance *i, const char *why)
{
    if (i->wants_replacement || i->state >= HEM__INSTANCE_TOLD ||
        i->service->state > HEM__SERVICE_READY)
        return;
    char name[HEM__INSTANCE_NAME];
    hem_log(HEM_LOG_INFO, "%s is to be replaced: %s",
            hem__instance_name(i, name), why);
    i->wants_replacement = true;
    hem_event_set(&i->service->roll);
}

/* ---- a rolling restart ---- */

static int roll_seat(hem__seat *seat)
{
    hem__service *s = seat->service;
    while (seat->wanted && seat->now && seat->now->epoch != s->epoch)
        HEM_TRY(hem__service_replace(s, seat->now));
    return 0;
}

static int roll_all(hem__service *s)
{
    const hem_prefork_options *o = s->options;
    int rc = o->reload ? o->reload(o->reload_arg) : 0;
    if (rc < 0)
        return rc;
    s->epoch++;
    for (uint32_t k = 0; k < s->seat_count; k++) {
        if (!s->seats[k].role->extra)
            HEM_TRY(roll_seat(&s->seats[k]));
    }
    return 0;
}

static void reload(hem__service *s)
{
    s->reload_wanted = false;
    s->reloading = true;
    hem__service_event(s, &(hem_prefork_event){.kind = HEM_SERVICE_RELOADS});
    hem__service_notify(s, "RELOADING=1");
    int rc = roll_all(s);
    s->reloading = false;
    s->reloads++;
    if (rc < 0 && s->state <= HEM__SERVICE_READY)
        hem_log(HEM_LOG_ERROR, "%s: reload given up: %s: %s", s->role.name,
                hem_errname(rc), hem_failure_text(rc));
    hem__service_event(
        s, &(hem_prefork_event){.kind = HEM_SERVICE_RELOADED, .error = rc});
    if (s->state <= HEM__SERVICE_READY)
        hem__service_notify(s, "READY=1");
}

/* ---- single ones ---- */

static bool has_wish(const hem__instance *i)
{
    return i->wants_replacement && i->state == HEM__INSTANCE_READY &&
           i->seat->now == i && !i->seat->next;
}

/* The oldest of those for whom the fewest successors have failed: one that
 * nobody can succeed does not keep the others waiting. */
static hem__instance *find_wish(const hem__service *s)
{
    hem__instance *found = NULL;
    for (hem__list *l = s->instances.next; l != &s->instances; l = l->next) {
        hem__instance *i = HEM__CONTAINER(l, hem__instance, link);
        if (has_wish(i) && (!found || i->tries < found->tries))
            found = i;
    }
    return found;
}

/* Wait for something to do, at most for so long; without memory for that, for
 * so long. */
static int rest(hem__service *s, hem_ns limit)
{
    hem_timeout t;
    if (limit == HEM_NEVER)
        return hem_event_wait(&s->roll);
    if (hem_timeout_open(&t, limit) < 0)
        return hem_sleep(limit);
    int rc = hem_timeout_close(&t, hem_event_wait(&s->roll));
    return rc == HEM_ETIMEDOUT ? 0 : rc;
}

static int replace_held(hem__service *s, hem__instance *i)
{
    hem__instance_hold(i);
    int rc = hem__service_replace(s, i);
    if (rc < 0 && i->tries < UINT32_MAX)
        i->tries++;
    hem__instance_release(i);
    return rc;
}

static int replace_one(hem__service *s, hem__instance *i, uint32_t *failures)
{
    int rc = replace_held(s, i);
    if (s->state > HEM__SERVICE_READY)
        return 0;
    if (rc >= 0) {
        *failures = 0;
        return 0;
    }
    if (*failures < UINT32_MAX)
        ++*failures;
    return rest(s, hem__crew_backoff(s, *failures));
}

int hem__roll_task(void *arg)
{
    hem__service *s = arg;
    uint32_t failures = 0; /* of single ones, in a row */
    HEM_TRY(hem_event_wait(&s->ready));
    while (s->state <= HEM__SERVICE_READY) {
        hem_event_clear(&s->roll);
        hem__instance *i = find_wish(s);
        if (s->reload_wanted)
            reload(s);
        else if (i)
            HEM_TRY(replace_one(s, i, &failures));
        else
            HEM_TRY(rest(s, HEM_NEVER));
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Who should be there. For each seat a task keeps it taken: while somebody is
 * wanted there and nobody is `now` or `next`, it starts one, after a failure not
 * before the back-off is over. It looks at the seat as it is, each time that
 * anything about it has changed: who changed it, and why, is nothing to it.
 *
 * What the end of an instance means is decided here, once, by hem__crew_ended().
 */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hem/error.h"
#include "hem/failure.h"
#include "hem/task.h"
#include "service/service.h"

#define DEFAULT_BACKOFF_MIN (100 * HEM_MSEC)
#define DEFAULT_BACKOFF_MAX (10 * HEM_SEC)
#define DEFAULT_WINDOW      (60 * HEM_SEC)
#define DEFAULT_SCALE       4
#define SEATS_MAX           65536

/* ---- seats ---- */

static void want(hem__seat *seat, bool wanted)
{
    if (seat->wanted == wanted)
        return;
    seat->wanted = wanted;
    if (!seat->role->extra)
        seat->service->wanted += wanted ? 1 : -1U;
    hem_event_set(&seat->changed);
}

/* Nobody is wanted any more when stopping has begun. */
static bool is_wanted(const hem__seat *seat)
{
    return seat->wanted && seat->service->state <= HEM__SERVICE_READY;
}

static bool is_vacant(const hem__seat *seat)
{
    return is_wanted(seat) && !seat->now && !seat->next &&
           seat->living < HEM__SEAT_ROOM;
}

static bool is_done(const hem__seat *seat)
{
    return !is_wanted(seat) && seat->living == 0;
}

static int wait_change(hem__seat *seat)
{
    hem_event_clear(&seat->changed);
    return hem_event_wait(&seat->changed);
}

int hem__seat_wait_room(hem__seat *seat, const hem__instance *old)
{
    while (seat->now == old && seat->living >= HEM__SEAT_ROOM)
        HEM_TRY(wait_change(seat));
    return 0;
}

static hem_ns backoff_max(const hem_prefork_options *o)
{
    if (o->backoff_max)
        return o->backoff_max;
    return o->backoff_min > DEFAULT_BACKOFF_MAX ? o->backoff_min
                                                : DEFAULT_BACKOFF_MAX;
}

hem_ns hem__crew_backoff(const hem__service *s, uint32_t failures)
{
    const hem_prefork_options *o = s->options;
    hem_ns wait = o->backoff_min ? o->backoff_min : DEFAULT_BACKOFF_MIN;
    hem_ns max = backoff_max(o);
    if (failures == 0)
        return 0;
    while (--failures > 0 && wait < max / 2)
        wait *= 2;
    return failures > 0 || wait > max ? max : wait;
}

/* ---- what becomes of the service ---- */

uint32_t hem__service_ready_workers(const hem__service *s)
{
    uint32_t ready = 0;
    for (uint32_t k = 0; k < s->seat_count; k++) {
        const hem__seat *seat = &s->seats[k];
        if (!seat->role->extra && seat->now &&
            seat->now->state == HEM__INSTANCE_READY)
            ready++;
    }
    return ready;
}

static bool all_ready(const hem__service *s)
{
    for (uint32_t k = 0; k < s->seat_count; k++) {
        const hem__seat *seat = &s->seats[k];
        if (seat->wanted &&
            (!seat->now || seat->now->state != HEM__INSTANCE_READY))
            return false;
    }
    return s->wanted > 0;
}

static void check_ready(hem__service *s)
{
    if (s->state != HEM__SERVICE_STARTING || !all_ready(s) ||
        hem__upgrade_report(s) < 0)
        return;
    s->state = HEM__SERVICE_READY;
    s->was_ready = true;
    hem__service_event(s, &(hem_prefork_event){.kind = HEM_SERVICE_IS_READY});
    hem__service_notify(s, "READY=1");
    hem_event_set(&s->ready);
}

bool hem__crew_has_workers(const hem__service *s)
{
    for (uint32_t k = 0; k < s->seat_count; k++) {
        if (!s->seats[k].role->extra && !is_done(&s->seats[k]))
            return true;
    }
    return false;
}

/* So many restarts as may be were made, within the window. */
static bool is_limit_reached(hem__service *s)
{
    const hem_prefork_options *o = s->options;
    if (!o->restart_limit)
        return false;
    hem_ns window = o->restart_window ? o->restart_window : DEFAULT_WINDOW;
    hem_ns *made = &s->restarts_made[s->restarts % o->restart_limit];
    if (s->restarts >= o->restart_limit && hem_now() - *made < window)
        return true;
    *made = hem_now();
    return false;
}

static void restart(hem__seat *seat, hem_ns ready_at)
{
    hem__service *s = seat->service;
    if (is_limit_reached(s)) {
        hem_log(HEM_LOG_ERROR, "%s: restarted too often, giving up",
                s->role.name);
        hem__service_stop(s, 0, HEM_ELIMIT);
        return;
    }
    s->restarts++;
    if (ready_at && hem_now() - ready_at >= backoff_max(s->options))
        seat->failures = 0;
    if (seat->failures < UINT32_MAX)
        seat->failures++;
}

/* Who was to be there has failed. */
static void take_failure(hem__seat *seat, const hem_worker_end *end,
                         hem_ns ready_at)
{
    hem__service *s = seat->service;
    hem_restart policy = s->options->restart;
    bool never_began = !s->was_ready && end->phase <= HEM_WORKER_SET_UP;
    bool stops = s->state > HEM__SERVICE_READY;
    if (policy == HEM_RESTART_STOP || never_began || stops)
        hem__service_stop(s, 0, end->error);
    else if (policy == HEM_RESTART_IGNORE)
        want(seat, seat->next != NULL);
    else
        restart(seat, ready_at);
}

/* Who was to follow has ended, and whom it was to follow is gone. */
static void take_last_failure(hem__seat *seat)
{
    if (seat->service->options->restart == HEM_RESTART_IGNORE)
        want(seat, false);
}

/* A worker that returns is done, unless another is to follow it. */
static void take_return(hem__seat *seat, const hem__instance *i)
{
    if (i->wants_replacement || seat->next)
        seat->failures = 0;
    else
        want(seat, false);
}

static void settle(hem__seat *seat, hem__instance *i)
{
    hem__service *s = seat->service;
    bool was_now = seat->now == i, was_next = seat->next == i;
    if (was_now)
        seat->now = NULL;
    if (was_next)
        seat->next = NULL; /* its failure is that of the replacement */
    if (was_next && !seat->now && i->leave == HEM__LEAVE_NOT)
        take_last_failure(seat);
    if (i->leave == HEM__LEAVE_SERVICE && i->end.error < 0)
        hem__service_stop(s, 0, i->end.error);
    if (i->leave != HEM__LEAVE_NOT || !was_now)
        return;
    if (i->end.error < 0)
        take_failure(seat, &i->end, i->ready_at);
    else
        take_return(seat, i);
}

/* A seat has become empty, by a failure if `error` < 0: is it the last? */
static void look_round(hem__seat *seat, int error)
{
    hem__service *s = seat->service;
    hem_event_set(&seat->changed);
    if (!hem__crew_has_workers(s)) {
        hem__service_stop(s, 0, error);
        hem_event_set(&s->hurry); /* there is nobody to wait for */
    }
    check_ready(s);
}

void hem__crew_ended(hem__instance *i)
{
    settle(i->seat, i);
    look_round(i->seat, i->leave == HEM__LEAVE_NOT ? i->end.error : 0);
}

/* A successor takes the place of its predecessor. */
void hem__crew_ready(hem__instance *i)
{
    hem__seat *seat = i->seat;
    if (seat->next == i) {
        hem__instance *old = seat->now;
        seat->now = i;
        seat->next = NULL;
        if (old)
            hem__instance_tell(old, SIGTERM, HEM__LEAVE_REPLACED);
    }
    if (i->wants_replacement)
        hem_event_set(&seat->service->roll);
    hem_event_set(&seat->changed);
    check_ready(seat->service);
}

/* ---- keeping seats ---- */

static void start_now(hem__seat *seat)
{
    int error;
    seat->now = hem__instance_start(seat, &error);
    if (seat->now)
        return;
    hem_worker_end end = {
        .phase = HEM_WORKER_STARTING, .error = error, .exit_code = -1};
    hem_log(HEM_LOG_ERROR, "%s %u failed in start: %s: %s", seat->role->name,
            seat->index, hem_errname(error), hem_strerror(error));
    take_failure(seat, &end, 0);
    look_round(seat, error);
}

static int keep(void *arg)
{
    hem__seat *seat = arg;
    for (;;) {
        while (!is_vacant(seat))
            HEM_TRY(wait_change(seat));
        if (seat->failures > 0)
            HEM_TRY(
                hem_sleep(hem__crew_backoff(seat->service, seat->failures)));
        if (is_vacant(seat))
            start_now(seat);
    }
}

static int take_up(hem__seat *seat)
{
    hem__service *s = seat->service;
    if (!seat->kept)
        HEM_TRY(hem_scope_spawn_with(s->work, NULL, keep, seat,
                                     .name = "keep seat"));
    seat->kept = true;
    seat->failures = 0;
    want(seat, true);
    return 0;
}

int hem__crew_start(hem__service *s)
{
    uint32_t count = s->num_workers + (uint32_t)s->options->extra_count;
    for (uint32_t k = 0; k < count; k++)
        HEM_TRY(take_up(&s->seats[k]));
    return 0;
}

void hem__crew_grow(hem__service *s)
{
    if (s->state > HEM__SERVICE_READY || !s->work)
        return;
    if (s->wanted >= s->max_workers) {
        hem_log(HEM_LOG_WARNING,
                "%s: there are %u already, the most that may be", s->role.name,
                s->wanted);
        return;
    }
    hem__seat *seat = s->seats;
    while (seat->role->extra || seat->wanted)
        seat++;
    int rc = take_up(seat);
    if (rc < 0)
        hem_log(HEM_LOG_ERROR, "%s: no more: %s: %s", s->role.name,
                hem_errname(rc), hem_strerror(rc));
}

void hem__crew_shrink(hem__service *s)
{
    if (s->state > HEM__SERVICE_READY || !s->work)
        return;
    if (s->wanted <= 1) {
        hem_log(HEM_LOG_WARNING, "%s: there is one only", s->role.name);
        return;
    }
    hem__seat *seat = &s->seats[s->seat_count - 1];
    while (seat->role->extra || !seat->wanted)
        seat--;
    hem__instance *now = seat->now, *next = seat->next;
    seat->now = seat->next = NULL;
    want(seat, false);
    if (now)
        hem__instance_tell(now, SIGTERM, HEM__LEAVE_REPLACED);
    if (next)
        hem__instance_tell(next, SIGTERM, HEM__LEAVE_REPLACED);
    check_ready(s);
}

/* ---- making it ---- */

static hem__role *make_extra_roles(const hem_prefork_options *o)
{
    hem__role *roles = hem__calloc((o->extra_count + 1) * sizeof(*roles));
    for (size_t k = 0; roles && k < o->extra_count; k++) {
        const hem_extra_process *e = &o->extra[k];
        roles[k] = (hem__role){.fn = e->fn,
                               .plain = e->plain,
                               .arg = e->arg,
                               .name = e->name ? e->name : "extra",
                               .stop_signal = e->stop_signal,
                               .extra = true};
    }
    return roles;
}

static void init_seats(hem__service *s)
{
    uint32_t first_extra = s->num_workers;
    uint32_t extras = (uint32_t)s->options->extra_count;
    for (uint32_t k = 0; k < s->seat_count; k++) {
        hem__seat *seat = &s->seats[k];
        bool extra = k >= first_extra && k < first_extra + extras;
        seat->service = s;
        seat->role = extra ? &s->extra_roles[k - first_extra] : &s->role;
        seat->index = k;
        hem_event_init(&seat->changed);
    }
}

static uint32_t usual_max(const hem__service *s)
{
    uint32_t max = s->num_workers * DEFAULT_SCALE;
    return max < SEATS_MAX ? max : SEATS_MAX;
}

int hem__crew_init(hem__service *s, hem_worker_fn *fn, void *arg)
{
    const hem_prefork_options *o = s->options;
    hem__list_init(&s->instances);
    s->role =
        (hem__role){.fn = fn, .arg = arg, .name = o->name ? o->name : "worker"};
    s->num_workers = o->num_workers ? o->num_workers : hem_cpu_count();
    if (s->num_workers > SEATS_MAX || o->extra_count > SEATS_MAX)
        return HEM_EINVAL;
    s->max_workers = o->max_workers ? o->max_workers : usual_max(s);
    if (s->max_workers < s->num_workers || s->max_workers > SEATS_MAX)
        return HEM_EINVAL;
    s->seat_count = s->max_workers + (uint32_t)o->extra_count;
    s->extra_roles = make_extra_roles(o);
    s->seats = hem__calloc(s->seat_count * sizeof(*s->seats));
    s->restarts_made =
        hem__calloc(((size_t)o->restart_limit + 1) * sizeof(*s->restarts_made));
    if (!s->extra_roles || !s->seats || !s->restarts_made)
        return HEM_ENOMEM;
    init_seats(s);
    return hem__scoreboard_init(&s->scoreboard,
                                (size_t)s->seat_count * HEM__SEAT_ROOM);
}

void hem__crew_deinit(hem__service *s)
{
    hem__scoreboard_deinit(&s->scoreboard);
    hem__free(s->restarts_made);
    hem__free(s->seats);
    hem__free(s->extra_roles);
}

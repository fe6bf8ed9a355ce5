/* SPDX-License-Identifier: MIT */
/*
 * What the service tells systemd, or whatever is at $NOTIFY_SOCKET.
 *
 * A state is sent when it is entered. Where the receiver's queue is full it
 * waits, with those that follow, for the task of this file. The task also tells
 * the status text when it has changed, feeds the watchdog while this loop and
 * those of all workers turn, and asks for more time while workers drain or are
 * replaced, so that the limits are those of the service's own options. Its timer
 * has its place reserved: nothing of that can fail later.
 *
 * With two generations there, in an upgrade, one speaks: the old one, until it
 * names its successor; the new one, from when it is ready. Otherwise a successor
 * that fails would stop the whole unit by its STOPPING=1, and one that lives be
 * stopped by its predecessor's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "hem/clock.h"
#include "hem/error.h"
#include "hem/notify.h"
#include "hem/task.h"
#include "service/service.h"
#include "service/upgrade.h"

#define RETRY_IN (100 * HEM_MSEC)
#define EXTEND   (10 * HEM_SEC)

#define INTERVAL_MIN (10 * HEM_MSEC)

#define ERRNO_MAX 4096 /* hem's own errors are beyond */

/* ---- sending ---- */

static bool is_transient(int rc)
{
    return rc == HEM_EAGAIN || rc == HEM_ENOBUFS || rc == HEM_ENOMEM ||
           rc == HEM_EMFILE || rc == HEM_ENFILE;
}

/* False: try again later. */
static bool send_now(hem__systemd *d, const char *text)
{
    int rc = hem_notify(text);
    if (is_transient(rc))
        return false;
    if (rc < 0 && !d->complained)
        hem_log(HEM_LOG_WARNING, "$NOTIFY_SOCKET cannot be told: %s: %s",
                hem_errname(rc), hem_strerror(rc));
    d->complained |= rc < 0;
    return true;
}

static void drop_first(hem__systemd *d)
{
    d->waiting_count--;
    memmove(d->waiting[0], d->waiting[1],
            d->waiting_count * sizeof(d->waiting[0]));
}

static void send_waiting(hem__systemd *d)
{
    while (d->waiting_count > 0 && send_now(d, d->waiting[0]))
        drop_first(d);
}

/* Of many that wait the last ones count. */
static void send_in_turn(hem__systemd *d, const char *text)
{
    send_waiting(d);
    if (d->waiting_count == 0 && send_now(d, text))
        return;
    if (d->waiting_count == HEM__SYSTEMD_WAITING)
        drop_first(d);
    snprintf(d->waiting[d->waiting_count++], HEM__SYSTEMD_BYTES, "%s", text);
    hem_event_set(&d->changed);
}

/* ---- what is told ---- */

static uint32_t count_living(const hem__service *s)
{
    uint32_t n = 0;
    for (hem__list *l = s->instances.next; l != &s->instances; l = l->next)
        n++;
    return n;
}

static void describe(const hem__service *s, char *text, size_t room)
{
    uint32_t ready = hem__service_ready_workers(s);
    const char *does = s->state == HEM__SERVICE_STARTING ? "starting"
                       : s->reloading                    ? "reloading"
                                                         : "serving";
    if (s->state <= HEM__SERVICE_READY)
        snprintf(text, room, "%s, %u of %u workers ready", does, ready,
                 s->wanted);
    else if (s->result < 0)
        snprintf(text, room, "stopping after %s, %u workers left",
                 hem_errname(s->result), count_living(s));
    else
        snprintf(text, room, "stopping, %u workers left", count_living(s));
}

/* What goes with a state: a line behind a newline, or nothing. */
static void describe_more(const hem__service *s, const char *state, char *text,
                          size_t room)
{
    bool stops = strcmp(state, "STOPPING=1") == 0;
    struct timespec t;
    *text = '\0';
    if (strcmp(state, "RELOADING=1") == 0) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        snprintf(text, room, "\nMONOTONIC_USEC=%lld",
                 (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
    } else if (stops && s->result < 0 && s->result > -ERRNO_MAX) {
        snprintf(text, room, "\nERRNO=%d", -s->result);
    } else if (s->systemd.successor) {
        snprintf(text, room, "\nMAINPID=%d", (int)s->pid);
    }
}

void hem__service_notify(hem__service *s, const char *state)
{
    hem__systemd *d = &s->systemd;
    char text[HEM__SYSTEMD_BYTES], more[64];
    bool is_ready = strcmp(state, "READY=1") == 0;
    bool is_last = strncmp(state, "MAINPID=", 8) == 0;
    if (!d->on || (d->successor && !is_ready))
        return;
    describe_more(s, state, more, sizeof(more));
    describe(s, d->status, sizeof(d->status));
    if (is_last)
        snprintf(text, sizeof(text), "%.100s", state);
    else
        snprintf(text, sizeof(text), "%.40s%s\nSTATUS=%.140s", state, more,
                 d->status);
    send_in_turn(d, text);
    d->successor = false;
    d->on = !is_last;
    hem_event_set(&d->changed);
}

void hem__service_notify_status(hem__service *s)
{
    if (s->systemd.on && !s->systemd.successor)
        hem_event_set(&s->systemd.changed);
}

/* ---- the watchdog ---- */

static bool has_heart(const hem__service *s, const hem__instance *i)
{
    const hem_run_options *run = s->options->run;
    return i->role->fn && !(run && run->clock) &&
           i->state == HEM__INSTANCE_READY;
}

/* Without a beat for so long a worker is stuck. With heartbeats it is for
 * health.c to replace it, and only if that comes to nothing for the watchdog. */
static hem_ns patience(const hem__service *s)
{
    hem_ns heartbeat = s->options->heartbeat;
    hem_ns interval = s->systemd.interval;
    return heartbeat > interval / 2 ? 2 * heartbeat : interval;
}

/* Look at one; true: its loop turns, as far as can be seen. `late`: this loop
 * was held up itself, and cannot tell. */
static bool is_lively(const hem__service *s, hem__instance *i, bool late)
{
    hem_ns now = hem_now();
    uint64_t beats = atomic_load(&i->slot->beats);
    if (beats != i->beats || i->beat_at < i->ready_at || late) {
        i->beats = beats;
        i->beat_at = now;
    }
    return now - i->beat_at < patience(s);
}

static const hem__instance *find_stuck(hem__service *s, bool late)
{
    const hem__instance *stuck = NULL;
    for (hem__list *l = s->instances.next; l != &s->instances; l = l->next) {
        hem__instance *i = HEM__CONTAINER(l, hem__instance, link);
        if (has_heart(s, i) && !is_lively(s, i, late))
            stuck = i;
    }
    return stuck;
}

static void starve(hem__systemd *d, const hem__instance *stuck)
{
    char name[HEM__INSTANCE_NAME];
    if (!d->starving)
        hem_log(HEM_LOG_ERROR, "%s makes no progress: watchdog is not fed",
                hem__instance_name(stuck, name));
    d->starving = true;
}

static void feed(hem__service *s)
{
    hem__systemd *d = &s->systemd;
    hem_ns now = hem_now();
    if (now < d->feed_at)
        return;
    bool late = now - d->feed_at >= d->interval / 2;
    const hem__instance *stuck = find_stuck(s, late);
    if (stuck) {
        starve(d, stuck);
    } else if (!d->successor) {
        d->starving = false;
        (void)send_now(d, "WATCHDOG=1"); /* or the next time */
    }
    d->feed_at = now + d->interval / 2;
}

/* ---- the task ---- */

static void extend(hem__service *s)
{
    hem__systemd *d = &s->systemd;
    bool needed = (s->state > HEM__SERVICE_READY || s->reloading) &&
                  !hem__list_empty(&s->instances);
    if (!needed)
        d->extend_at = HEM_NEVER;
    else if (d->extend_at == HEM_NEVER || hem_now() >= d->extend_at) {
        char text[64];
        snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%lld",
                 (long long)(EXTEND / HEM_USEC));
        d->extend_at = hem_now() + (send_now(d, text) ? EXTEND / 2 : RETRY_IN);
    }
}

/* True: it has been sent, or is what they know. */
static bool update_status(hem__service *s)
{
    hem__systemd *d = &s->systemd;
    char text[HEM__SYSTEMD_BYTES - 16], line[HEM__SYSTEMD_BYTES];
    describe(s, text, sizeof(text));
    if (strcmp(text, d->status) == 0)
        return true;
    snprintf(line, sizeof(line), "STATUS=%s", text);
    if (!send_now(d, line))
        return false;
    memcpy(d->status, text, sizeof(text));
    return true;
}

/* Do all that is to be done now, and set the timer for what is next. */
static void work(hem__service *s)
{
    hem__systemd *d = &s->systemd;
    hem_event_clear(&d->changed);
    send_waiting(d);
    bool retry = d->waiting_count > 0;
    hem_ns next = HEM_NEVER;
    if (d->on && !d->successor) {
        retry |= !retry && !update_status(s);
        extend(s);
        next = d->extend_at;
    }
    if (d->on && d->interval != HEM_NEVER) {
        feed(s);
        next = d->feed_at < next ? d->feed_at : next;
    }
    if (retry && hem_now() + RETRY_IN < next)
        next = hem_now() + RETRY_IN;
    hem__timer_disarm(&hem__loop->timers, &d->timer);
    if (next != HEM_NEVER)
        hem__loop_arm(hem__loop, &d->timer, next);
}

static void wake(hem__timer *t)
{
    hem_event_set(&HEM__CONTAINER(t, hem__systemd, timer)->changed);
}

static int keep_told(void *arg)
{
    hem__service *s = arg;
    int rc;
    do {
        work(s);
        rc = hem_event_wait(&s->systemd.changed);
    } while (rc == 0);
    send_waiting(&s->systemd);
    hem__timer_disarm(&hem__loop->timers, &s->systemd.timer);
    hem__timers_release(&hem__loop->timers);
    return rc;
}

void hem__systemd_init(hem__service *s)
{
    const char *to = getenv("NOTIFY_SOCKET");
    const char *successor = getenv(HEM__UPGRADE_PID);
    hem_ns interval = hem_watchdog_interval();
    s->systemd = (hem__systemd){
        .on = to && *to,
        .successor = successor && strtol(successor, NULL, 10) == s->pid,
        .interval = interval > INTERVAL_MIN ? interval : INTERVAL_MIN,
        .extend_at = HEM_NEVER,
        .timer.fire = wake,
    };
    hem_event_init(&s->systemd.changed);
}

/* Four times in what is waited for. */
static hem_ns pulse_for(const hem__service *s)
{
    hem_ns heartbeat = s->options->heartbeat;
    hem_ns least = s->systemd.interval;
    if (heartbeat > 0 && heartbeat < least)
        least = heartbeat;
    return least / 4;
}

int hem__watchdog_start(hem__service *s, hem_scope *scope)
{
    hem__systemd *d = &s->systemd;
    if (!d->on)
        return 0;
    if (d->interval != HEM_NEVER)
        s->pulse = pulse_for(s);
    d->feed_at = hem_now();
    HEM_TRY(hem__timers_reserve(&hem__loop->timers));
    /* Eager: it gives the place back, however soon it is cancelled. */
    int rc = hem_scope_spawn_with(scope, NULL, keep_told, s, .name = "notify",
                                  .eager = true);
    if (rc < 0)
        hem__timers_release(&hem__loop->timers);
    return rc;
}

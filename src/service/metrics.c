/* SPDX-License-Identifier: MIT */
/*
 * The metrics of a service, in Prometheus' text format, version 0.0.4: of the
 * parent, of each worker, and those of the user, summed up over all workers
 * that are or were.
 *
 * A worker's series carry its index and name, not its pid: they go on when it
 * is replaced, so that their number is bounded. While one drains its successor
 * has them; hem_workers{state="draining"} counts it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "hem/error.h"
#include "hem/failure.h"
#include "hem/loop.h"
#include "service/admin.h"
#include "service/resident.h"

/* ---- names and labels ---- */

static bool is_name(const char *name)
{
    if (!name || !*name || (*name >= '0' && *name <= '9'))
        return false;
    for (const char *c = name; *c; c++) {
        bool letter = (*c | 0x20) >= 'a' && (*c | 0x20) <= 'z';
        if (!letter && !(*c >= '0' && *c <= '9') && *c != '_' && *c != ':')
            return false;
    }
    return true;
}

static int check_name(const hem_metric *metrics, size_t i)
{
    const char *name = metrics[i].name;
    if (!is_name(name))
        return hem_fail(HEM_EINVAL, "metric \"%s\": no such name can be",
                        name ? name : "");
    if (strncmp(name, "hem_", 4) == 0)
        return hem_fail(HEM_EINVAL, "metric \"%s\": hem_ is hem's own", name);
    for (size_t j = 0; j < i; j++) {
        if (strcmp(metrics[j].name, name) == 0)
            return hem_fail(HEM_EINVAL, "metric \"%s\" is there twice", name);
    }
    return 0;
}

int hem__metrics_check(const hem_prefork_options *o)
{
    if (o->metric_count > HEM_METRICS_MAX)
        return hem_fail(HEM_EINVAL, "more than %d metrics", HEM_METRICS_MAX);
    for (size_t i = 0; i < o->metric_count; i++)
        HEM_TRY(check_name(o->metrics, i));
    return 0;
}

/* How many bytes the character at `c` takes in UTF-8; 0: it is none. */
static size_t character(const unsigned char *c)
{
    size_t n = c[0] < 0x80                   ? 1
               : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
               : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
               : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    }
    bool lowest = (c[0] == 0xe0 && c[1] < 0xa0) || /* in a longer form */
                  (c[0] == 0xf0 && c[1] < 0x90);
    bool highest = (c[0] == 0xed && c[1] > 0x9f) || /* half of a pair */
                   (c[0] == 0xf4 && c[1] > 0x8f);
    return lowest || highest ? 0 : n;
}

/* Add a text escaped as labels and, without `quotes`, help are; what is not
 * UTF-8, for which all metrics would be refused, becomes "?". */
static void add_escaped(hem__text *t, const char *text, bool quotes)
{
    for (const char *c = text; *c;) {
        size_t n = character((const unsigned char *)c);
        if (*c == '\n')
            hem__text_add(t, "\\n");
        else if (*c == '\\' || (quotes && *c == '"'))
            hem__text_add(t, "\\%c", *c);
        else if (n == 0)
            hem__text_add(t, "?");
        else
            hem__text_add(t, "%.*s", (int)n, c);
        c += n > 0 ? n : 1;
    }
}

static void add_family(hem__text *t, const char *name, const char *type,
                       const char *help)
{
    if (help) {
        hem__text_add(t, "# HELP %s ", name);
        add_escaped(t, help, false);
        hem__text_add(t, "\n");
    }
    hem__text_add(t, "# TYPE %s %s\n", name, type);
}

/* ---- of the service ---- */

static void add_number(hem__text *t, const char *name, const char *type,
                       const char *help, uint64_t value)
{
    add_family(t, name, type, help);
    hem__text_add(t, "%s %" PRIu64 "\n", name, value);
}

static void add_state(hem__text *t, const hem__service *s)
{
    static const char *const names[] = {
        [HEM__SERVICE_STARTING] = "starting",
        [HEM__SERVICE_READY] = "ready",
        [HEM__SERVICE_UNREADY] = "unready",
        [HEM__SERVICE_STOPPING] = "stopping",
    };
    add_family(t, "hem_service_state", "gauge",
               "1 for the state that the service is in.");
    for (int i = 0; i <= HEM__SERVICE_STOPPING; i++)
        hem__text_add(t, "hem_service_state{state=\"%s\"} %d\n", names[i],
                      s->state == (hem__service_state)i);
}

static void add_workers(hem__text *t, const hem__service *s)
{
    unsigned counts[HEM__INSTANCE_ENDED + 1] = {0};
    const hem__list *l = s->instances.next;
    for (; l != &s->instances; l = l->next) {
        const hem__instance *i = HEM__CONST_CONTAINER(l, hem__instance, link);
        if (!i->role->extra)
            counts[i->state]++;
    }
    add_family(t, "hem_workers", "gauge",
               "Workers by state, extra processes not counted.");
    hem__text_add(t, "hem_workers{state=\"starting\"} %u\n",
                  counts[HEM__INSTANCE_STARTING]);
    hem__text_add(t, "hem_workers{state=\"ready\"} %u\n",
                  counts[HEM__INSTANCE_READY]);
    hem__text_add(t, "hem_workers{state=\"draining\"} %u\n",
                  counts[HEM__INSTANCE_TOLD]);
}

static void add_service(hem__text *t, const hem__service *s)
{
    add_number(t, "hem_up", "gauge", "1 while the service answers.", 1);
    add_state(t, s);
    add_workers(t, s);
    add_number(t, "hem_workers_wanted", "gauge",
               "Workers that there should be.", s->wanted);
    add_number(t, "hem_requests_total", "counter",
               "Requests that workers have counted.",
               hem__scoreboard_requests(&s->scoreboard));
    add_number(t, "hem_restarts_total", "counter",
               "Restarts of workers that failed.", s->restarts);
    add_number(t, "hem_reloads_total", "counter", "Rolling restarts.",
               s->reloads);
    add_number(t, "hem_parent_resident_bytes", "gauge",
               "Memory of the process that watches the workers.",
               hem__resident_bytes(s->pid));
}

/* ---- of each worker ---- */

struct family {
    const char *name, *type, *help;
    /* Into `*ret`; false: this worker has none. */
    bool (*get)(const hem__instance *i, int64_t *ret);
    bool seconds; /* the value is a time */
};

static bool get_ready(const hem__instance *i, int64_t *ret)
{
    *ret = i->state == HEM__INSTANCE_READY;
    return true;
}

static bool get_pid(const hem__instance *i, int64_t *ret)
{
    *ret = i->pid;
    return i->pid > 0;
}

static bool get_generation(const hem__instance *i, int64_t *ret)
{
    *ret = i->generation;
    return true;
}

static bool get_age(const hem__instance *i, int64_t *ret)
{
    *ret = hem_now() - i->started_at;
    return i->pid > 0;
}

static bool get_resident(const hem__instance *i, int64_t *ret)
{
    if (i->pid <= 0 || i->service->threads)
        return false;
    *ret = (int64_t)hem__resident_bytes(i->pid);
    return *ret > 0;
}

static bool get_requests(const hem__instance *i, int64_t *ret)
{
    if (!i->slot)
        return false;
    *ret = (int64_t)atomic_load(&i->slot->requests);
    return true;
}

static bool get_beat_age(const hem__instance *i, int64_t *ret)
{
    *ret = hem_now() - i->beat_at;
    return i->beat_at > 0;
}

static const struct family families[] = {
    {"hem_worker_ready", "gauge", "1 when the worker is ready.", get_ready, 0},
    {"hem_worker_pid", "gauge", "Its process.", get_pid, 0},
    {"hem_worker_generation", "gauge", "Workers that had its index before.",
     get_generation, 0},
    {"hem_worker_age_seconds", "gauge", "Since it was started.", get_age, 1},
    {"hem_worker_resident_bytes", "gauge", "Its memory.", get_resident, 0},
    {"hem_worker_requests_total", "counter", "Requests that it has counted.",
     get_requests, 0},
    {"hem_worker_heartbeat_age_seconds", "gauge",
     "Since its loop was last seen to turn.", get_beat_age, 1},
};

static void add_sample(hem__text *t, const struct family *f,
                       const hem__instance *i)
{
    int64_t value;
    if (!f->get(i, &value))
        return;
    hem__text_add(t, "%s{index=\"%u\",name=\"", f->name, i->index);
    add_escaped(t, i->role->name, true);
    if (f->seconds)
        hem__text_add(t, "\"} %" PRId64 ".%09" PRId64 "\n", value / HEM_SEC,
                      value % HEM_SEC);
    else
        hem__text_add(t, "\"} %" PRId64 "\n", value);
}

static void add_each_worker(hem__text *t, const hem__service *s)
{
    for (size_t n = 0; n < sizeof(families) / sizeof(families[0]); n++) {
        const struct family *f = &families[n];
        add_family(t, f->name, f->type, f->help);
        for (uint32_t i = 0; i < s->seat_count; i++) {
            if (s->seats[i].now)
                add_sample(t, f, s->seats[i].now);
        }
    }
}

/* ---- of the user ---- */

static void add_users(hem__text *t, const hem__service *s)
{
    for (size_t i = 0; i < s->options->metric_count; i++) {
        const hem_metric *m = &s->options->metrics[i];
        add_family(t, m->name, m->gauge ? "gauge" : "counter", m->help);
        hem__text_add(t, "%s %" PRId64 "\n", m->name,
                      hem__scoreboard_metric(&s->scoreboard, i));
    }
}

void hem__metrics_write(const hem__service *s, hem__text *ret)
{
    add_service(ret, s);
    add_each_worker(ret, s);
    add_users(ret, s);
}

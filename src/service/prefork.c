/* SPDX-License-Identifier: MIT */
/*
 * The run of a service: its options, what it has for as long as it is there,
 * the main context, and in that, by hem_main_serve(), the workers.
 *
 *     hem_prefork: check, make
 *         supervise: signals, pid file, helpers
 *             the main context: set up
 *                 serve: crew, until stopped and the last has ended
 *             the main context: tear down
 *
 * serve() is a task of its own, which nobody cancels: the main context may be
 * cancelled while it waits for it, and the workers are then told to stop.
 */
#include "hem/prefork.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hem/error.h"
#include "hem/failure.h"
#include "service/orphans.h"
#include "service/service.h"
#include "service/worker.h"

void hem__service_event(hem__service *s, const hem_prefork_event *e)
{
    const hem_prefork_options *o = s->options;
    if (o->on_event)
        o->on_event(o->on_event_arg, e);
    hem__service_notify_status(s);
}

/* ---- the workers ---- */

/* Until stopping begins, what keeps the crew runs; until the last has ended,
 * those who mind them. */
static int run_crew(hem__service *s)
{
    if (s->state > HEM__SERVICE_READY)
        return 0; /* it was asked to stop before this task began */
    HEM_SCOPE(lives);
    s->scope = &lives;
    HEM_TRY(hem_scope_spawn(&lives, NULL, hem__stop_task, s));
    HEM_SCOPE(work);
    s->work = &work;
    int rc = hem_scope_spawn(&work, NULL, hem__roll_task, s);
    if (rc == 0)
        rc = hem__crew_start(s);
    if (rc < 0)
        hem__service_stop(s, 0, rc);
    rc = hem_scope_close(&work, 0);
    s->work = NULL;
    if (s->state <= HEM__SERVICE_READY) /* nobody keeps the seats any more */
        hem__service_stop(s, 0, rc);
    return hem_scope_close(&lives, 0);
}

static int serve(void *arg)
{
    hem_main *m = arg;
    hem__service *s = m->service;
    int rc = run_crew(s);
    if (rc < 0)
        hem__service_stop(s, 0, rc);
    s->scope = NULL;
    hem_event_set(&m->served);
    return 0;
}

/* A cancellation of the caller stops the workers, and waits on. */
static int wait_served(hem_main *m)
{
    int result = 0, rc;
    while ((rc = hem_event_wait(&m->served)) < 0) {
        result = rc;
        hem__service_stop(m->service, 0, 0);
    }
    return result;
}

int hem_main_serve(hem_main *m, void *value)
{
    hem__service *s = m->service;
    if (s->serving)
        return HEM_EALREADY;
    s->serving = true;
    s->value = value;
    int rc = 0;
    if (s->state == HEM__SERVICE_STARTING) {
        HEM_TRY(hem_scope_spawn(s->helpers, NULL, serve, m));
        rc = wait_served(m);
    }
    if (rc == 0)
        rc = s->result;
    return rc < 0 ? rc : s->stop_signal;
}

/* ---- what is round them ---- */

static int no_context(hem_main *m, void *arg)
{
    (void)arg;
    int rc = hem_main_serve(m, NULL);
    return rc < 0 ? rc : 0;
}

static int run_context(hem__service *s)
{
    const hem_prefork_options *o = s->options;
    hem_main m = {.service = s};
    hem_event_init(&m.served);
    s->main = hem_self();
    int rc = o->main ? o->main(&m, o->main_arg) : no_context(&m, NULL);
    s->main = NULL;
    if (rc < 0 && o->main && rc != s->result)
        hem_log(HEM_LOG_ERROR, "%s: main context failed in %s: %s: %s",
                s->role.name, s->serving ? "tear down" : "set up",
                hem_errname(rc), hem_failure_text(rc));
    return rc < 0 ? rc : 0;
}

static int start_helpers(hem__service *s, hem_scope *helpers)
{
    HEM_TRY(hem_scope_spawn(helpers, NULL, hem__control_task, s));
    HEM_TRY(hem__orphans_start(s, helpers));
    HEM_TRY(hem__admin_start(s, helpers));
    HEM_TRY(hem__health_start(s, helpers));
    return hem__watchdog_start(s, helpers);
}

static int run_helpers(hem__service *s)
{
    HEM_SCOPE(helpers);
    s->helpers = &helpers;
    int rc = start_helpers(s, &helpers);
    if (rc == 0)
        rc = run_context(s);
    hem_scope_abort(&helpers, "service has ended");
    (void)!hem_scope_close(&helpers, 0);
    return s->result < 0 ? s->result : rc;
}

static int run_controlled(hem__service *s)
{
    HEM_TRY(hem__control_open(s));
    int rc = run_helpers(s);
    hem__control_close(s);
    return rc;
}

/* In an upgrade the pid file comes when it is ready. */
static int supervise(void *arg)
{
    hem__service *s = arg;
    const char *path = s->options->pid_file;
    HEM_TRY(hem__upgrade_open(s));
    int rc = 0;
    if (path && !hem__upgrade_succeeds(s))
        rc = hem_pid_file_create(&s->pid_file, path);
    if (rc == 0)
        rc = run_controlled(s);
    hem_pid_file_remove(&s->pid_file);
    hem__upgrade_close(s);
    return rc;
}

/* ---- options ---- */

static const char *find_wrong_extra(const hem_prefork_options *o)
{
    for (size_t k = 0; k < o->extra_count; k++) {
        const hem_extra_process *e = o->extra ? &o->extra[k] : NULL;
        if (!e || !e->fn == !e->plain)
            return "an extra process has one of fn and plain";
        if (e->plain && o->threads)
            return "a plain extra process is no thread";
    }
    return NULL;
}

/* What contradicts itself, or something else; NULL: nothing. */
static const char *find_wrong(const hem_prefork_options *o)
{
    if (o->threads && (o->prestart || o->user || o->group || o->max_memory))
        return "prestart, user, group and max_memory are for processes";
    if (o->group && !o->user)
        return "group without user";
    if (o->restart > HEM_RESTART_ALWAYS)
        return "no such restart policy";
    if (o->backoff_min < 0 || o->backoff_max < 0 ||
        (o->backoff_max && o->backoff_min > o->backoff_max))
        return "backoff_min and backoff_max";
    if (o->metric_count && !o->metrics)
        return "metric_count without metrics";
    return find_wrong_extra(o);
}

int hem__service_init(hem__service *s, hem_worker_fn *fn, void *arg)
{
    const hem_prefork_options *o = s->options;
    const char *wrong = find_wrong(o);
    if (wrong) {
        hem_log(HEM_LOG_ERROR, "hem_prefork: %s", wrong);
        return HEM_EINVAL;
    }
    s->stop_signals = hem__stop_signals(o);
    s->threads = o->threads;
    s->pid = getpid();
    hem__systemd_init(s);
    hem_event_init(&s->asked);
    hem_event_init(&s->hurry);
    hem_event_init(&s->ready);
    hem_event_init(&s->roll);
    if (o->user) {
        HEM_TRY(hem_user_find(&s->user_memory, o->user, o->group));
        s->user = &s->user_memory;
    }
    return hem__crew_init(s, fn, arg);
}

static const hem_run_options run_options = {.name = "service",
                                            .keep_sigint = true};

int hem_prefork(hem_worker_fn *worker, void *arg,
                const hem_prefork_options *opts)
{
    static const hem_prefork_options defaults;
    if (hem__loop || syscall(SYS_gettid) != getpid())
        return HEM_EREFUSED;
    const hem_prefork_options *o = opts ? opts : &defaults;
    hem__service s = {.options = o, .sockets = o->sockets};
    int rc = hem__service_init(&s, worker, arg);
    if (rc == 0)
        rc = hem_run(supervise, &s, &run_options);
    s.state = HEM__SERVICE_STOPPING;
    hem__service_close_sockets(&s);
    hem__crew_deinit(&s);
    return rc;
}

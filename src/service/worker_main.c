/* SPDX-License-Identifier: MIT */
/*
 * The life of a worker:
 *
 *     STARTING --worker_task--> SET_UP --hem_worker_ready--> BODY
 *     --hem__worker_tell--> TEAR_DOWN --hem__worker_run--> ENDED
 *
 * One that is told to stop while it sets up goes from there to TEAR_DOWN when it
 * says that it is ready, and one that has failed stays in the phase where it
 * did. The loop ends after the function, and what that has left is part of the
 * tear down: the channel and the heart go on till then.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "hem/error.h"
#include "hem/task.h"
#include "service/jitter.h"
#include "service/worker.h"

#define NAME_MAX_BYTES 64

const char *hem__phase_name(hem_worker_phase phase)
{
    static const char *const names[] = {"start", "set up", "body", "tear down",
                                        "end"};
    return (size_t)phase < sizeof(names) / sizeof(names[0]) ? names[phase]
                                                            : "unknown phase";
}

static void set_phase(const hem__worker_start *start, hem_worker_phase phase)
{
    atomic_store(&start->slot->phase, phase);
}

void hem__worker_failed(const hem__worker_start *start, int fd, int rc,
                        const char *text)
{
    hem_worker_phase phase = atomic_load(&start->slot->phase);
    atomic_store(&start->slot->error, rc);
    hem__message m;
    hem__message_make(&m, HEM__MESSAGE_FAILED, rc, text);
    m.phase = phase;
    if (hem__channel_send_raw(fd, &m) == 0)
        return;
    hem_log(HEM_LOG_ERROR, "%s %u (pid %d) failed in %s: %s: %s",
            start->role->name, start->index, (int)getpid(),
            hem__phase_name(phase), hem_errname(rc), text);
}

/* The function has returned `rc`: what is the worker's result? */
static int conclude(hem_worker *w, int rc)
{
    w->main = NULL;
    if (w->cancelled && rc == HEM_ECANCELED)
        rc = 0;
    hem__worker_deafen(w);
    hem__worker_tell(w, HEM_EBADF);
    if (rc < 0)
        hem__worker_failed(w->start, w->channel.fd.fd, rc,
                           hem_failure_text(rc));
    else
        set_phase(w->start, HEM_WORKER_TEAR_DOWN);
    return rc;
}

/* The parent names a failure in the log; the loop is to do so, too, only where
 * the user has a function for that. */
static bool reports_itself(const hem__worker_start *start)
{
    const hem_run_options *run = start->options->run;
    return run && run->on_report;
}

static int worker_task(void *arg)
{
    hem_worker *w = arg;
    w->main = hem_self();
    w->result = hem__worker_listen(w);
    if (w->result < 0)
        return w->result;
    w->began = true;
    set_phase(w->start, HEM_WORKER_SET_UP);
    w->result = conclude(w, w->start->role->fn(w, w->start->role->arg));
    return reports_itself(w->start) ? w->result : 0;
}

static int run(hem_worker *w)
{
    const hem__worker_start *start = w->start;
    hem_run_options opts = {0};
    if (start->options->run)
        opts = *start->options->run;
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof(name), "%.40s %u", start->role->name, start->index);
    if (!opts.name)
        opts.name = name;
    opts.keep_sigint = true;
    return hem_run(worker_task, w, &opts);
}

/* After so many requests it asks to be replaced; 0: never. */
static uint64_t request_limit(const hem__worker_start *start)
{
    const hem_prefork_options *o = start->options;
    if (o->max_requests == 0)
        return 0;
    uint64_t limit;
    uint64_t more = hem__jitter(o->max_requests_jitter, start->index);
    return __builtin_add_overflow(o->max_requests, more, &limit) ? UINT64_MAX
                                                                 : limit;
}

int hem__worker_run(const hem__worker_start *start, int channel)
{
    hem_worker w = {
        .start = start, .fd = channel, .limit = request_limit(start)};
    hem__outcome_init(&w.stop);
    int rc = run(&w);
    if (w.began)
        rc = w.result;
    else
        hem__worker_failed(start, w.opened ? -1 : channel, rc,
                           hem_strerror(rc));
    if (!w.opened)
        close(channel);
    if (rc >= 0)
        set_phase(start, HEM_WORKER_ENDED);
    return rc;
}

static int run_plain(const hem__worker_start *start, int channel)
{
    hem__message m;
    set_phase(start, HEM_WORKER_BODY);
    hem__message_make(&m, HEM__MESSAGE_READY, 0, NULL);
    (void)!hem__channel_send_raw(channel, &m);
    int rc = start->role->plain(start->role->arg);
    if (rc < 0) {
        hem__worker_failed(start, channel, rc, hem_strerror(rc));
        return 1;
    }
    set_phase(start, HEM_WORKER_ENDED);
    return rc <= 255 ? rc : 1;
}

int hem__worker_main(const hem__worker_start *start, int channel)
{
    hem__process_index_set((int)start->index);
    int rc = hem__worker_become(start);
    if (rc < 0) {
        hem__worker_failed(start, channel, rc, hem_strerror(rc));
        return 1;
    }
    if (!start->role->fn)
        return run_plain(start, channel);
    return hem__worker_run(start, channel) < 0;
}

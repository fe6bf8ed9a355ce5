/* SPDX-License-Identifier: MIT */
#include "lone.h"

#include <signal.h>
#include <sys/prctl.h>

#include "base/list.h"
#include "support.h"

static const hem_metric metrics[LONE_METRICS] = {
    {.name = "m0"}, {.name = "m1"}, {.name = "m2"}, {.name = "m3"},
    {.name = "m4"}, {.name = "m5"}, {.name = "m6"}, {.name = "m7"}};

static int be_worker(void *arg, int channel)
{
    struct lone *w = arg;
    ledger_in_child();
    return hem__worker_main(&w->start, channel);
}

static void open_pair(int fds[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   fds) < 0)
        abort();
}

static void fill_in(struct lone *w)
{
    if (!w->options.metrics) {
        w->options.metrics = metrics;
        w->options.metric_count = LONE_METRICS;
    }
    if (!w->role.name)
        w->role.name = "lone";
    w->start.role = &w->role;
    w->start.options = &w->options;
    w->start.slot = w->slot;
    if (!w->start.parent)
        w->start.parent = getpid();
}

int feigned_open(struct feigned *f)
{
    int fds[2];
    struct lone *w = &f->lone;
    HEM_TRY(hem__scoreboard_init(&w->board, 1));
    w->slot = hem__scoreboard_take(&w->board);
    fill_in(w);
    open_pair(fds);
    f->worker = (hem_worker){.start = &w->start, .main = hem_self()};
    hem__outcome_init(&f->worker.stop);
    HEM_TRY(hem__channel_open(&w->channel, fds[0]));
    return hem__channel_open(&f->worker.channel, fds[1]);
}

void feigned_close(struct feigned *f)
{
    hem__channel_close(&f->worker.channel);
    hem__channel_close(&f->lone.channel);
    lone_free(&f->lone);
}

static int start_process(struct lone *w, int *ret_channel)
{
    sigset_t blocked;
    hem__worker_blocked(&blocked, &w->role, &w->options);
    hem__fork_call call = {.fn = be_worker,
                           .arg = w,
                           .blocked = &blocked,
                           .channel = true,
                           .ret_channel = ret_channel};
    return hem__fork(&w->child, &call);
}

static int start_thread(struct lone *w, int *ret_channel)
{
    int fds[2];
    open_pair(fds);
    int rc = hem__thread_worker_start(&w->thread, &w->start, fds[1]);
    if (rc < 0)
        close(fds[0]);
    *ret_channel = fds[0];
    return rc;
}

int lone_start(struct lone *w)
{
    HEM_TRY(hem__scoreboard_init(&w->board, 1));
    w->slot = hem__scoreboard_take(&w->board);
    fill_in(w);
    int fd;
    int rc = w->options.threads ? start_thread(w, &fd) : start_process(w, &fd);
    if (rc < 0)
        hem__scoreboard_deinit(&w->board);
    else
        rc = hem__channel_open(&w->channel, fd);
    return rc;
}

void lone_hear(struct lone *w, hem__message_kind kind, hem__message *ret)
{
    hem__message m = {.kind = 0};
    check_int(hem__channel_receive(&w->channel, &m), 1);
    check_int(m.kind, kind);
    if (ret)
        *ret = m;
}

void lone_say(struct lone *w, hem__message_kind kind, int code)
{
    hem__message m;
    hem__message_make(&m, kind, code, NULL);
    check_int(hem__channel_send(&w->channel, &m), 0);
}

int64_t lone_found(const struct lone *w, size_t i)
{
    return atomic_load(&w->slot->metrics[i]);
}

hem_worker_phase lone_phase(const struct lone *w)
{
    return (hem_worker_phase)atomic_load(&w->slot->phase);
}

static int end_thread(struct lone *w)
{
    hem__message m;
    lone_hear(w, HEM__MESSAGE_DONE, &m);
    check_int(hem__channel_receive(&w->channel, &m), 0);
    check_int(pthread_join(w->thread, NULL), 0);
    return m.code < 0;
}

static int end_process(struct lone *w)
{
    hem__message m;
    check_int(hem__channel_receive(&w->channel, &m), 0);
    check_int(hem_child_wait(&w->child, &w->status), 0);
    hem_child_close(&w->child);
    return w->status.exit_code;
}

int lone_end(struct lone *w)
{
    int rc = w->options.threads ? end_thread(w) : end_process(w);
    hem__channel_close(&w->channel);
    return rc;
}

void lone_free(struct lone *w)
{
    hem__scoreboard_deinit(&w->board);
}

void lone_stop(struct lone *w)
{
    lone_say(w, HEM__MESSAGE_STOP, SIGTERM);
    check_int(lone_end(w), 0);
    lone_free(w);
}

void lone_call(hem_worker *w)
{
    hem__message m;
    hem__message_make(&m, HEM__MESSAGE_REPLACE, 0, "test");
    check_int(hem__channel_send(&w->channel, &m), 0);
}

int lone_verdict(const hem_worker *w)
{
    if (w->start->options->threads)
        return 0; /* its checks are the test's */
    return check_failures_take() ? HEM_ESTATE : 0;
}

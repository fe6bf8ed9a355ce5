/* SPDX-License-Identifier: MIT */
/*
 * What comes to a worker from outside. All of it is callbacks, no tasks: nothing
 * of the user's sees them, and they go on while the loop ends.
 *
 * When the parent is gone nobody is left who would see to the grace period, so
 * the worker does: it is told to stop, its main task is cancelled, the process
 * ends.
 */
#include <signal.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "loop/fd.h"
#include "service/worker.h"

#define DEFAULT_GRACE  (15 * HEM_SEC)
#define DEFAULT_CANCEL HEM_SEC
#define PULSE_MAX      HEM_SEC

const int *hem__stop_signals(const hem_prefork_options *o)
{
    static const int usual[] = {SIGINT, SIGTERM, 0};
    return o->stop_signals ? o->stop_signals : usual;
}

/* Whether a worker with a loop can, and should, listen to it. */
static bool is_heard(int signo, const hem_prefork_options *o)
{
    if (signo == SIGINT && o->ignore_child_interrupts)
        return false;
    return signo > 0 && signo != SIGKILL && signo != SIGSTOP;
}

void hem__worker_blocked(sigset_t *ret, const hem__role *role,
                         const hem_prefork_options *o)
{
    sigemptyset(ret);
    if (!role->fn)
        return;
    for (const int *signo = hem__stop_signals(o); *signo; signo++) {
        if (is_heard(*signo, o))
            sigaddset(ret, *signo);
    }
    if (is_heard(role->stop_signal, o))
        sigaddset(ret, role->stop_signal);
}

void hem__worker_tell(hem_worker *w, int status)
{
    if (w->stop.state != HEM__PENDING)
        return;
    hem__outcome_settle(hem__loop, &w->stop, HEM__DONE, status);
    if (status > 0 && w->ready)
        atomic_store(&w->start->slot->phase, HEM_WORKER_TEAR_DOWN);
}

static void cancel_main(hem_worker *w, const char *why)
{
    w->cancelled = true;
    if (w->main)
        (void)hem_task_cancel(w->main, why);
}

hem_ns hem__grace_of(const hem_prefork_options *o)
{
    if (o->grace < 0)
        return 0;
    return o->grace ? o->grace : DEFAULT_GRACE;
}

hem_ns hem__cancel_of(const hem_prefork_options *o)
{
    hem_ns grace = hem__grace_of(o);
    hem_ns usual = grace / 10 < DEFAULT_CANCEL ? grace / 10 : DEFAULT_CANCEL;
    hem_ns cancel = o->cancel ? o->cancel : usual;
    if (cancel < 0)
        return 0;
    return cancel < grace ? cancel : grace;
}

static void arm(hem_worker *w, hem__timer *t, hem_ns delay)
{
    (void)w;
    hem_loop *l = hem__loop;
    hem__loop_arm(l, t, hem__deadline(hem__loop_now(l), delay));
}

static void end_orphan(hem__timer *t)
{
    const hem_worker *w = HEM__CONTAINER(t, hem_worker, orphan);
    hem_log(HEM_LOG_WARNING,
            "%s %u (pid %d): parent is gone and the grace period over",
            w->start->role->name, w->start->index, (int)getpid());
    _exit(1);
}

static void cancel_orphan(hem__timer *t)
{
    hem_worker *w = HEM__CONTAINER(t, hem_worker, orphan);
    t->fire = end_orphan;
    arm(w, t, hem__cancel_of(w->start->options));
    if (w->start->options->cancel >= 0)
        cancel_main(w, "grace period over");
}

/* The parent is gone. Of a thread: it is the parent who closed the channel. */
static void begin_orphan(hem_worker *w)
{
    const hem_prefork_options *o = w->start->options;
    hem__fd_unregister(hem__loop, &w->channel.fd);
    hem__worker_tell(w, SIGTERM);
    hem_ns grace = hem__grace_of(o);
    if (o->threads || grace == HEM_NEVER)
        return;
    w->orphan.fire = cancel_orphan;
    arm(w, &w->orphan, grace - hem__cancel_of(o));
}

static void obey(hem_worker *w, const hem__message *m)
{
    switch (m->kind) {
    case HEM__MESSAGE_STOP:
        hem__worker_tell(w, m->code);
        break;
    case HEM__MESSAGE_CANCEL:
        cancel_main(w, "service stops");
        break;
    default:
        break; /* of a parent that knows more */
    }
}

static void on_channel(hem__fd *fd)
{
    hem_worker *w = HEM__CONTAINER(fd, hem_worker, channel.fd);
    hem__message m;
    int rc;
    while ((rc = hem__channel_try_receive(&w->channel, &m)) > 0)
        obey(w, &m);
    if (rc == 0)
        begin_orphan(w);
}

static void on_signal(void *arg, const hem_signal_info *info)
{
    hem_worker *w = arg;
    hem__worker_deafen(w);
    hem__worker_tell(w, info->signo);
}

static void on_beat(hem__timer *t)
{
    hem_worker *w = HEM__CONTAINER(t, hem_worker, heart);
    atomic_fetch_add(&w->start->slot->beats, 1);
    arm(w, t, w->pulse);
}

/* On a virtual clock there is none: it would only turn the clock. */
static void start_heart(hem_worker *w)
{
    const hem_prefork_options *o = w->start->options;
    if (o->run && o->run->clock)
        return;
    w->pulse = w->start->pulse > 0 ? w->start->pulse : o->heartbeat / 4;
    if (w->pulse > PULSE_MAX)
        w->pulse = PULSE_MAX;
    w->heart.fire = on_beat;
    if (w->pulse > 0)
        on_beat(&w->heart);
}

static int open_channel(hem_worker *w)
{
    if (w->fd < 0)
        return 0;     /* of a parent that has none */
    w->opened = true; /* or closed */
    HEM_TRY(hem__channel_open(&w->channel, w->fd));
    w->channel.fd.on_ready = on_channel;
    return hem__fd_set_watched(hem__loop, &w->channel.fd,
                               HEM__FD_READ | HEM__FD_LEVEL);
}

static int listen_to(hem_worker *w, int signo)
{
    if (!is_heard(signo, w->start->options))
        return 0;
    if (w->signals == HEM__WORKER_SIGNALS_MAX)
        return HEM_EINVAL;
    hem_signal_handler *h = &w->handlers[w->signals];
    hem_signal_handler_init(h, on_signal, w);
    HEM_TRY(hem_signal_handler_start(h, signo));
    w->signals++;
    return 0;
}

/* A service of threads has its signals for itself. */
static int open_signals(hem_worker *w)
{
    const hem_prefork_options *o = w->start->options;
    if (o->threads)
        return 0;
    for (const int *signo = hem__stop_signals(o); *signo; signo++)
        HEM_TRY(listen_to(w, *signo));
    return listen_to(w, w->start->role->stop_signal);
}

int hem__worker_listen(hem_worker *w)
{
    hem__timers *timers = &hem__loop->timers;
    HEM_TRY(hem__timers_reserve(timers)); /* both for as long as the loop */
    HEM_TRY(hem__timers_reserve(timers));
    HEM_TRY(open_signals(w));
    start_heart(w);
    return open_channel(w);
}

void hem__worker_deafen(hem_worker *w)
{
    while (w->signals > 0)
        (void)hem_signal_handler_stop(&w->handlers[--w->signals]);
}

/* SPDX-License-Identifier: MIT */
/*
 * hem_fork(): a fork, and its child's word that it is ready, an int through a
 * channel: 0, or the error of its `init`.
 *
 *     forked --it says 0--> ready: the fork returns
 *            --it says an error, it ends, or the channel does: it will never be
 *              ready; the time is over; the task is cancelled--> killed, reaped
 *
 * A word that has come counts, even if the child has ended since. To kill it
 * where the channel has ended is right in any case: one that is exiting keeps
 * its exit code, and one that goes on without the channel, as another program,
 * cannot become ready.
 *
 * Who waits is woken as those are who wait for the child's end, by that, the
 * channel, or the timer.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/list.h"
#include "base/sys.h"
#include "hem/failure.h"
#include "process/child.h"

/* The child's side of the channel, until it has said that it is ready; else: */
enum { NOT_ASKED = -1, SAID = -2 };
static atomic_int ready_channel = NOT_ASKED;

void hem__fork_ready_abandon(void)
{
    int fd = atomic_exchange(&ready_channel, NOT_ASKED);
    if (fd >= 0)
        close(fd);
}

/* In the child. */

struct request {
    hem_fn *fn;
    void *arg;
    const hem_fork_options *options;
};

static int say(int channel, int code)
{
    ssize_t n;
    do {
        n = hem__sys_send(channel, &code, sizeof(code), MSG_NOSIGNAL);
    } while (n == HEM_EINTR);
    close(channel);
    return n < 0 ? (int)n : 0;
}

int hem_fork_ready(void)
{
    int channel = atomic_load(&ready_channel);
    if (channel >= 0 &&
        atomic_compare_exchange_strong(&ready_channel, &channel, SAID))
        return say(channel, 0);
    return channel == SAID ? 0 : HEM_ESTATE;
}

static int run_function(const struct request *r)
{
    const hem_fork_options *o = r->options;
    return o->loop || o->run ? hem_run(r->fn, r->arg, o->run) : r->fn(r->arg);
}

static int be_child(void *arg, int channel)
{
    const struct request *r = arg;
    const hem_fork_options *o = r->options;
    int rc = o->init ? o->init(o->init_arg) : 0;
    if (rc < 0) {
        (void)say(channel, rc);
        return 1; /* the parent is who tells why */
    }
    if (o->ready_by_child)
        atomic_store(&ready_channel, channel);
    else
        (void)say(channel, 0);
    return run_function(r);
}

/* In the parent. */

struct wait {
    hem_child *child;
    hem__fd channel;
    hem__timer timer; /* its place is reserved */
    int word;         /* valid once `said` */
    bool said;
    bool silent;  /* the channel has ended */
    bool overdue; /* the time is over */
};

static void wake(struct wait *w)
{
    hem__sync_wake(&w->child->waiters, SIZE_MAX, "hem_fork");
}

/* Hear what it says. */
static void listen_to(struct wait *w)
{
    int word;
    if (w->said || w->silent)
        return;
    ssize_t n;
    do {
        n = hem__sys_recv(w->channel.fd, &word, sizeof(word), 0);
    } while (n == HEM_EINTR);
    w->said = n == sizeof(word);
    if (w->said)
        w->word = word;
    w->silent = !w->said && n != HEM_EAGAIN;
}

static void on_ready(hem__fd *fd)
{
    struct wait *w = HEM__CONTAINER(fd, struct wait, channel);
    listen_to(w);
    if (w->said || w->silent)
        wake(w);
}

static void on_timer(hem__timer *t)
{
    struct wait *w = HEM__CONTAINER(t, struct wait, timer);
    w->overdue = true;
    wake(w);
}

static const hem__sync_kind wait_ready = HEM__SYNC_KIND("fork", "hem_fork");

/* Park until something has come of it; virtual time does not overtake it. */
static int wait_for_word(hem_loop *l, struct wait *w)
{
    int rc = 0;
    l->outside++;
    while (rc == 0 && !w->said && !w->silent && !w->overdue &&
           hem__child_runs(w->child))
        rc = hem__child_wait_once(w->child, &wait_ready);
    l->outside--;
    if (rc == 0)
        listen_to(w);
    return rc;
}

/* It has ended by itself, or was killed, before it was ready. */
static int tell_end(const hem_child *c)
{
    static const char when[] = "before it was ready";
    if (!c->reaped)
        return hem_fail(HEM_ECHILD, "the child was reaped by others %s", when);
    if (c->status.signal)
        return hem_fail(HEM_ESIGNALED,
                        "the child was killed by signal %d (%s) %s",
                        c->status.signal, strsignal(c->status.signal), when);
    return hem_fail(HEM_EEXITED, "the child exited with code %d %s",
                    c->status.exit_code, when);
}

/* What came of a wait that ended with `rc`; the child is closed if that is an
 * error. */
static int conclude(struct wait *w, int rc)
{
    if (rc == 0 && w->said && w->word == 0)
        return 0;
    bool ended = !hem__child_runs(w->child) || w->silent;
    hem_child_close(w->child);
    if (rc < 0)
        return rc;
    if (w->said)
        return hem_fail(w->word, "the child's init failed: %s",
                        hem_strerror(w->word));
    if (ended)
        return tell_end(w->child);
    return hem_fail(HEM_ETIMEDOUT, "the child was not ready in time");
}

/* With a timer reserved. */
static int wait_until_ready(hem_loop *l, struct wait *w, hem_ns timeout)
{
    int rc = hem__fd_watch(l, &w->channel, HEM__FD_READ);
    if (rc == 0) {
        if (timeout)
            hem__loop_arm(l, &w->timer,
                          hem__deadline(hem__loop_now(l), timeout));
        rc = wait_for_word(l, w);
        hem__timer_disarm(&l->timers, &w->timer);
    }
    rc = conclude(w, rc);
    (void)hem__fd_close(l, &w->channel);
    return rc;
}

/* Take the channel, and wait. */
static int await_child(hem_loop *l, hem_child *c, int channel, hem_ns timeout)
{
    struct wait w = {.child = c, .timer = {.fire = on_timer}};
    int rc = hem__fd_init(l, &w.channel, channel);
    if (rc < 0) {
        close(channel);
        hem_child_close(c);
        return rc;
    }
    w.channel.on_ready = on_ready;
    return wait_until_ready(l, &w, timeout);
}

int hem_fork(hem_child *c, hem_fn *fn, void *arg, const hem_fork_options *opts)
{
    static const hem_fork_options defaults;
    hem_loop *l = hem__loop_need("hem_fork");
    int channel;
    struct request request = {fn, arg, opts ? opts : &defaults};
    hem__fork_call call = {.fn = be_child,
                           .arg = &request,
                           .channel = true,
                           .ret_channel = &channel};
    *c = (hem_child){.pid = 0}; /* closed */
    HEM_TRY(hem__timers_reserve(&l->timers));
    int rc = hem__fork(c, &call);
    if (rc == 0)
        rc = await_child(l, c, channel, request.options->timeout);
    hem__timers_release(&l->timers);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * The race is run by the task that wants the connection, without others: each
 * attempt is a socket in the loop whose events wake the task, as does the timer of
 * the next start. While it runs, the stream is open without a descriptor: so
 * others find it busy, and whoever closes it wakes the task.
 *
 * Invariant: an attempt whose descriptor is open is under way; the race is over
 * before hem__happy_connect() returns, with all of them closed but the winner's,
 * which has moved into the stream.
 */
#include "io/happy.h"

#include <netinet/in.h>
#include <string.h>

#include "base/sys.h"

#define FIRST_PAUSE HEM_MSEC
#define LAST_PAUSE  (64 * HEM_MSEC)

static const hem__wait wait_connect = HEM__FD_WAIT("connect");

static void wake(hem__race *r)
{
    hem__fd_wake(r->loop, &r->stream->fd, HEM__FD_WRITE, 0);
}

static void attempt_ready(hem__fd *d)
{
    wake(HEM__CONTAINER(d, hem__attempt, fd)->race);
}

static void timer_fired(struct hem__timer *t)
{
    hem__race *r = HEM__CONTAINER(t, hem__race, timer);
    r->due = true;
    wake(r);
}

/* Whether the socket is connected to itself: where nobody listens on a port of
 * this machine, the kernel may have chosen that very port for our end. */
static bool is_itself(int fd, const hem_address *peer)
{
    hem_address local;
    return peer->storage.ss_family != AF_UNIX &&
           hem_address_of_socket(&local, fd) == 0 &&
           hem_address_port(&local) == hem_address_port(peer) &&
           local.length == peer->length &&
           memcmp(&local.storage, &peer->storage, peer->length) == 0;
}

static int bind_to(int fd, const hem_address *local)
{
    int on = 1;
    if (local->storage.ss_family != AF_UNIX && hem_address_port(local) == 0)
        (void)hem__sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                                  sizeof(on)); /* a hint */
    return hem__sys_bind(fd, (const struct sockaddr *)&local->storage,
                         local->length);
}

/* Begin connecting the socket in `d`. HEM_EINPROGRESS: it goes on. */
static int start(hem__race *r, hem__fd *d, const hem_address *a)
{
    if (a->storage.ss_family != AF_UNIX)
        hem__tcp_tune(d->fd);
    if (r->local)
        HEM_TRY(bind_to(d->fd, r->local));
    int rc = hem__sys_connect(d->fd, (const struct sockaddr *)&a->storage,
                              a->length);
    if (rc != HEM_EINPROGRESS)
        return rc;
    d->ready = 0;
    d->on_ready = attempt_ready;
    rc = hem__fd_watch(r->loop, d, HEM__FD_READ | HEM__FD_WRITE);
    return rc < 0 ? rc : HEM_EINPROGRESS;
}

static int open_socket(hem__race *r, hem__fd *d, int family)
{
    int fd =
        hem__sys_socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int rc = hem__fd_init(r->loop, d, fd);
    if (rc < 0)
        close(fd);
    return rc;
}

/* What has become of the attempt; 0: it is connected. */
static int judge(hem__race *r, hem__attempt *t, int rc)
{
    const hem_address *a = &r->addresses[t - r->attempts];
    if ((rc == 0 || rc == HEM_EISCONN) && !is_itself(t->fd.fd, a))
        return 0;
    if (rc == HEM_EINPROGRESS || rc == HEM_EALREADY)
        return HEM_EINPROGRESS;
    t->error = rc < 0 && rc != HEM_EISCONN ? rc : HEM_ECONNREFUSED;
    (void)hem__fd_close(r->loop, &t->fd);
    /* Where the queue of a Unix socket is full the kernel does not wait. */
    if (rc == HEM_EAGAIN && a->storage.ss_family == AF_UNIX)
        r->again = true;
    return t->error;
}

static int begin(hem__race *r, size_t index)
{
    hem__attempt *t = &r->attempts[index];
    const hem_address *a = &r->addresses[index];
    *t = (hem__attempt){.race = r};
    r->again = r->due = false;
    int rc = open_socket(r, &t->fd, a->storage.ss_family);
    if (rc < 0) {
        t->error = rc;
        return rc;
    }
    return judge(r, t, start(r, &t->fd, a));
}

/* To ask for it again tells how a connect under way went. */
static int look_at(hem__race *r, hem__attempt *t)
{
    const hem_address *a = &r->addresses[t - r->attempts];
    int rc = hem__sys_connect(t->fd.fd, (const struct sockaddr *)&a->storage,
                              a->length);
    if (rc == HEM_EALREADY)
        hem__fd_exhausted(&t->fd, HEM__FD_WRITE); /* woken too early */
    return judge(r, t, rc);
}

static void arm(hem__race *r, hem_ns delay)
{
    hem__timer_disarm(&r->loop->timers, &r->timer);
    hem__loop_arm(r->loop, &r->timer,
                  hem__deadline(hem__loop_now(r->loop), delay));
}

static hem_ns next_pause(hem__race *r)
{
    hem_ns pause = r->pause ? r->pause : FIRST_PAUSE;
    r->pause = pause < LAST_PAUSE ? pause * 2 : LAST_PAUSE;
    return pause;
}

/* Whether it is time for the next attempt, or the last one once more. */
static bool may_begin(const hem__race *r)
{
    if (r->again)
        return r->due;
    return r->begun < r->count &&
           (r->due || r->begun == 0 || r->attempts[r->begun - 1].error != 0);
}

/* Begin an attempt, and another one for each that fails at once. 0: the last one
 * begun is connected. */
static int begin_more(hem__race *r)
{
    int rc;
    do {
        rc = begin(r, r->again ? r->begun - 1 : r->begun++);
    } while (rc < 0 && may_begin(r));
    if (r->again)
        arm(r, next_pause(r));
    else if (rc < 0 && r->begun < r->count)
        arm(r, r->delay);
    return rc;
}

/* The first attempt, in their order, that is connected; NULL: none so far. */
static hem__attempt *find_winner(hem__race *r)
{
    for (size_t i = 0; i < r->begun; i++) {
        hem__attempt *t = &r->attempts[i];
        if (hem__fd_is_open(&t->fd) && hem__fd_may(&t->fd, HEM__FD_WRITE) &&
            look_at(r, t) == 0)
            return t;
    }
    return NULL;
}

static bool is_lost(const hem__race *r)
{
    if (r->begun < r->count || r->again)
        return false;
    for (size_t i = 0; i < r->begun; i++) {
        if (!r->attempts[i].error)
            return false;
    }
    return true;
}

static int run(hem__race *r, hem__fiber *f, hem__attempt **ret)
{
    for (;;) {
        if (may_begin(r) && begin_more(r) == 0) {
            *ret = &r->attempts[r->begun - 1];
            return 0;
        }
        if (is_lost(r))
            return HEM_EGROUP;
        r->waited = true;
        HEM_TRY(hem__fd_wait_none(r->loop, f, &r->stream->fd, &wait_connect));
        if ((*ret = find_winner(r)))
            return 0;
    }
}

static void close_others(hem__race *r, const hem__attempt *winner)
{
    for (size_t i = 0; i < r->begun; i++) {
        if (&r->attempts[i] != winner)
            (void)hem__fd_close(r->loop, &r->attempts[i].fd);
    }
}

/* Connected or failed at once: give way all the same. */
static int give_way(hem__race *r, hem__fiber *f)
{
    r->loop->io_budget = HEM__IO_BUDGET;
    return hem__defer(r->loop, f);
}

uint32_t hem__happy_mark(hem_loop *l, hem_stream *s)
{
    memset(s, 0, sizeof(*s));
    hem__fd_open_none(l, &s->fd);
    s->reading = s->writing = HEM__USE_BUSY;
    return s->fd.gen;
}

static bool is_ours(const hem_stream *s, uint32_t mark)
{
    return hem__fd_is_open(&s->fd) && s->fd.gen == mark;
}

int hem__happy_unmark(hem_loop *l, hem_stream *s, uint32_t mark, int rc)
{
    if (!is_ours(s, mark))
        return rc == HEM_ECANCELED ? rc : HEM_EBADF;
    (void)hem__fd_close(l, &s->fd);
    memset(s, 0, sizeof(*s));
    return rc;
}

/* The stream becomes the winner, if there is one, and is closed if not; but if
 * somebody has closed it meanwhile it is not ours any more. */
static int settle(hem__race *r, int rc, hem__attempt *winner, uint32_t mark)
{
    rc = hem__happy_unmark(r->loop, r->stream, mark, rc);
    close_others(r, rc == 0 ? winner : NULL);
    if (rc == 0) {
        winner->fd.on_ready = NULL;
        hem__stream_init_moved(r->loop, r->stream, &winner->fd, r->limit);
    }
    return rc;
}

static int race(hem__race *r, hem__fiber *f, hem__attempt **ret)
{
    HEM_TRY(hem__timers_reserve(&r->loop->timers));
    r->timer.fire = timer_fired;
    int rc = run(r, f, ret);
    if (!r->waited) {
        int given = give_way(r, f);
        rc = given < 0 ? given : rc;
    }
    hem__timer_disarm(&r->loop->timers, &r->timer);
    hem__timers_release(&r->loop->timers);
    return rc;
}

int hem__happy_connect(hem__race *r)
{
    r->loop = hem__loop_need("hem_connect");
    hem__fiber *f = hem__fiber_need(r->loop, "hem_connect");
    hem__attempt *winner = NULL;
    uint32_t mark = hem__happy_mark(r->loop, r->stream);
    int rc = hem__io_checkpoint(r->loop, f);
    if (rc == 0)
        rc = is_ours(r->stream, mark) ? race(r, f, &winner) : HEM_EBADF;
    return settle(r, rc, winner, mark);
}

/* The first after `from` whose family is, or is not, `family`. */
static size_t find_family(const hem_address *a, size_t count, size_t from,
                          int family, bool same)
{
    while (from < count && (a[from].storage.ss_family == family) != same)
        from++;
    return from;
}

void hem__happy_interleave(hem_address *a, size_t count)
{
    if (count == 0)
        return;
    int first = a[0].storage.ss_family;
    for (size_t i = 1; i < count; i++) {
        size_t at = find_family(a, count, i, first, i % 2 == 0);
        if (at == count)
            return;
        hem_address next = a[at];
        memmove(&a[i + 1], &a[i], (at - i) * sizeof(*a));
        a[i] = next;
    }
}

/* SPDX-License-Identifier: MIT */
#include "io/interest.h"

#include "base/list.h"
#include "base/sys.h"

#define ANY (HEM_READABLE | HEM_WRITABLE | HEM_URGENT)

static void on_ready(hem__fd *d);

static hem__interest *of_fd(hem__fd *d)
{
    return HEM__CONTAINER(d, hem__interest, fd);
}

static hem__interest *next_of(hem__interest *i)
{
    return HEM__CONTAINER(i->ring.next, hem__interest, ring);
}

/* The leader of the ring of `fd`; NULL: there is none. */
static hem__interest *leader_of(hem_loop *l, int fd)
{
    hem__fd *d = (uint32_t)fd < l->fd_slots ? l->fds[fd].owner : NULL;
    if (!d || d->on_ready != on_ready)
        return NULL;
    return of_fd(d);
}

/* Whether another has taken the number since. */
static bool is_stale(hem_loop *l, const hem__interest *i)
{
    return l->fds[i->fd.fd].gen != i->fd.gen;
}

/* What the interests of a ring, but `except`, are for together. */
static uint8_t union_of(hem__interest *ring, const hem__interest *except)
{
    uint8_t events = 0;
    hem__interest *i = ring;
    do {
        if (i != except)
            events |= i->events;
        i = next_of(i);
    } while (i != ring);
    return events;
}

static uint8_t to_poller(int events)
{
    uint8_t watched = HEM__FD_LEVEL;
    if (events & HEM_READABLE)
        watched |= HEM__FD_READ;
    if (events & HEM_WRITABLE)
        watched |= HEM__FD_WRITE;
    if (events & HEM_URGENT)
        watched |= HEM__FD_URGENT;
    return watched;
}

/* Urgent data count as a hang-up for the poller. */
static uint8_t from_poller(uint8_t ready)
{
    uint8_t events = 0;
    if (ready & HEM__FD_READ)
        events |= HEM_READABLE;
    if (ready & HEM__FD_WRITE)
        events |= HEM_WRITABLE;
    if (ready & HEM__FD_URGENT)
        events |= HEM_URGENT;
    else if (ready & HEM__FD_HANGUP)
        events |= HEM_HANGUP;
    return events;
}

int hem__interest_allowed(hem_loop *l, int fd)
{
    if (fd < 0)
        return HEM_EBADF;
    bool is_ours = (uint32_t)fd < l->fd_slots && l->fds[fd].open;
    return is_ours ? HEM_EEXIST : 0;
}

/* Become the leader of a new ring. */
static int lead(hem_loop *l, hem__interest *i, int fd, int events)
{
    if ((uint32_t)fd >= l->fd_slots) { /* the table grows with the number */
        int flags = hem__sys_fcntl_get(fd);
        if (flags < 0)
            return flags;
    }
    HEM_TRY(hem__fd_borrow(l, &i->fd, fd));
    i->fd.on_ready = on_ready;
    i->fd.ready = 0;
    int rc = hem__fd_set_watched(l, &i->fd, to_poller(events));
    if (rc < 0) {
        hem__fd_release(l, &i->fd);
        return rc;
    }
    hem__list_init(&i->ring);
    return 0;
}

/* Join the ring of `leader`. HEM_ENOENT: it is of the past. */
static int follow(hem_loop *l, hem__interest *i, hem__interest *leader,
                  int events)
{
    bool taken = union_of(leader, NULL) & events;
    uint8_t more = taken ? 0 : to_poller(events);
    HEM_TRY(hem__fd_set_watched(l, &leader->fd, leader->fd.watched | more));
    if (taken)
        return HEM_EBUSY;
    i->fd =
        (hem__fd){.fd = leader->fd.fd, .gen = leader->fd.gen, .loop_id = l->id};
    hem__list_insert(&leader->ring, &i->ring);
    return 0;
}

int hem__interest_add(hem_loop *l, hem__interest *i, int fd, int events)
{
    if (events == 0 || events & ~ANY)
        return HEM_EINVAL;
    HEM_TRY(hem__interest_allowed(l, fd));
    hem__interest *leader = leader_of(l, fd);
    int rc = leader ? follow(l, i, leader, events) : HEM_ENOENT;
    if (leader && rc == HEM_ENOENT)
        hem__interest_remove_all(l, fd);
    if (rc == HEM_ENOENT)
        rc = lead(l, i, fd, events);
    if (rc < 0)
        return rc;
    i->events = (uint8_t)events;
    i->due = 0;
    l->fd_waiters++;
    return 0;
}

int hem__interest_change(hem_loop *l, hem__interest *i, int events)
{
    if (events == 0 || events & ~ANY)
        return HEM_EINVAL;
    if (union_of(i, i) & events)
        return HEM_EBUSY;
    hem__interest *leader = is_stale(l, i) ? NULL : leader_of(l, i->fd.fd);
    uint8_t watched = to_poller(events);
    int rc = leader ? 0 : HEM_ENOENT;
    if (leader && watched & ~leader->fd.watched)
        rc = hem__fd_set_watched(l, &leader->fd, leader->fd.watched | watched);
    if (rc < 0)
        return rc == HEM_ENOENT ? HEM_EBADF : rc;
    i->events = (uint8_t)events;
    i->due &= (uint8_t)(events | HEM_HANGUP);
    return 0;
}

void hem__interest_remove(hem_loop *l, hem__interest *i)
{
    if (!hem__interest_is_in(i))
        return;
    l->fd_waiters--;
    if (!hem__list_empty(&i->ring)) {
        hem__interest *next = next_of(i);
        hem__list_unlink(&i->ring);
        if (i->fd.watched)
            hem__fd_move(l, &next->fd, &i->fd);
    } else if (i->fd.watched) {
        hem__fd_release(l, &i->fd);
    }
    i->fd.loop_id = 0;
}

void hem__interest_remove_all(hem_loop *l, int fd)
{
    hem__interest *i = leader_of(l, fd);
    uint32_t gen = i ? i->fd.gen : 0;
    while (i && i->fd.gen == gen) {
        hem__interest_remove(l, i);
        i->tell(i, HEM_EBADF);
        i = leader_of(l, fd);
    }
}

/* Note for each of the ring what it is to be told of. */
static void mark_due(hem__interest *ring, uint8_t came)
{
    uint8_t both = came & HEM_HANGUP ? HEM_READABLE | HEM_WRITABLE : 0;
    hem__interest *i = ring;
    do {
        i->due = i->events & (came | both);
        if (came & HEM_HANGUP)
            i->due |= HEM_HANGUP;
        i = next_of(i);
    } while (i != ring);
}

/* One that is to be told, in the ring that is registered as `gen`. Those told
 * before may have taken out any, and closed the descriptor. */
static hem__interest *next_due(hem_loop *l, int fd, uint32_t gen)
{
    hem__interest *ring = leader_of(l, fd), *i = ring;
    if (!ring || ring->fd.gen != gen)
        return NULL;
    do {
        if (i->due)
            return i;
        i = next_of(i);
    } while (i != ring);
    return NULL;
}

static void on_ready(hem__fd *d)
{
    hem_loop *l = hem__loop;
    hem__interest *i = of_fd(d);
    uint8_t came = from_poller(d->ready);
    uint8_t wanted = union_of(i, NULL);
    d->ready = 0;
    if (came & ~wanted & ANY) /* what those wanted who have left */
        (void)hem__fd_set_watched(l, d, to_poller(wanted));
    mark_due(i, came);
    int fd = d->fd;
    uint32_t gen = d->gen;
    while ((i = next_due(l, fd, gen)) != NULL) {
        uint8_t due = i->due;
        i->due = 0;
        i->tell(i, due);
    }
}

/* A task that waits. */
struct wait {
    hem__interest interest;
    hem_loop *loop;
    hem__fiber *fiber;
};

static void wake(hem__interest *i, int events)
{
    struct wait *w = HEM__CONTAINER(i, struct wait, interest);
    hem__interest_remove(w->loop, i);
    hem__wake(w->loop, w->fiber, events);
}

static bool cancel(hem_loop *l, hem__fiber *f, const char *why)
{
    struct wait *w = f->wait_on;
    hem__interest_remove(l, &w->interest);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_ready = {"descriptor", cancel};

int hem__interest_wait(hem_loop *l, hem__fiber *f, int fd, int events)
{
    struct wait w = {.interest = {.tell = wake}, .loop = l, .fiber = f};
    HEM_TRY(hem__interest_add(l, &w.interest, fd, events));
    f->wait_on = &w;
    l->io_budget = HEM__IO_BUDGET;
    return hem__park(l, f, &wait_ready);
}

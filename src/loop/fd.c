/* SPDX-License-Identifier: MIT */
#include "loop/fd.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"
#include "loop/forks.h"

#define BATCH       256
#define FIRST_SLOTS 64

/* Make room in the table for descriptor `fd`. */
static int reserve(hem_loop *l, int fd)
{
    uint32_t need = (uint32_t)fd + 1;
    if (need <= l->fd_slots)
        return 0;
    uint32_t slots = l->fd_slots ? l->fd_slots : FIRST_SLOTS;
    while (slots < need)
        slots *= 2;
    hem__forks_lock();
    hem__fd_slot *fds = hem__realloc(l->fds, slots * sizeof(*fds));
    if (fds) {
        memset(fds + l->fd_slots, 0, (slots - l->fd_slots) * sizeof(*fds));
        l->fds = fds;
        l->fd_slots = slots;
    }
    hem__forks_unlock();
    return fds ? 0 : HEM_ENOMEM;
}

void hem__fd_open_none(hem_loop *l, hem__fd *d)
{
    memset(d, 0, sizeof(*d));
    d->fd = -1;
    d->gen = ++l->fd_gen;
    d->loop_id = l->id;
    d->ready = HEM__FD_READ | HEM__FD_WRITE;
}

static void take(hem_loop *l, hem__fd *d, int fd, bool own)
{
    hem__fd_open_none(l, d);
    d->fd = fd;
    l->fds[fd] = (hem__fd_slot){.gen = d->gen, .open = own};
}

int hem__fd_init(hem_loop *l, hem__fd *d, int fd)
{
    HEM_TRY(reserve(l, fd));
    take(l, d, fd, true);
    return 0;
}

bool hem__fd_is_taken(const hem_loop *l, int fd)
{
    return (uint32_t)fd < l->fd_slots && (l->fds[fd].open || l->fds[fd].owner);
}

void hem__fd_give_back(hem_loop *l, hem__fd *d)
{
    l->fds[d->fd].open = false;
    d->loop_id = 0;
}

int hem__fd_borrow(hem_loop *l, hem__fd *d, int fd)
{
    HEM_TRY(reserve(l, fd));
    if (hem__fd_is_taken(l, fd))
        return HEM_EEXIST;
    take(l, d, fd, false);
    return 0;
}

void hem__fd_move(hem_loop *l, hem__fd *to, hem__fd *from)
{
    HEM__ASSERT(!from->reader && !from->writer);
    *to = *from;
    from->loop_id = 0;
    if (to->watched && l->fds[to->fd].gen == to->gen)
        l->fds[to->fd].owner = to;
}

static uint64_t token_of(const hem__fd *d)
{
    return (uint64_t)d->gen << 32 | (uint32_t)d->fd;
}

int hem__fd_set_watched(hem_loop *l, hem__fd *d, uint8_t events)
{
    const hem__poller_ops *ops = l->poller->ops;
    int rc = d->watched ? ops->modify(l->poller, d->fd, events, token_of(d))
                        : ops->add(l->poller, d->fd, events, token_of(d));
    if (rc == HEM_EEXIST) /* the same file has this number once more */
        rc = ops->modify(l->poller, d->fd, events, token_of(d));
    if (rc < 0)
        return rc;
    l->fds[d->fd].owner = d;
    d->watched = events;
    return 0;
}

int hem__fd_watch(hem_loop *l, hem__fd *d, uint8_t direction)
{
    uint8_t events = d->watched | direction;
    return events == d->watched ? 0 : hem__fd_set_watched(l, d, events);
}

int hem__fds_init(hem_loop *l)
{
    int rc = hem__poller_epoll.create(&l->poller);
    if (rc < 0)
        return rc;
    int fd = hem__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        l->poller->ops->destroy(l->poller);
        return fd;
    }
    rc = hem__fd_init(l, &l->wake, fd);
    if (rc < 0)
        close(fd);
    else
        rc = hem__fd_watch(l, &l->wake, HEM__FD_READ);
    if (rc < 0)
        hem__fds_deinit(l);
    return rc;
}

static void close_all(hem_loop *l)
{
    for (uint32_t fd = 0; fd < l->fd_slots; fd++) {
        if (l->fds[fd].open)
            close((int)fd);
    }
}

void hem__fds_deinit(hem_loop *l)
{
    close_all(l);
    l->poller->ops->destroy(l->poller);
    hem__free(l->fds);
}

void hem__fds_abandon(hem_loop *l)
{
    close_all(l);
    l->poller->ops->destroy(l->poller);
}

static hem__fiber **place(hem__fd *d, uint8_t direction)
{
    return direction == HEM__FD_READ ? &d->reader : &d->writer;
}

void hem__fd_wake(hem_loop *l, hem__fd *d, uint8_t direction, int status)
{
    hem__fiber **at = place(d, direction);
    hem__fiber *f = *at;
    if (!f)
        return;
    *at = NULL;
    l->fd_waiters--;
    hem__wake(l, f, status);
}

static bool cancel_read(hem_loop *l, hem__fiber *f, const char *why)
{
    f->reason = why;
    hem__fd_wake(l, f->wait_on, HEM__FD_READ, HEM_ECANCELED);
    return true;
}

bool hem__fd_cancel_write(hem_loop *l, hem__fiber *f, const char *why)
{
    f->reason = why;
    hem__fd_wake(l, f->wait_on, HEM__FD_WRITE, HEM_ECANCELED);
    return true;
}

static const hem__wait wait_read = {"read", cancel_read};
static const hem__wait wait_write = HEM__FD_WAIT("write");

static int wait_at(hem_loop *l, hem__fiber *f, hem__fd *d, hem__fiber **at,
                   const hem__wait *wait)
{
    *at = f;
    f->wait_on = d;
    l->fd_waiters++;
    l->io_budget = HEM__IO_BUDGET;
    uint32_t gen = d->gen;
    int rc = hem__park(l, f, wait);
    /* Between the event and this task's turn another may have closed it, and
     * even opened it again. */
    return rc == 0 && (!hem__fd_is_open(d) || d->gen != gen) ? HEM_EBADF : rc;
}

int hem__fd_wait(hem_loop *l, hem__fiber *f, hem__fd *d, uint8_t direction)
{
    hem__fiber **at = place(d, direction);
    if (*at)
        return HEM_EBUSY;
    HEM_TRY(hem__fd_watch(l, d, direction));
    return wait_at(l, f, d, at,
                   direction == HEM__FD_READ ? &wait_read : &wait_write);
}

int hem__fd_wait_none(hem_loop *l, hem__fiber *f, hem__fd *d,
                      const hem__wait *wait)
{
    return d->writer ? HEM_EBUSY : wait_at(l, f, d, &d->writer, wait);
}

/* A wait with a limit. */
struct patience {
    hem__timer timer;
    hem__fd *fd;
    uint8_t direction;
};

static void impatient(hem__timer *t)
{
    struct patience *p = HEM__CONTAINER(t, struct patience, timer);
    hem__fd_wake(hem__loop, p->fd, p->direction, HEM_ETIMEDOUT);
}

int hem__fd_wait_for(hem_loop *l, hem__fiber *f, hem__fd *d, uint8_t direction,
                     hem_ns limit)
{
    struct patience p = {
        .timer = {.fire = impatient}, .fd = d, .direction = direction};
    HEM_TRY(hem__timers_reserve(&l->timers));
    hem__loop_arm(l, &p.timer, hem__deadline(hem__loop_now(l), limit));
    int rc = hem__fd_wait(l, f, d, direction);
    hem__timer_disarm(&l->timers, &p.timer);
    hem__timers_release(&l->timers);
    return rc;
}

static void forget(hem_loop *l, hem__fd *d)
{
    if (!d->watched)
        return;
    l->fds[d->fd].owner = NULL;
    d->watched = 0;
}

void hem__fd_unregister(hem_loop *l, hem__fd *d)
{
    if (d->watched)
        l->poller->ops->remove(l->poller, d->fd);
    forget(l, d);
}

static void end_use(hem_loop *l, hem__fd *d)
{
    d->loop_id = 0;
    hem__fd_wake(l, d, HEM__FD_READ, HEM_EBADF);
    hem__fd_wake(l, d, HEM__FD_WRITE, HEM_EBADF);
}

void hem__fd_close_early(hem_loop *l, hem__fd *d)
{
    forget(l, d);
    end_use(l, d);
}

void hem__fd_close_late(hem_loop *l, hem__fd *d)
{
    if (d->fd < 0)
        return;
    l->fds[d->fd].open = false;
    close(d->fd);
}

int hem__fd_close(hem_loop *l, hem__fd *d)
{
    if (!hem__fd_is_open(d))
        return HEM_EBADF;
    hem__fd_close_early(l, d);
    hem__fd_close_late(l, d);
    return 0;
}

void hem__fd_give_up(hem_loop *l, hem__fd *d)
{
    hem__fd_unregister(l, d);
    end_use(l, d);
    l->fds[d->fd].open = false;
}

void hem__fd_release(hem_loop *l, hem__fd *d)
{
    if (!hem__fd_is_open(d))
        return;
    if (l->fds[d->fd].gen == d->gen) /* else it was closed, and taken anew */
        hem__fd_unregister(l, d);
    end_use(l, d);
}

static void deliver(hem_loop *l, const hem__poll_event *e)
{
    uint32_t fd = (uint32_t)e->token;
    if (fd >= l->fd_slots)
        return;
    hem__fd *d = l->fds[fd].owner;
    if (!d || l->fds[fd].gen != (uint32_t)(e->token >> 32))
        return; /* an earlier owner of the number */
    if (d == &l->wake && l->on_wake)
        l->on_wake(l);
    d->ready |= e->ready;
    if (hem__fd_may(d, HEM__FD_READ))
        hem__fd_wake(l, d, HEM__FD_READ, 0);
    if (hem__fd_may(d, HEM__FD_WRITE))
        hem__fd_wake(l, d, HEM__FD_WRITE, 0);
    if (d->on_ready)
        d->on_ready(d);
}

int hem__fds_poll(hem_loop *l, hem_ns timeout)
{
    hem__poll_event events[BATCH];
    int count = l->poller->ops->wait(l->poller, events, BATCH, timeout);
    for (int i = 0; i < count; i++)
        deliver(l, &events[i]);
    return count;
}

/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"
#include "hem/error.h"
#include "loop/poller.h"

#define BATCH 256

struct epoll_poller {
    hem__poller base;
    int fd;
    struct epoll_event events[BATCH];
};

static int create(hem__poller **ret)
{
    struct epoll_poller *p = hem__alloc(sizeof(*p));
    if (!p)
        return HEM_ENOMEM;
    p->fd = hem__sys_epoll_create1(EPOLL_CLOEXEC);
    if (p->fd < 0) {
        int rc = p->fd;
        hem__free(p);
        return rc;
    }
    p->base.ops = &hem__poller_epoll;
    *ret = &p->base;
    return 0;
}

static void destroy(hem__poller *base)
{
    struct epoll_poller *p = (struct epoll_poller *)base;
    close(p->fd);
    hem__free(p);
}

static int control(hem__poller *base, int op, int fd, uint8_t events,
                   uint64_t token)
{
    struct epoll_poller *p = (struct epoll_poller *)base;
    struct epoll_event e = {.data.u64 = token};
    if (!(events & HEM__FD_LEVEL))
        e.events = EPOLLET | EPOLLRDHUP | EPOLLPRI;
    if (events & HEM__FD_READ)
        e.events |= EPOLLIN;
    if (events & HEM__FD_WRITE)
        e.events |= EPOLLOUT;
    if (events & HEM__FD_URGENT)
        e.events |= EPOLLPRI;
    return hem__sys_epoll_ctl(p->fd, op, fd, &e);
}

static int add(hem__poller *p, int fd, uint8_t events, uint64_t token)
{
    return control(p, EPOLL_CTL_ADD, fd, events, token);
}

static int modify(hem__poller *p, int fd, uint8_t events, uint64_t token)
{
    return control(p, EPOLL_CTL_MOD, fd, events, token);
}

static void remove_fd(hem__poller *base, int fd)
{
    struct epoll_poller *p = (struct epoll_poller *)base;
    (void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
}

static uint8_t translate(uint32_t events)
{
    uint8_t ready = 0;
    if (events & EPOLLIN)
        ready |= HEM__FD_READ;
    if (events & EPOLLOUT)
        ready |= HEM__FD_WRITE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
        ready |= HEM__FD_HANGUP;
    if (events & EPOLLPRI)
        ready |= HEM__FD_URGENT;
    return ready;
}

static int wait_events(hem__poller *base, hem__poll_event *events, int max,
                       hem_ns timeout)
{
    struct epoll_poller *p = (struct epoll_poller *)base;
    int count = hem__sys_epoll_wait_ns(p->fd, p->events,
                                       max < BATCH ? max : BATCH, timeout);
    HEM__ASSERT(count >= 0 || count == HEM_EINTR);
    for (int i = 0; i < count; i++) {
        events[i].token = p->events[i].data.u64;
        events[i].ready = translate(p->events[i].events);
    }
    return count;
}

const hem__poller_ops hem__poller_epoll = {create, destroy,   add,
                                           modify, remove_fd, wait_events};

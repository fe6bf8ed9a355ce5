/* SPDX-License-Identifier: MIT */
/* Descriptors of others: waits, watches, and their end. */
#include <unistd.h>

#include "base/list.h"
#include "io/interest.h"

int hem_fd_wait(int fd, int events)
{
    hem_loop *l = hem__loop_need("hem_fd_wait");
    hem__fiber *f = hem__fiber_need(l, "hem_fd_wait");
    HEM_TRY(hem__io_checkpoint(l, f));
    int rc = hem__interest_wait(l, f, fd, events);
    if (rc != HEM_EPERM)
        return rc;
    int always = events & (HEM_READABLE | HEM_WRITABLE);
    if (!always) /* a file never has urgent data */
        return rc;
    HEM_TRY(hem__defer(l, f));
    return always;
}

int hem_fd_close(int fd)
{
    hem_loop *l = hem__loop_need("hem_fd_close");
    int rc = hem__interest_allowed(l, fd);
    if (rc < 0)
        return rc;
    hem__interest_remove_all(l, fd);
    return close(fd) < 0 && errno == EBADF ? HEM_EBADF : 0;
}

static void tell(struct hem__interest *i, int events)
{
    hem_fd_watch *w = HEM__CONTAINER(i, hem_fd_watch, interest);
    if (events > 0) {
        w->fn(w->arg, events);
        return;
    }
    w->fd = -1;
    w->waiting = false;
}

void hem_fd_watch_init(hem_fd_watch *w, hem_fd_watch_fn *fn, void *arg)
{
    *w = (hem_fd_watch){
        .interest = {.tell = tell}, .fn = fn, .arg = arg, .fd = -1};
}

/* Whether it is started, in this loop. */
static bool is_started(const hem_fd_watch *w)
{
    if (w->fd < 0 || !hem__loop || w->loop_id != hem__loop->id)
        return false;
    return !w->waiting || hem__interest_is_in(&w->interest);
}

/* Begin, change or end waiting, as the events say. */
static int watch(hem_loop *l, hem_fd_watch *w, int fd, int events)
{
    if (events == 0)
        hem__interest_remove(l, &w->interest);
    else if (hem__interest_is_in(&w->interest))
        HEM_TRY(hem__interest_change(l, &w->interest, events));
    else
        HEM_TRY(hem__interest_add(l, &w->interest, fd, events));
    w->fd = fd;
    w->loop_id = l->id;
    w->waiting = events != 0;
    return 0;
}

int hem_fd_watch_start(hem_fd_watch *w, int fd, int events)
{
    hem_loop *l = hem__loop_need("hem_fd_watch_start");
    if (is_started(w))
        return HEM_EALREADY;
    HEM_TRY(hem__interest_allowed(l, fd));
    return watch(l, w, fd, events);
}

int hem_fd_watch_change(hem_fd_watch *w, int events)
{
    hem_loop *l = hem__loop_need("hem_fd_watch_change");
    if (!is_started(w))
        return HEM_EMISUSE;
    return watch(l, w, w->fd, events);
}

bool hem_fd_watch_stop(hem_fd_watch *w)
{
    bool was_started = is_started(w);
    if (hem__interest_is_in(&w->interest))
        hem__interest_remove(hem__loop, &w->interest);
    w->fd = -1;
    w->waiting = false;
    return was_started;
}

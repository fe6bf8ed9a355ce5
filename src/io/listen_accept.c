/* SPDX-License-Identifier: MIT */
/*
 * Accepting, from several sockets in turn. An accept() that finds nothing
 * clears the readiness of its socket (loop/fd.h); when none is ready, the task
 * waits at the first one. A lack of descriptors is not waited out there, for no
 * event tells its end: the task pauses, ever longer.
 */
#include "base/log.h"
#include "base/sys.h"
#include "hem/clock.h"
#include "hem/loop.h"
#include "io/listen.h"

#define BACK_OFF_MIN (10 * HEM_MSEC)
#define BACK_OFF_MAX (500 * HEM_MSEC)
#define QUIET        HEM_SEC
/* Errors in a row that are taken for those of single connections. */
#define PASS_OVER_MAX 16

void hem__listener_resume(hem_listener *l)
{
    if (l->pausing && !hem_future_done(&l->pause))
        (void)!hem_future_set_result(&l->pause, 0);
}

static void pause_over(void *arg)
{
    hem__listener_resume(arg);
}

int hem__listener_pause(hem_listener *l, hem_ns d)
{
    if (!hem__listener_is_open(l))
        return HEM_EBADF;
    hem_callback over;
    hem_callback_init(&over, pause_over, l);
    hem_future_init(&l->pause);
    int rc;
    if (d != HEM_NEVER && hem_call_later(&over, d) < 0) {
        rc = hem_sleep(d); /* needs no memory, but a close does not end it */
    } else {
        l->pausing = true;
        rc = hem_future_wait(&l->pause);
        l->pausing = false;
        (void)hem_callback_cancel(&over);
    }
    if (rc < 0)
        return rc;
    return hem__listener_is_open(l) ? 0 : HEM_EBADF;
}

/* Whether accept may succeed once others have closed descriptors. */
static bool exhausted(int error)
{
    return error == HEM_EMFILE || error == HEM_ENFILE || error == HEM_ENOBUFS ||
           error == HEM_ENOMEM;
}

/* Whether the error is of the listener, not of one connection in its queue. */
static bool fatal(int error)
{
    return error == HEM_EBADF || error == HEM_EINVAL || error == HEM_ENOTSOCK ||
           error == HEM_EFAULT;
}

static void say(hem_listener *l, int error)
{
    hem_ns now = hem_now();
    if (now < l->quiet_until)
        return;
    l->quiet_until = now + QUIET;
    hem_log(HEM_LOG_WARNING, "accept: %s: pausing", hem_errname(error));
}

static int back_off(hem_listener *l, int error)
{
    if (l->back_off == 0) {
        l->back_off = BACK_OFF_MIN;
        say(l, error);
    } else if (l->back_off < BACK_OFF_MAX) {
        l->back_off *= 2;
        if (l->back_off > BACK_OFF_MAX)
            l->back_off = BACK_OFF_MAX;
    }
    return hem__listener_pause(l, l->back_off);
}

/* Ask the sockets that may have one for a connection, each once, from the one
 * behind that which was asked last. HEM_EAGAIN: there is none. */
static int accept_next(hem_listener *l)
{
    for (uint32_t i = l->count; i > 0; i--) {
        hem__fd *d = &l->sockets[l->turn].fd;
        l->turn = l->turn + 1 < l->count ? l->turn + 1 : 0;
        if (!hem__fd_may(d, HEM__FD_READ))
            continue;
        int rc =
            hem__sys_accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (rc != HEM_EAGAIN)
            return rc;
        hem__fd_exhausted(d, HEM__FD_READ);
    }
    return HEM_EAGAIN;
}

static int accept_loop(hem_loop *loop, hem__fiber *f, hem_listener *l)
{
    uint32_t passed_over = 0;
    for (;;) {
        if (!hem__listener_is_open(l))
            return HEM_EBADF;
        int rc = accept_next(l);
        if (rc >= 0) {
            l->back_off = 0;
            return rc;
        }
        if (rc == HEM_EAGAIN) {
            passed_over = 0;
            l->back_off = 0;
            HEM_TRY(hem__fd_wait(loop, f, &l->sockets[0].fd, HEM__FD_READ));
        } else if (fatal(rc)) {
            return rc;
        } else if (exhausted(rc) || ++passed_over > PASS_OVER_MAX) {
            HEM_TRY(back_off(l, rc));
        }
    }
}

int hem__accept_fd(hem_loop *loop, hem__fiber *f, hem_listener *l)
{
    HEM_TRY(hem__io_checkpoint(loop, f));
    return accept_loop(loop, f, l);
}

int hem_accept(hem_listener *l, hem_stream *s)
{
    if (!hem__listener_is_open(l))
        return HEM_EBADF;
    hem_loop *loop = hem__loop_need("hem_accept");
    hem__fiber *f = hem__fiber_need(loop, "hem_accept");
    if (l->accepting)
        return HEM_EBUSY;
    l->accepting = true;
    int fd = hem__accept_fd(loop, f, l);
    l->accepting = false;
    if (fd < 0)
        return fd;
    int rc = hem__stream_init(loop, s, fd, l->limit);
    if (rc < 0)
        close(fd);
    return rc;
}

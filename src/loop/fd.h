/* SPDX-License-Identifier: MIT */
/*
 * Descriptors in the loop. A hem__fd is embedded in what owns the descriptor;
 * it is registered with the poller when somebody first waits for it, and stays
 * so. Events carry the number of the registration, so that one for a closed
 * descriptor never reaches the next owner of its number.
 *
 * Readiness is remembered: `ready` holds what may be ready. A call that came
 * back with EAGAIN, or with less than asked for where that tells the same,
 * clears its bit; an event sets it. So the pattern of all I/O is
 *
 *     for (;;) {
 *         if (hem__fd_may(fd, HEM__FD_READ)) {
 *             ssize_t n = hem__sys_recv(...);
 *             if (n != HEM_EAGAIN)
 *                 return n;
 *             hem__fd_exhausted(fd, HEM__FD_READ);
 *         }
 *         HEM_TRY(hem__fd_wait(l, f, fd, HEM__FD_READ));
 *     }
 */
#ifndef HEM__LOOP_FD_H
#define HEM__LOOP_FD_H

#include "hem/error.h"
#include "loop/fiber.h"
#include "loop/loop.h"
#include "loop/poller.h"

/* Take `fd`, non-blocking, into `d`. It is closed with it, or, if `d` goes away
 * before, with the loop. HEM_ENOMEM: not taken. */
int hem__fd_init(hem_loop *l, hem__fd *d, int fd);

/* The same with a descriptor that belongs to somebody else: it is never closed
 * here, but let go of by hem__fd_release(). HEM_EEXIST: it is the loop's, or
 * borrowed already; HEM_ENOMEM. */
int hem__fd_borrow(hem_loop *l, hem__fd *d, int fd);

/* Open `d` without a descriptor, as a mark of what has none of its own. */
void hem__fd_open_none(hem_loop *l, hem__fd *d);

/* Whether the descriptor is the loop's, or borrowed and watched. */
bool hem__fd_is_taken(const hem_loop *l, int fd);

/* Undo hem__fd_init(): the descriptor is the caller's again. */
void hem__fd_give_back(hem_loop *l, hem__fd *d);

/* Move what is open from one place to another. Nobody waits for it. */
void hem__fd_move(hem_loop *l, hem__fd *to, hem__fd *from);

/* Whether it is open in the loop of this thread: what another loop has left, or
 * what a forked child has inherited, is not. */
static inline bool hem__fd_is_open(const hem__fd *d)
{
    return d->loop_id && hem__loop && d->loop_id == hem__loop->id;
}

/* Whether a call in that direction may succeed. */
static inline bool hem__fd_may(const hem__fd *d, uint8_t direction)
{
    return d->ready & (direction | HEM__FD_HANGUP);
}

/* A call said EAGAIN, or did less than it was asked for. That the peer hung up
 * stays true: there will be no other event for it. */
static inline void hem__fd_exhausted(hem__fd *d, uint8_t direction)
{
    d->ready &= (uint8_t)~direction;
}

/*
 * Suspend the current fiber until `d` may be ready for HEM__FD_READ or
 * HEM__FD_WRITE. HEM_ECANCELED; HEM_EBADF: it was closed meanwhile;
 * HEM_EBUSY: somebody waits in this direction; HEM_ENOMEM, HEM_ENOSPC: it
 * cannot be registered.
 */
int hem__fd_wait(hem_loop *l, hem__fiber *f, hem__fd *d, uint8_t direction);

/* The same, but no longer than `limit`, from now: HEM_ETIMEDOUT; HEM_ENOMEM. */
int hem__fd_wait_for(hem_loop *l, hem__fiber *f, hem__fd *d, uint8_t direction,
                     hem_ns limit);

/* Wait for `d`, which is open without a descriptor, as the one who writes to it.
 * `wait` is HEM__FD_WAIT() of what people call it. Errors as above. */
int hem__fd_wait_none(hem_loop *l, hem__fiber *f, hem__fd *d,
                      const hem__wait *wait);

#define HEM__FD_WAIT(what)                                                     \
    {                                                                          \
        (what), hem__fd_cancel_write                                           \
    }
bool hem__fd_cancel_write(hem_loop *l, hem__fiber *f, const char *why);

/* End the wait for `d` in that direction, if somebody waits: hem__fd_wait()
 * returns `status`. */
void hem__fd_wake(hem_loop *l, hem__fd *d, uint8_t direction, int status);

/* Register `d` for `direction`, besides what it is registered for, before
 * somebody waits: for what must not fail later, and be closed in a forked
 * child; and for what is told by `on_ready`, perhaps with HEM__FD_LEVEL.
 * HEM_ENOMEM, HEM_ENOSPC. */
int hem__fd_watch(hem_loop *l, hem__fd *d, uint8_t direction);

/* Register `d` for exactly these, or register it anew if it is so: that tells
 * whether its number is still what it was. HEM_ENOENT: it was closed, and the
 * number is another's now; HEM_EBADF: it was closed; HEM_ENOMEM, HEM_ENOSPC. */
int hem__fd_set_watched(hem_loop *l, hem__fd *d, uint8_t events);

/*
 * At the beginning of an I/O call: a checkpoint. Delivers a pending
 * cancellation and gives way once in HEM__IO_BUDGET calls, so that tasks whose
 * descriptors are always ready let others run, those included that wait for
 * the outside.
 */
static inline int hem__io_checkpoint(hem_loop *l, hem__fiber *f)
{
    if (f->pending) {
        f->wake = 0;
        return hem__fiber_take(f);
    }
    if (l->io_budget-- == 0) {
        l->io_budget = HEM__IO_BUDGET;
        l->budget = 0; /* the loop asks the poller */
        return hem__defer(l, f);
    }
    return 0;
}

/* Take it out of the poller, which closing alone would not do while other
 * processes hold the descriptor. */
void hem__fd_unregister(hem_loop *l, hem__fd *d);

/* Close it; who waits gets HEM_EBADF. HEM_EBADF: not open. */
int hem__fd_close(hem_loop *l, hem__fd *d);

/* The same in two steps, for one that a thread may still be using: after the
 * first it is closed, but for its number, which nobody else gets before the
 * second. */
void hem__fd_close_early(hem_loop *l, hem__fd *d);
void hem__fd_close_late(hem_loop *l, hem__fd *d);

/* Give up one that was taken, and leave the descriptor open; nobody waits. */
void hem__fd_give_up(hem_loop *l, hem__fd *d);

/* Let go of a borrowed one; who waits gets HEM_EBADF. */
void hem__fd_release(hem_loop *l, hem__fd *d);

/* The loop's side. */
int hem__fds_init(hem_loop *l);
void hem__fds_deinit(hem_loop *l);

/* In a forked child: close all descriptors of the loop. */
void hem__fds_abandon(hem_loop *l);

/* Take events, waiting up to `timeout` (negative: without limit); returns how
 * many there were. HEM_EINTR: none, and the time may not be over. */
int hem__fds_poll(hem_loop *l, hem_ns timeout);

#endif

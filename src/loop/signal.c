/* SPDX-License-Identifier: MIT */
/*
 * Tasks that wait for signals. A task that is let go is promised one: others
 * take only what is left, so it finds one when it runs. If it is cancelled
 * before that, the promise passes to the next; so if anybody waits who was not
 * let go, nothing is left.
 */
#include "hem/signal.h"

#include "hem/error.h"
#include "loop/fd.h"
#include "loop/signals.h"

struct waiting {
    bool promised;
};

static bool is_open(const hem_signal *s)
{
    return s->loop_id && hem__loop && s->loop_id == hem__loop->id;
}

static hem__fiber *first_waiter(hem_signal *s)
{
    struct hem__waiter *w =
        HEM__CONTAINER(s->waiters.next, struct hem__waiter, link);
    return HEM__CONTAINER(w, hem__fiber, waiter);
}

static void end_wait(hem_loop *l, hem__fiber *f, int status)
{
    hem__list_remove(&f->waiter.link);
    l->fd_waiters--;
    hem__wake(l, f, status);
}

/* Let tasks go on for what is not promised yet. */
static void hand_out(void *owner)
{
    hem_signal *s = owner;
    while (s->promised < s->box->unread && !hem__list_empty(&s->waiters)) {
        hem__fiber *f = first_waiter(s);
        ((struct waiting *)f->wait_on)->promised = true;
        s->promised++;
        end_wait(hem__loop, f, 0);
    }
}

static bool cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    f->reason = why;
    end_wait(l, f, HEM_ECANCELED);
    return true;
}

static const hem__wait wait_signal = {"signal", cancel_wait};

int hem_signal_open(hem_signal *s, const int *signals)
{
    hem_loop *l = hem__loop_need("hem_signal_open");
    hem__signal_box *box;
    HEM_TRY(
        hem__signals_open(l, hem__signal_mask_of(signals), hand_out, s, &box));
    s->box = box;
    hem__list_init(&s->waiters);
    s->promised = 0;
    s->gen = ++l->fd_gen;
    s->loop_id = l->id;
    return 0;
}

/* Wait until a signal is promised to this task. */
static int wait_for_promise(hem_loop *l, hem__fiber *f, hem_signal *s)
{
    struct waiting w = {false};
    uint32_t gen = s->gen;
    f->wait_on = &w;
    hem__list_insert(&s->waiters, &f->waiter.link);
    l->fd_waiters++;
    l->io_budget = HEM__IO_BUDGET;
    int rc = hem__park(l, f, &wait_signal);
    if (!w.promised)
        return rc;
    if (!is_open(s) || s->gen != gen) /* closed before its turn came */
        return rc < 0 ? rc : HEM_EBADF;
    s->promised--;
    if (rc < 0)
        hand_out(s);
    return rc;
}

int hem_signal_wait_info(hem_signal *s, hem_signal_info *ret)
{
    if (!is_open(s))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_signal_wait");
    hem__fiber *f = hem__fiber_need(l, "hem_signal_wait");
    HEM_TRY(hem__io_checkpoint(l, f));
    if (!is_open(s))
        return HEM_EBADF; /* closed while others ran */
    if (s->promised == s->box->unread)
        hem__signals_read(l);
    if (s->promised == s->box->unread)
        HEM_TRY(wait_for_promise(l, f, s));
    hem_signal_info info = hem__signals_take(l, s->box);
    if (ret)
        *ret = info;
    return info.signo;
}

int hem_signal_wait(hem_signal *s)
{
    return hem_signal_wait_info(s, NULL);
}

int hem_signal_try_wait(hem_signal *s, hem_signal_info *ret)
{
    if (!is_open(s))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_signal_try_wait");
    if (s->promised == s->box->unread)
        hem__signals_read(l);
    if (s->promised == s->box->unread)
        return HEM_EEMPTY;
    hem_signal_info info = hem__signals_take(l, s->box);
    if (ret)
        *ret = info;
    return info.signo;
}

void hem_signal_close(hem_signal *s)
{
    if (!s || !is_open(s))
        return;
    hem_loop *l = hem__loop_need("hem_signal_close");
    s->loop_id = 0;
    while (!hem__list_empty(&s->waiters))
        end_wait(l, first_waiter(s), HEM_EBADF);
    hem__signals_close(l, s->box);
}

/* SPDX-License-Identifier: MIT */
/*
 * The two clocks. What differs is how the loop passes the time when nothing is
 * ready: one sleeps in the poller until the next timer, the other looks
 * whether the outside has something and else jumps there.
 */
#include <time.h>

#include "loop/fd.h"
#include "loop/loop.h"

#define DEFAULT_GRACE (2 * HEM_MSEC)
#define TRIM_PERIOD   (5 * HEM_SEC)
#define COOL_AT_ONCE  32 /* stacks: a fraction of a millisecond */

static hem_ns monotonic_now(hem_loop *l)
{
    (void)l;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * HEM_SEC + ts.tv_nsec;
}

/* Returns whether there is more to do at once. */
static bool trim(hem_loop *l, hem_ns now)
{
    if (now >= l->next_trim) {
        l->next_trim = now + TRIM_PERIOD;
        hem__stacks_trim(&l->stacks);
    }
    return hem__stacks_cool(&l->stacks, COOL_AT_ONCE);
}

static void monotonic_idle(hem_loop *l)
{
    hem_ns next = hem__timers_next(&l->timers);
    bool warm = hem__stacks_warm(&l->stacks);
    if (next == HEM_NEVER && !warm) {
        hem__fds_poll(l, -1);
        return;
    }
    hem_ns now = monotonic_now(l);
    if (trim(l, now))
        next = now;
    if (warm && l->next_trim < next)
        next = l->next_trim;
    hem__fds_poll(l, next > now ? next - now : 0);
}

static hem_ns virtual_now(hem_loop *l)
{
    return l->virtual_clock->now;
}

static void virtual_idle(hem_loop *l)
{
    hem_virtual_clock *c = l->virtual_clock;
    hem_ns next = hem__timers_next(&l->timers);
    if (l->outside > 0 || next == HEM_NEVER) {
        hem__fds_poll(l, -1);
        return;
    }
    hem_ns grace = 0;
    if (l->fd_waiters > 0)
        grace = c->grace > 0 ? c->grace : DEFAULT_GRACE;
    if (hem__fds_poll(l, grace) == 0 && c->now < next)
        c->now = next;
}

const hem__clock hem__clock_monotonic = {monotonic_now, monotonic_idle};
const hem__clock hem__clock_virtual = {virtual_now, virtual_idle};

hem_ns hem_now(void)
{
    return hem__loop_now(hem__loop_need("hem_now"));
}

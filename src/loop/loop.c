/* SPDX-License-Identifier: MIT */
#include "loop/loop.h"

#include <string.h>

#include "base/log.h"
#include "base/standard.h"
#include "base/sys.h"
#include "loop/fd.h"
#include "loop/fiber.h"
#include "loop/forks.h"
#include "loop/interrupt.h"
#include "loop/pool.h"
#include "loop/post.h"
#include "loop/signals.h"

_Thread_local hem_loop *hem__loop;

static atomic_uint last_id; /* of all loops */

/* The seeded order picks among so many of the ready, for it must walk there. */
#define PICK_WINDOW 64

/* What a turn should take, and the least number of switches in one. */
#define TURN_LONG  (2 * HEM_MSEC)
#define TURN_SHORT (500 * HEM_USEC)
#define PACE_MIN   8

int hem__loop_init(hem_loop *l, const hem__loop_config *config)
{
    static atomic_uint_least64_t serial;
    memset(l, 0, sizeof(*l));
    l->serial = atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed) + 1;
    hem__queue_init(&l->ready);
    hem__stacks_init(&l->stacks);
    l->virtual_clock = config->clock;
    l->clock = config->clock ? &hem__clock_virtual : &hem__clock_monotonic;
    l->random = config->seed;
    l->watch_step = config->watch_step;
    l->stepwise = config->seed || config->watch_step;
    l->pace = HEM__LOOP_BUDGET;
    l->pid = getpid();
    l->holds = 1;
    do
        l->id = ++last_id;
    while (!l->id);
    HEM_TRY(hem__standard_ensure());
    int rc = hem__fds_init(l);
    if (rc < 0)
        return rc;
    hem__forks_add(l);
    hem__loop = l;
    return 0;
}

/* Run the callbacks that are ready, once each. */
static void run_left(hem_loop *l)
{
    hem__posts_take(l);
    /* Each may take others out of the queue, or put itself in again. */
    size_t left = 0;
    for (hem__ready *n = l->ready.first; n; n = n->next)
        left++;
    for (; left > 0 && l->ready.first; left--) {
        hem__ready *n = hem__queue_pop(&l->ready);
        HEM__ASSERT(n->run);
        n->run(n);
    }
}

/* Threads that wait for this loop are told before it waits for them. */
void hem__loop_drain(hem_loop *l)
{
    hem__posts_close(l);
    run_left(l);
    hem__pool_destroy(l);
    run_left(l);
    if (l->files)
        l->end_files(l);
}

void hem__loop_deinit(hem_loop *l)
{
    hem__forks_remove(l);
    for (hem__ready *n = l->ready.first; n; n = n->next)
        hem__queue_moved(n, NULL);
    hem__posts_finish(l);
    hem__signals_deinit(l);
    hem__fds_deinit(l);
    hem__timers_deinit(&l->timers);
    hem__stacks_deinit(&l->stacks);
    hem__loop = NULL;
}

void hem__loop_abandon(hem_loop *l)
{
    l->closed = true;
    hem__fds_abandon(l);
    hem__interrupt_abandon(l);
    hem__loop = NULL;
}

/* xorshift64* */
static uint64_t next_random(hem_loop *l)
{
    uint64_t x = l->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    l->random = x;
    return x * UINT64_C(2685821657736338717);
}

static uint32_t count_ready(const hem_loop *l, uint32_t limit)
{
    uint32_t count = 0;
    for (hem__ready *n = l->ready.first; n && count < limit; n = n->next)
        count++;
    return count;
}

/* The next to run. With a seed any of those that were ready when the round
 * began, but for those whose order matters: nobody is overtaken twice. */
static hem__ready *pick(hem_loop *l)
{
    if (!l->random || l->urgent)
        return hem__queue_pop(&l->ready);
    if (l->round == 0)
        l->round = count_ready(l, UINT32_MAX);
    uint32_t count =
        count_ready(l, l->round < PICK_WINDOW ? l->round : PICK_WINDOW);
    l->round--;
    uint32_t skip = (uint32_t)(next_random(l) >> 32) % count;
    hem__ready **at = &l->ready.first;
    while (skip-- > 0)
        at = &(*at)->next;
    return hem__queue_unlink(&l->ready, at);
}

void hem__loop_fire(hem_loop *l)
{
    if (!l->timers.count)
        return;
    hem_ns now = hem__loop_now(l);
    while (l->timers.count && l->timers.heap[1].when <= now) {
        hem__timer *t = l->timers.heap[1].timer;
        hem__timer_disarm(&l->timers, t);
        t->fire(t);
    }
}

/* How many switches until the outside is looked at again: where turns that use
 * their budget up take long, fewer, so that timers and descriptors need not
 * wait for hundreds of slow steps. */
static void pace(hem_loop *l)
{
    if (!l->ready.first || l->virtual_clock) {
        l->paced_at = 0;
        return;
    }
    hem_ns now = hem__loop_now(l);
    hem_ns took = now - l->paced_at;
    if (l->paced_at && took > TURN_LONG && l->pace > PACE_MIN)
        l->pace /= 2;
    else if (l->paced_at && took < TURN_SHORT && l->pace < HEM__LOOP_BUDGET)
        l->pace *= 2;
    l->paced_at = now;
}

/* The outside: posts, descriptors, timers. */
static void turn(hem_loop *l)
{
    pace(l);
    l->budget = l->stepwise ? 0 : l->pace;
    hem__posts_take(l);
    if (!l->ready.first) {
        l->clock->idle(l);
        hem__posts_take(l); /* which may have ended the wait */
    } else {
        hem__fds_poll(l, 0);
    }
    hem__loop_fire(l);
}

void hem__loop_step(hem_loop *l, hem__ready *n)
{
    if (n->run) {
        n->run(n);
        return;
    }
    hem__fiber *f = (hem__fiber *)n;
    l->current = f;
    hem__coro_switch(&l->coro, &f->coro, hem__fiber_take(f));
}

/* Whether the turn is, after so many steps from here. */
static bool is_over(const hem_loop *l, uint32_t steps)
{
    return (!l->budget && !l->stepwise) || steps >= l->pace;
}

void hem__loop_run(hem_loop *l)
{
    uint32_t steps = 0; /* of callbacks and picked fibers in this turn */
    l->stop = false;
    while (!l->stop) {
        if (!l->ready.first || (!l->urgent && is_over(l, ++steps))) {
            steps = 0;
            turn(l);
            continue;
        }
        hem__ready *n = pick(l);
        if (l->watch_step)
            l->watch_step(l, n);
        else
            hem__loop_step(l, n);
    }
}

int hem__park_interrupted(hem_loop *l, hem__fiber *f, const hem__wait *wait)
{
    f->wait = wait;
    if (wait->cancel(l, f, f->why))
        f->pending = false;
    return hem__leave(l, f);
}

hem_loop *hem_loop_current(void)
{
    return hem__loop;
}

void hem__loop_missing(const char *function)
{
    hem__abort("%s: called on a thread where no loop runs", function);
}

void hem__fiber_missing(const char *function)
{
    hem__abort("%s: called in a callback, where no task is current", function);
}

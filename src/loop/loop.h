/* SPDX-License-Identifier: MIT */
/*
 * The loop: its data and its life. One for each thread that runs one.
 *
 * A turn: while something is ready, it runs in order, fibers directly one
 * after the other (fiber.h), callbacks in the loop's own context, which is the
 * stack of the thread that called hem_run. When nothing is ready, or after
 * HEM__LOOP_BUDGET switches, fewer where they take long, the loop takes posts
 * of other threads, asks the poller, and fires timers that are due. With a seed (tests) the loop's
 * context runs between all steps and picks the next at random.
 */
#ifndef HEM__LOOP_LOOP_H
#define HEM__LOOP_LOOP_H

#include <stdatomic.h>

#include "base/list.h"
#include "coro/context.h"
#include "coro/stack.h"
#include "hem/clock.h"
#include "hem/loop.h"
#include "loop/timers.h"

#define HEM__LOOP_BUDGET 512
/* I/O calls in a row that may go without giving way. */
#define HEM__IO_BUDGET 64

typedef struct hem__ready hem__ready;
typedef struct hem__job hem__job;
typedef struct hem__fiber hem__fiber;
typedef struct hem__wait hem__wait;
typedef struct hem__fd hem__fd;

/* First in, first out. */
typedef struct hem__queue {
    hem__ready *first;
    hem__ready **last; /* the `next` of the last one, or &first */
} hem__queue;

/* Where time comes from, and how the loop waits for it. */
typedef struct hem__clock {
    hem_ns (*now)(hem_loop *l);
    /* Nothing is ready: take events of the poller, wait, or jump. */
    void (*idle)(hem_loop *l);
} hem__clock;

typedef struct hem__fd_slot {
    hem__fd *owner; /* who is told of events; NULL: nobody */
    uint32_t gen;   /* of the latest owner */
    bool open;      /* it belongs to the loop */
} hem__fd_slot;

struct hem_loop {
    hem__queue ready;
    hem__fiber *current; /* NULL: a callback or the loop itself */
    uint32_t budget;     /* direct switches left in this turn */
    uint32_t pace;       /* the budget of each turn */
    hem_ns paced_at;     /* when the last turn that used it up ended, or 0 */
    uint32_t io_budget;  /* I/O calls left in this step of the fiber */
    uint32_t urgent;     /* the first so many of `ready` keep their order */
    hem__coro coro;      /* the loop's own context */
    hem__stacks stacks;
    hem__timers timers;

    const hem__clock *clock;
    hem_virtual_clock *virtual_clock; /* or NULL */
    uint32_t outside; /* work under way that time must not overtake */
    hem_ns next_trim; /* of the stacks */

    struct hem__poller *poller;
    uint32_t id;       /* no other loop of the process had or has it */
    hem__fd_slot *fds; /* by descriptor */
    uint32_t fd_slots;
    uint32_t fd_gen;     /* of the next registration */
    uint32_t fd_waiters; /* fibers parked on a descriptor */

    _Atomic(struct hem__post *) posts; /* the latest first */
    atomic_uint posting;               /* threads that are sending one */
    atomic_bool closed;                /* takes no posts of users any more */
    atomic_uint holds;                 /* of hem_run() and hem_loop_hold() */
    void *memory;                      /* that it is in, freed by the last */
    hem__fd wake; /* an eventfd: written to by posts and SIGINT; each
                               write is an event, so it is never read */
    void (*on_wake)(hem_loop *l);   /* called at such an event; or NULL */
    struct hem__pool *pool;         /* threads; NULL: none yet */
    struct hem__signals *signals;   /* that are received; NULL: none */
    struct hem__files *files;       /* what calls on files share; or NULL */
    void (*end_files)(hem_loop *l); /* waits for them and frees it */

    uint64_t random; /* state of the seeded order, 0: FIFO */
    uint32_t round;  /* of the seeded order: so many run before anything that
                        has become ready since the round began */
    bool stop;       /* return from hem__loop_run */
    bool stepwise;   /* every step is taken from the loop's context */
    /* Debug mode: takes each step by calling hem__loop_step(); or NULL. */
    void (*watch_step)(hem_loop *l, hem__ready *n);
    /* The fiber on whose stack we are as it ends, and handlers run: nobody can
     * be switched to, and its record is needed yet. */
    hem__fiber *concluding;
    pid_t pid;       /* that made it */
    hem__list link;  /* among the loops of the process */
    uint64_t serial; /* no other loop of the process has it, before or after */
};

extern _Thread_local hem_loop *hem__loop __attribute__((visibility("hidden")));

/* The parts of hem_run_options that concern the loop. */
typedef struct hem__loop_config {
    hem_virtual_clock *clock;
    uint64_t seed;
    void (*watch_step)(hem_loop *l, hem__ready *n); /* or NULL */
} hem__loop_config;

/* Make the loop of this thread. HEM_ENOMEM, HEM_EMFILE, HEM_ENFILE. */
int hem__loop_init(hem_loop *l, const hem__loop_config *config);

/* Before it is taken down: join the threads, and run what is ready, callbacks
 * only, for the last time. */
void hem__loop_drain(hem_loop *l);

/* Take it down; no fiber is left. */
void hem__loop_deinit(hem_loop *l);

/* In a forked child: close what it inherited, and forget it. See forks.h. */
void hem__loop_abandon(hem_loop *l);

/* Run `n`, taken from the ready queue. */
void hem__loop_step(hem_loop *l, hem__ready *n);

/* Run until hem__loop_stop(). */
void hem__loop_run(hem_loop *l);

static inline void hem__loop_stop(hem_loop *l)
{
    l->stop = true;
    l->budget = 0; /* fibers go through the loop's context */
}

/* The loop of this thread; a mistake in the caller's text if there is none,
 * or, for the second, if no task is current. `function` names the API. */
static inline hem_loop *hem__loop_need(const char *function);
static inline hem__fiber *hem__fiber_need(hem_loop *l, const char *function);
_Noreturn void hem__loop_missing(const char *function);
_Noreturn void hem__fiber_missing(const char *function);

static inline hem_loop *hem__loop_need(const char *function)
{
    hem_loop *l = hem__loop;
    if (!l)
        hem__loop_missing(function);
    return l;
}

static inline hem__fiber *hem__fiber_need(hem_loop *l, const char *function)
{
    hem__fiber *f = l->current;
    if (!f)
        hem__fiber_missing(function);
    return f;
}

static inline void hem__queue_init(hem__queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static inline void hem__queue_push(hem__queue *q, hem__ready *n)
{
    n->next = NULL;
    *q->last = n;
    q->last = &n->next;
}

static inline void hem__queue_push_job(hem__queue *q, hem__job *j)
{
    j->at = q->last;
    hem__queue_push(q, &j->ready);
}

/* What points to `n` has changed. */
static inline void hem__queue_moved(hem__ready *n, hem__ready **at)
{
    if (n->run)
        ((hem__job *)n)->at = at;
}

static inline void hem__queue_push_front(hem__queue *q, hem__ready *n)
{
    n->next = q->first;
    if (q->first)
        hem__queue_moved(q->first, &n->next);
    else
        q->last = &n->next;
    q->first = n;
}

/* Take the first of a queue that is not empty. */
static inline hem__ready *hem__queue_pop(hem__queue *q)
{
    hem__ready *n = q->first;
    q->first = n->next;
    if (!q->first)
        q->last = &q->first;
    return n;
}

/* Take out what `at` points to. */
static inline hem__ready *hem__queue_unlink(hem__queue *q, hem__ready **at)
{
    hem__ready *n = *at;
    *at = n->next;
    if (n->next)
        hem__queue_moved(n->next, at);
    else
        q->last = at;
    return n;
}

/* Take `j` out, wherever it is. */
static inline void hem__queue_remove(hem__queue *q, hem__job *j)
{
    if (q->first == &j->ready)
        (void)hem__queue_unlink(q, &q->first);
    else if (j->at) /* else it was left in a loop that is no more */
        (void)hem__queue_unlink(q, j->at);
}

static inline hem_ns hem__loop_now(hem_loop *l)
{
    return l->clock->now(l);
}

/* `now` + `d`, without overflow. */
static inline hem_ns hem__deadline(hem_ns now, hem_ns d)
{
    hem_ns when;
    if (d == HEM_NEVER)
        return HEM_NEVER;
    if (!__builtin_add_overflow(now, d, &when))
        return when;
    return d > 0 ? HEM_NEVER : -HEM_NEVER;
}

/* Arm for a point in time; HEM_NEVER arms nothing. */
static inline void hem__loop_arm(hem_loop *l, hem__timer *t, hem_ns when)
{
    if (when != HEM_NEVER)
        hem__timer_arm(&l->timers, t, when);
}

/* Fire the timers that are due. */
void hem__loop_fire(hem_loop *l);

/* clock.c */
extern const hem__clock hem__clock_monotonic;
extern const hem__clock hem__clock_virtual;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Contexts: what a suspended flow of control is, and the switch between two.
 *
 * hem__switch is assembly, one file for each CPU: it pushes the registers that
 * a call must keep, stores the stack pointer, loads that of the other context
 * and leaves by a jump to where that one stopped. `value` is what the switch
 * returns there. Floating point control words are not saved: tasks share them,
 * as functions do. switch_ucontext.c does the same with ucontext where there
 * is no assembly.
 *
 * The sanitizers are told of each switch (hem__coro_switch); in other builds
 * nothing is left of that.
 */
#ifndef HEM__CORO_CONTEXT_H
#define HEM__CORO_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "coro/annotate.h"

/* Where to go on when a coroutine has ended. */
typedef struct hem__next {
    void *sp;      /* of the context to go on with */
    int64_t value; /* for it, an int */
} hem__next;

/* Called on the new stack with the value of the first switch to it. Its first
 * act is hem__coro_entered(), its last hem__coro_finish(). */
typedef hem__next hem__coro_fn(void *arg, int value);

/* Suspend the caller into `*save` and go on with `*load`; they may be the
 * same. Returns the value given by whoever switches back. */
int hem__switch(void **save, void *const *load, int value);

/*
 * void *hem__switch_prepare(void *bottom, void *top, hem__coro_fn *fn,
 *                           void *arg)
 *
 * Lay a first frame on the stack that ends at `top` (16-byte aligned), so that
 * a switch to the result calls fn(arg, value). `bottom` is its lowest address.
 */
#if defined(HEM_UCONTEXT)
#include "coro/frame_ucontext.h"
#elif defined(__x86_64__)
#include "coro/frame_x86_64.h"
#elif defined(__aarch64__)
#include "coro/frame_aarch64.h"
#else
#include "coro/frame_ucontext.h"
#endif

#ifdef HEM__ANNOTATE

typedef struct hem__coro {
    void *sp; /* while suspended: where its registers are */
    hem__annotation note;
} hem__coro;

static inline void hem__coro_prepare(hem__coro *c, void *bottom, void *top,
                                     hem__coro_fn *fn, void *arg)
{
    c->sp = hem__switch_prepare(bottom, top, fn, arg);
    hem__annotate_create(&c->note, bottom,
                         (size_t)((char *)top - (char *)bottom));
}

static inline int hem__coro_switch(hem__coro *from, hem__coro *to, int value)
{
    hem__annotate_leave(&from->note, &to->note);
    value = hem__switch(&from->sp, &to->sp, value);
    hem__annotate_arrive(&from->note);
    return value;
}

static inline int hem__coro_call(hem__coro *self, hem__coro *caller,
                                 hem__coro *inner, int value)
{
    caller->note = self->note;
    self->note = inner->note;
    value = hem__coro_switch(caller, inner, value);
    self->note = caller->note;
    return value;
}

static inline void hem__coro_entered(hem__coro *c)
{
    hem__annotate_arrive(&c->note);
}

static inline hem__next hem__coro_finish(hem__coro *from, hem__coro *to,
                                         int value)
{
    hem__annotate_finish(&from->note, &to->note);
    return (hem__next){to->sp, value};
}

#else

typedef struct hem__coro {
    void *sp; /* while suspended: where its registers are */
} hem__coro;

/* Prepare `c` to run fn(arg, value) on the stack from `bottom` to `top`. */
static inline void hem__coro_prepare(hem__coro *c, void *bottom, void *top,
                                     hem__coro_fn *fn, void *arg)
{
    c->sp = hem__switch_prepare(bottom, top, fn, arg);
}

/* Suspend `from`, the running one, and go on with `to`, which may be it. */
static inline int hem__coro_switch(hem__coro *from, hem__coro *to, int value)
{
    return hem__switch(&from->sp, &to->sp, value);
}

/*
 * Go on with `inner`, on its stack, as a part of `self`, the running one, which
 * may be suspended and resumed there as well. `inner` returns here by a switch
 * to `caller`, or by its end.
 */
static inline int hem__coro_call(hem__coro *self, hem__coro *caller,
                                 hem__coro *inner, int value)
{
    (void)self;
    return hem__coro_switch(caller, inner, value);
}

/* To be called first in a new coroutine. */
static inline void hem__coro_entered(hem__coro *c)
{
    (void)c;
}

/* End the coroutine `from`, to go on with `to`. Its stack may be in the pool
 * already: nothing happens before its function returns this. */
static inline hem__next hem__coro_finish(hem__coro *from, hem__coro *to,
                                         int value)
{
    (void)from;
    return (hem__next){to->sp, value};
}

#endif

#endif

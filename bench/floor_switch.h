/* SPDX-License-Identifier: MIT */
/*
 * The data of the bare runtime that is the floor, and its two assembly
 * operations, one file for each CPU.
 *
 * They are inlined with a clobber list: the compiler saves what it needs
 * across them, as a rule next to nothing; only the frame pointer and the
 * address to go on at are stored, on the stack being left. They leave by an
 * indirect jump, since a `ret` would be mispredicted at each switch.
 */
#ifndef FLOOR_SWITCH_H
#define FLOOR_SWITCH_H

struct task {
    void *sp;          /* while switched out: on top, where to go on */
    struct task *next; /* behind it in the run queue, valid while queued */
} __attribute__((aligned(64)));

/* All in one page: addresses that agree in their lowest 12 bits would make
 * loads wait for unrelated stores, which costs half a switch and more. */
struct runtime {
    struct task *head;    /* of the run queue, NULL: empty */
    struct task **tail;   /* where the next one is linked in */
    struct task *running; /* not in the queue */
    struct task tasks[2];
    struct task main; /* who called run() */
} __attribute__((aligned(4096)));

/* Save the present context in `from`, go on with `to`. */
static inline void runtime_switch(struct task *from, struct task *to);

/* Append the running task to the queue, take the first one, switch to it. */
static inline void runtime_yield(struct runtime *r);

/* Lay out a new stack that ends at `top` (a multiple of 16), so that the first
 * switch to it enters `entry`; return its stack pointer. */
static inline void *runtime_new_stack(char *top, void (*entry)(void));

#if defined(__x86_64__)
#include "floor_switch_x86_64.h"
#elif defined(__aarch64__)
#include "floor_switch_aarch64.h"
#else
#error "no floor for this CPU"
#endif

#endif

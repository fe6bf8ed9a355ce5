/* SPDX-License-Identifier: MIT */
/* The first frame of a context on x86-64: as switch_x86_64.S pops it. */
#ifndef HEM__CORO_FRAME_X86_64_H
#define HEM__CORO_FRAME_X86_64_H

#include <stddef.h>

/* Calls r12(r13, value). In switch_x86_64.S. */
void hem__boot(void);

static inline void *hem__switch_prepare(void *bottom, void *top,
                                        hem__coro_fn *fn, void *arg)
{
    (void)bottom;
    struct {
        void *r15, *r14, *r13;
        hem__coro_fn *r12;
        void *rbx, *rbp;
        void (*rip)(void);
        void *aligned[2];
    } *frame = top;
    frame--;
    frame->r13 = arg;
    frame->r12 = fn;
    frame->rbp = NULL; /* ends the chain of frames */
    frame->rip = hem__boot;
    return frame;
}

#endif

/* SPDX-License-Identifier: MIT */
/* The first frame of a context on aarch64: as switch_aarch64.S pops it. */
#ifndef HEM__CORO_FRAME_AARCH64_H
#define HEM__CORO_FRAME_AARCH64_H

#include <stddef.h>

/* Calls x19(x20, value). In switch_aarch64.S. */
void hem__boot(void);

static inline void *hem__switch_prepare(void *bottom, void *top,
                                        hem__coro_fn *fn, void *arg)
{
    (void)bottom;
    struct {
        void *x29;
        void (*x30)(void);
        hem__coro_fn *x19;
        void *x20;
        void *others[16];
    } *frame = top;
    frame--;
    frame->x29 = NULL; /* ends the chain of frames */
    frame->x30 = hem__boot;
    frame->x19 = fn;
    frame->x20 = arg;
    return frame;
}

#endif

/* SPDX-License-Identifier: MIT */
/* The first frame of a context made by ucontext: a ucontext_t at the bottom of
 * its stack. */
#ifndef HEM__CORO_FRAME_UCONTEXT_H
#define HEM__CORO_FRAME_UCONTEXT_H

void *hem__switch_prepare(void *bottom, void *top, hem__coro_fn *fn, void *arg);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C: the first SIGINT is told to the loop, the second ends the process,
 * at once and even where no task gives way. The handler runs on the alternate
 * stack and only writes to the loop's eventfd, or restores the default action
 * and raises the signal again.
 */
#ifndef HEM__LOOP_INTERRUPT_H
#define HEM__LOOP_INTERRUPT_H

#include "loop/loop.h"

/*
 * Catch SIGINT for loop `l`, on_interrupt(l) to be called in the loop at the
 * first. Does nothing where this is not the main thread, or SIGINT is not at
 * its default action, or another loop has it.
 */
void hem__interrupt_catch(hem_loop *l, void (*on_interrupt)(hem_loop *l));

/* Give SIGINT its default action back, if it was caught for `l`. */
void hem__interrupt_release(hem_loop *l);

/* The same in a forked child, where no other thread is in the handler. */
void hem__interrupt_abandon(hem_loop *l);

/* Wait until no thread is in the handler, which may still write to a loop that
 * was released. */
void hem__interrupt_finish(void);

#endif

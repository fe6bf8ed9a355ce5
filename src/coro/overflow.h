/* SPDX-License-Identifier: MIT */
/*
 * Stack overflow: a line that names the task, then the default action.
 *
 * A handler of SIGSEGV and SIGBUS runs on an alternate stack of the thread. If
 * the address is in the guard of the running coroutine's stack it prints;
 * anything else goes to the handler that was there before, or takes the
 * default action: a wild pointer is not called an overflow. Nothing is
 * installed where a sanitizer owns these signals.
 */
#ifndef HEM__CORO_OVERFLOW_H
#define HEM__CORO_OVERFLOW_H

#include <stdbool.h>

#include "coro/stack.h"

/* Who runs on this thread. Called in a signal handler. */
typedef struct hem__overflow_victim {
    const hem__stack *stack; /* NULL: no coroutine runs */
    const char *name;
    const char *file; /* where it was spawned */
    int line;
} hem__overflow_victim;

typedef void hem__overflow_who(hem__overflow_victim *ret);

/* Watch this thread until it is given up. HEM_ENOMEM. */
int hem__overflow_watch(hem__overflow_who *who);
void hem__overflow_unwatch(void);

/* In a forked child, which has this thread alone: nobody watches. The handlers
 * are left to the caller. */
void hem__overflow_abandon(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Deferred calls: what is to be done when a block is left, by whatever way,
 * written where it becomes necessary; Go's defer, aiotools' adefer.
 *
 *     static int serve(void *arg)
 *     {
 *         HEM_DEFER(d);
 *         struct file *f = file_open(arg);
 *         HEM_TRY(hem_defer(&d, file_close, f));
 *         HEM_TRY(hem_lock_acquire(&lock));
 *         HEM_TRY(hem_defer(&d, unlock, &lock));
 *         return hem_defer_close(&d, work(f));
 *     }
 *
 * They run the last one first, in the task that leaves the block, and may
 * wait; a list needs no task and no loop if they need none. All run, also behind one that fails. (aiotools drops those: there one
 * failure hides the rest, and its documentation says that this may change.)
 */
#ifndef HEM_DEFER_H
#define HEM_DEFER_H

#include "base.h"

HEM_BEGIN_DECLS

/* Calls that a list has room for without memory. */
#define HEM_DEFER_ROOM 8

struct hem__deferred { /* a call */
    hem_fn *fn;
    void *arg;
};

/* A list of deferred calls: the caller's own, private. */
typedef struct hem_deferred {
    struct hem__deferred first[HEM_DEFER_ROOM];
    struct hem__deferred *more; /* those beyond, or NULL */
    size_t count;               /* of all */
    size_t room;                /* of `more` */
} hem_deferred;

/*
 * Declare a list whose calls are made when its block is left. By return, goto
 * or break nobody is told of their failures: use hem_defer_close() where they
 * matter. A cancellation that they meet interrupts the next wait of the task.
 */
#define HEM_DEFER(var)                                                         \
    hem_deferred var __attribute__((cleanup(hem__defer_cleanup))) = {.count = 0}

HEM_API void hem__defer_cleanup(hem_deferred *d);

/*
 * Have fn(arg) called when the list is closed. HEM_ENOMEM: it HAS been called,
 * now, so that nothing is left over; only beyond HEM_DEFER_ROOM calls.
 * [any thread]
 */
HEM_API HEM_CHECK int hem_defer(hem_deferred *d, hem_fn *fn, void *arg);

/*
 * Make all calls, the last first, the block having ended with `rc`. Returns the
 * error of the first of them that fails, else `rc`. The list is empty then and
 * may be used again. [any thread] [suspends if they do]
 */
HEM_API HEM_CHECK int hem_defer_close(hem_deferred *d, int rc);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Blocking C functions, called on threads of a pool; asyncio's to_thread().
 *
 *     static int load(void *arg) { return read_the_whole_disk(arg); }
 *
 *     int rc = hem_thread_call(load, &disk, NULL);
 *
 * The pool belongs to the loop, starts threads as they are needed, and is
 * joined at the end of hem_run(). A call that has begun cannot be stopped.
 */
#ifndef HEM_THREAD_H
#define HEM_THREAD_H

#include "base.h"

HEM_BEGIN_DECLS

typedef struct hem_thread_options {
    /* Called with `arg`, once, if the call returns HEM_ECANCELED: at once, or
     * on the loop when the function has returned after all. Frees what the
     * caller can no longer. NULL: a caller that is cancelled waits until the
     * function has returned. */
    void (*abandon)(void *arg);
} hem_thread_options;

/*
 * Call fn(arg) on a thread and return what it returns. At most 8 calls of a
 * loop run at once, others wait in line. The caller being cancelled: a call
 * that has not begun is dropped; else with `abandon` the caller goes on at
 * once with HEM_ECANCELED, without it when the function has returned.
 * HEM_ENOMEM, HEM_EAGAIN: no thread could be started. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_thread_call(hem_fn *fn, void *arg,
                                      const hem_thread_options *opts);

HEM_END_DECLS

#endif

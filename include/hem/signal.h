/* SPDX-License-Identifier: MIT */
/*
 * Signals as events: a task waits for them; no handler runs on its stack.
 *
 *     hem_signal sig;
 *     HEM_TRY(hem_signal_open(&sig, (int[]){SIGTERM, SIGHUP, 0}));
 *     int signo = hem_signal_wait(&sig);
 *     hem_signal_close(&sig);
 *
 * From open to close the signals are blocked on this thread and received
 * through a descriptor, so none is lost between two waits; equal signals that
 * arrive together count once. Open it before other threads are started, or
 * block the signals there: a signal sent to the process goes to any thread
 * that does not block it. Signals are for the thread that runs the loop; one
 * hem_signal receives a signal number at a time.
 */
#ifndef HEM_SIGNAL_H
#define HEM_SIGNAL_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_signal {
    struct hem__fd fd; /* the signalfd */
    uint64_t added;    /* signals that open blocked, bit n-1 for signal n */
} hem_signal;

/*
 * Start to receive `signals`, ended by 0. HEM_EINVAL: a number that is none,
 * or SIGKILL, SIGSTOP or a fault; HEM_EMFILE, HEM_ENFILE, HEM_ENOMEM.
 * [loop thread]
 */
HEM_API HEM_CHECK int hem_signal_open(hem_signal *s, const int *signals);

/*
 * Wait for the next of the signals and return its number. HEM_EBADF: closed;
 * HEM_EBUSY: another task waits. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_signal_wait(hem_signal *s);

/* Stop; what open blocked is unblocked, and pending signals take their default
 * action. A task that waits gets HEM_EBADF. [loop thread] */
HEM_API void hem_signal_close(hem_signal *s);

HEM_END_DECLS

#endif

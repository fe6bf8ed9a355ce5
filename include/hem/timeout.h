/* SPDX-License-Identifier: MIT */
/*
 * Timeouts: a deadline for a block of code, asyncio.timeout().
 *
 *     hem_timeout t;
 *     HEM_TRY(hem_timeout_open(&t, 5 * HEM_SEC));
 *     int rc = hem_stream_read(s, buf, sizeof(buf));
 *     rc = hem_timeout_close(&t, rc);          // HEM_ETIMEDOUT if it expired
 *
 * When the deadline passes, the task is cancelled; hem_timeout_close() takes
 * that request back and turns HEM_ECANCELED into HEM_ETIMEDOUT, unless somebody
 * else has cancelled the task as well. Timeouts of a task nest and are closed
 * in reverse order.
 */
#ifndef HEM_TIMEOUT_H
#define HEM_TIMEOUT_H

#include "base.h"
#include "task.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_timeout {
    struct hem__timer timer;   /* armed while it may expire */
    struct hem__job job;       /* queued if the deadline has passed at once */
    struct hem_timeout *outer; /* the task's next one out */
    hem_task *task;            /* who opened it */
    hem_ns when;               /* deadline or HEM_NEVER */
    uint32_t prior;            /* the task's count when opened */
    uint8_t state;             /* enum hem__timeout_state */
    const char *why;           /* reason of the request */
    bool queued;               /* in the ready queue */
} hem_timeout;

/*
 * Begin a timeout of the current task: in `d` (0 or less: as soon as the task
 * waits; HEM_NEVER: no deadline), or at `when` on the loop's clock.
 * HEM_ENOMEM: not open; HEM_EREFUSED: it is open already. [loop thread]
 */
HEM_API HEM_CHECK int hem_timeout_open(hem_timeout *t, hem_ns d);
HEM_API HEM_CHECK int hem_timeout_open_at(hem_timeout *t, hem_ns when);

/* Cancel the task for the reason `why`, as in hem_task_cancel(), when the
 * deadline passes; NULL, as it begins: for none. [loop thread] */
HEM_API void hem_timeout_set_reason(hem_timeout *t, const char *why);

/* Move the deadline, to `when` on the loop's clock or HEM_NEVER.
 * HEM_EREFUSED: it has expired or is closed. [loop thread] */
HEM_API HEM_CHECK int hem_timeout_reschedule(hem_timeout *t, hem_ns when);

/* Return the deadline, HEM_NEVER: none. [loop thread] */
HEM_API hem_ns hem_timeout_when(const hem_timeout *t);

/* Return whether the deadline has passed. [loop thread] */
HEM_API bool hem_timeout_expired(const hem_timeout *t);

/*
 * End it. `rc` is how the block ended and what is returned, but for
 * HEM_ECANCELED that comes from this timeout: that becomes HEM_ETIMEDOUT. (A
 * count above INT_MAX does not pass through an int: keep it apart.)
 * HEM_EMISUSE: not open. Aborts the process if another task calls it.
 * [loop thread]
 */
HEM_API HEM_CHECK int hem_timeout_close(hem_timeout *t, int rc);

HEM_END_DECLS

#endif

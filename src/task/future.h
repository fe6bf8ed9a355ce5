/* SPDX-License-Identifier: MIT */
/* Futures, inside: those that are the futures of something. */
#ifndef HEM__TASK_FUTURE_H
#define HEM__TASK_FUTURE_H

#include "hem/future.h"
#include "task/outcome.h"

/* Make a pending future that `cancel`, see there, cancels. */
void hem__future_init(hem_future *f,
                      bool (*cancel)(hem_future *self, const char *why));

/* Settle a pending future: with a result or an error, or, with HEM_ECANCELED,
 * as failed with a cancellation for the reason `why`. Who waits is given its
 * `error`, which is to be set before, held, and released by whose future it
 * is. */
void hem__future_settle(hem_loop *l, hem_future *f, int status,
                        const char *why);

/* The `cancel` of waits for futures. */
bool hem__future_cancel_wait(hem_loop *l, hem__fiber *f, const char *why);

/* Wait for a future, which is no task, under the name of `wait`, whose
 * `cancel` is hem__future_cancel_wait or one of the caller's. */
int hem__future_wait(hem_loop *l, hem_future *f, const hem__wait *wait);

/*
 * Have `d` called as by hem_future_on_done(), and keep in it all that there is
 * to know, for the future, or the task, may be gone when it is called. The
 * record that it then has is the caller's. Returns false if the future is done
 * already: `d` is noted down and will not be called.
 */
bool hem__future_watch(hem_future *f, hem_done *d, hem_done_fn *fn, void *arg);

/* Note down in `d` how `f`, which is done, ended. */
void hem__future_note(hem_future *f, hem_done *d);

#endif

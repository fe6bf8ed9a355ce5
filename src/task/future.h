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
 * as failed with a cancellation for the reason `why`. */
void hem__future_settle(hem_loop *l, hem_future *f, int status,
                        const char *why);

/* The `cancel` of waits for futures. */
bool hem__future_cancel_wait(hem_loop *l, hem__fiber *f, const char *why);

/* Wait for a pending future, which is no task, under the name of `wait`, whose
 * `cancel` is hem__future_cancel_wait or one of the caller's. */
int hem__future_wait(hem_loop *l, hem_future *f, const hem__wait *wait);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Futures: a result that somebody will provide and any number of tasks may
 * wait for. asyncio's Future.
 *
 *     hem_future f;
 *     hem_future_init(&f);
 *     ...                                   // in another task or a callback:
 *     HEM_TRY(hem_future_set_result(&f, 42));
 *     ...
 *     int rc = hem_future_wait(&f);         // 42
 *
 * pending --set_result, set_error, cancel--> done. A future is set once. The
 * result is a number; what is larger lives beside the future, in the same
 * struct. Cancelling a task that waits for a future cancels the future, for
 * all who wait.
 */
#ifndef HEM_FUTURE_H
#define HEM_FUTURE_H

#include "base.h"
#include "task.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_future hem_future;

struct hem_future {
    struct hem__outcome outcome;
    /* How to cancel it, if it is the future of something; NULL: it is none.
     * Returns false if it cannot be cancelled any more. */
    bool (*cancel)(hem_future *self, const char *why);
    hem_error *error; /* record of its failure, if it is the future of something
                         that keeps one, or NULL */
};

/*
 * Return the future that a task is: what takes futures, takes tasks. It is
 * valid as long as the handle. Waiting for it is awaiting the task, cancelling
 * it is cancelling the task; it cannot be set (HEM_EREFUSED). [loop thread]
 */
HEM_API hem_future *hem_task_future(hem_task *t);

/* Make a pending future. It needs no deinit: when its memory goes, nobody may
 * be waiting for it. [any thread] */
HEM_API void hem_future_init(hem_future *f);

/* Complete it with a result (0 or more) or an error (negative; HEM_ECANCELED
 * counts as an error here, not as a cancellation). HEM_ESTATE: done already;
 * HEM_EINVAL: wrong sign; HEM_EREFUSED: it is the future of something. [loop thread] */
HEM_API HEM_CHECK int hem_future_set_result(hem_future *f, int result);
HEM_API HEM_CHECK int hem_future_set_error(hem_future *f, int error);

/* Cancel it: those who wait get HEM_ECANCELED. Return false if it is done
 * already. `why` as in hem_task_cancel(). [loop thread] */
HEM_API bool hem_future_cancel(hem_future *f, const char *why);

/*
 * Wait until it is done and return its result or error. Returns at once if it
 * is. If the waiting task is cancelled, the future is. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_future_wait(hem_future *f);

/* Return whether it is done, and whether by cancellation. [loop thread] */
HEM_API bool hem_future_done(const hem_future *f);
HEM_API bool hem_future_cancelled(const hem_future *f);

/* Return the result or error; HEM_ESTATE: not done. [loop thread] */
HEM_API int hem_future_result(const hem_future *f);

/* Return the record of the failure of the task, or other thing, that it is the
 * future of (failure.h); NULL: there is none. Valid as long as the future.
 * [loop thread] */
HEM_API const hem_error *hem_future_error(const hem_future *f);

/* As hem_task_on_done(); hem_done_remove() takes it back. [loop thread] */
HEM_API void hem_future_on_done(hem_future *f, hem_done *d, hem_done_fn *fn,
                                void *arg);

HEM_END_DECLS

#endif

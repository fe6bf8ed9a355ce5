/* SPDX-License-Identifier: MIT */
/*
 * The threads of a loop, for calls that block.
 *
 * A job: held --lane--> queued --thread--> running --thread--> posted --loop-->
 * its `post` is run. Until it runs it can be withdrawn. A job and what its
 * function touches stay in place until it is back or withdrawn.
 *
 * A job with `late` that runs when the loop ends is left, with its thread, which
 * is not waited for any more: running --pool destroyed--> left --thread--> its
 * `late` is called.
 */
#ifndef HEM__LOOP_POOL_H
#define HEM__LOOP_POOL_H

#include "loop/lane.h"
#include "loop/loop.h"
#include "loop/post.h"

typedef struct hem__pool_job {
    hem__post post; /* sent back when `fn` has returned */
    hem__list link; /* while it is held or queued; else self-linked */
    hem__lane *lane;
    hem_fn *fn;
    void *arg;
    /* On its thread, if it is left. It may free the job. NULL: it cannot be. */
    void (*late)(struct hem__pool_job *job);
    int result;    /* of `fn`, once it is back */
    bool admitted; /* by its lane */
} hem__pool_job;

/* Hand in a job of a lane (NULL: the common one); `post`, `fn` and `arg` are
 * set. HEM_ENOMEM, HEM_EAGAIN: no memory, no thread; HEM_EINVAL: the lane's
 * limit. */
int hem__pool_submit(hem_loop *l, const hem_thread_lane *lane,
                     hem__pool_job *job);

/* Take back a job that has not begun. False: it has. */
bool hem__pool_withdraw(hem_loop *l, hem__pool_job *job);

/* Of whose pool this thread is; NULL: of none. */
extern _Thread_local hem_loop *hem__pool_of
    __attribute__((visibility("hidden")));

/* Wait for the calls under way and join the threads; leave what can be. */
void hem__pool_destroy(hem_loop *l);

/* For tests: wait until nothing is left. */
void hem__pool_await_left(void);

#endif

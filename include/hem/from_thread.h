/* SPDX-License-Identifier: MIT */
/*
 * Tasks called from other threads: asyncio's
 * run_coroutine_threadsafe(...).result().
 *
 *     static int look_up(void *arg)                // a task of the loop
 *     {
 *         struct query *q = arg;
 *         return hem_queue_put(&queries, q);
 *     }
 *
 *     static int work(void *arg)                   // on some thread
 *     {
 *         struct query q = {.loop = arg};
 *         int result;
 *         HEM_TRY(hem_call_from_thread(q.loop, look_up, &q, &result));
 *         return result;
 *     }
 *
 * The thread is blocked meanwhile, so fn and the thread may share what is on
 * the thread's stack without locks. It may be a thread of the loop's own pool,
 * in a function that hem_thread_call() called, or any other; one that runs
 * another loop holds that one up.
 */
#ifndef HEM_FROM_THREAD_H
#define HEM_FROM_THREAD_H

#include "base.h"
#include "loop.h"
#include "task.h"

HEM_BEGIN_DECLS

/*
 * Run fn(arg) as a task of `loop`, in its own scope, block this thread until it
 * has ended, and put its result or error, HEM_ECANCELED if it was cancelled,
 * into `*ret_result`. Returns 0, or, and then fn was not called: HEM_ESHUTDOWN:
 * the loop's main task has ended, or the loop itself has (it must be held then,
 * see hem_loop_hold()); HEM_EDEADLK: this is the thread of the loop;
 * HEM_ENOMEM. Tasks that run when the main task ends are cancelled as all
 * others. A macro. [any thread]
 */
#define hem_call_from_thread(loop, fn, arg, ret_result)                        \
    hem_call_from_thread_at((loop), (fn), (arg), (ret_result), HEM__SITE(#fn))

HEM_API HEM_CHECK int hem_call_from_thread_at(hem_loop *loop, hem_fn *fn,
                                              void *arg, int *ret_result,
                                              const hem_site *site);

HEM_END_DECLS

#endif

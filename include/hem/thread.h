/* SPDX-License-Identifier: MIT */
/*
 * Threads: blocking C functions called on a pool, asyncio's to_thread() and
 * run_in_executor(). The other way round: from_thread.h.
 *
 *     static const hem_thread_lane disk = HEM_THREAD_LANE("disk", 2);
 *
 *     static int load(void *arg) { return read_the_whole_disk(arg); }
 *
 *     static int user(void *arg)
 *     {
 *         return hem_thread_call(load, arg,
 *                                &(hem_thread_options){.lane = &disk});
 *     }
 *
 * The pool belongs to the loop, starts threads as they are needed, up to 64,
 * keeps them, and joins them at the end of hem_run(), but for calls with
 * `.detach`. They have all signals blocked and 1 MiB of stack. A call that has
 * begun cannot be stopped.
 *
 * Lanes. Calls that may be stuck for long, in a resolver or on a dead file
 * server, would keep others from the threads. Each lane has a limit of its own:
 * so many of its calls run at once, the others wait in line, in their order,
 * and no call waits for one of another lane, as long as not all 64 threads are
 * taken. A lane is a description, read while a call is made: static, or
 * anywhere else. What is counted of it is counted in each loop for itself, by
 * its address: two lanes are two objects, whatever they are called. Calls that
 * name no lane share one, of limit 8. hem's own names and files have others.
 */
#ifndef HEM_THREAD_H
#define HEM_THREAD_H

#include "base.h"

HEM_BEGIN_DECLS

/* Calls that wait for each other only. */
typedef struct hem_thread_lane {
    const char *name; /* for people */
    uint32_t limit;   /* of calls that run at once, up to 64; 0: 8 */
} hem_thread_lane;

/* Initialiser of a lane. */
#define HEM_THREAD_LANE(name, limit)                                           \
    {                                                                          \
        (name), (limit)                                                        \
    }

typedef struct hem_thread_lane_info {
    size_t running; /* calls that have begun, or are next, abandoned ones too */
    size_t waiting; /* in line, for the limit is reached */
} hem_thread_lane_info;

typedef struct hem_thread_options {
    /* Called with `arg`, once, if the call returns HEM_ECANCELED: at once, or
     * on the loop when the function has returned after all. Frees what the
     * caller can no longer. NULL: a caller that is cancelled waits until the
     * function has returned. */
    void (*abandon)(void *arg);
    /* Called with `arg` on the loop when the caller is cancelled while the
     * function runs, which is to end soon then: sets a flag that it looks at,
     * say. Must not suspend. NULL: it is not told. */
    void (*interrupt)(void *arg);
    const hem_thread_lane *lane; /* NULL: that of all who name none */
    /* A call that was abandoned and has not returned does not keep hem_run()
     * from its end: `abandon` is then called on the thread, some time after
     * the run. Neither it nor the function may use the loop. */
    bool detach;
} hem_thread_options;

/*
 * Call fn(arg) on a thread and return what it returns. The caller being
 * cancelled: a call that has not begun is dropped; else with `abandon` the
 * caller goes on at once with HEM_ECANCELED, without it when the function has
 * returned. A call that was abandoned counts in its lane until the function
 * has returned. HEM_ENOMEM, HEM_EAGAIN: no thread could be started; HEM_EINVAL:
 * the lane's limit is above 64, or `detach` without `abandon`. Then `abandon` is not called. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_thread_call(hem_fn *fn, void *arg,
                                      const hem_thread_options *opts);

/* Tell how many calls of `lane` (NULL: that of all who name none) there are in
 * this loop. [loop thread] */
HEM_API void hem_thread_lane_get_info(const hem_thread_lane *lane,
                                      hem_thread_lane_info *ret);

HEM_END_DECLS

#endif

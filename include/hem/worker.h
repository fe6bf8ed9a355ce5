/* SPDX-License-Identifier: MIT */
/*
 * A worker of a service (prefork.h), seen from inside: the main task of a loop
 * in a process, or a thread, of its own.
 *
 *     static int worker(hem_worker *w, void *arg)
 *     {
 *         HEM_LISTENER(l);                           // set up
 *         HEM_TRY(hem_listen(&l, NULL, 0,
 *                            &(hem_listen_options){.fd = *(int *)arg}));
 *         HEM_SCOPE(s, .kind = HEM_TASKGROUP);       // its end, if serve fails
 *         HEM_TRY(hem_scope_spawn(&s, NULL, serve, &l));
 *         int sig = hem_worker_wait(w);              // ready; until told to stop
 *         hem_listener_close(&l);                    // tear down: drain
 *         return hem_scope_close(&s, sig < 0 ? sig : 0);
 *     }
 *
 *     set up --hem_worker_ready or _wait--> body --told to stop--> tear down
 *
 * An error returned in any of the three is a failure of that phase, and named
 * so in the log; HEM_ECANCELED is none if it was the service that cancelled the
 * main task, near the end of the grace period. The parent counts a worker as
 * ready, and goes on to the next one of a rolling restart, when its set up is
 * over.
 *
 * A worker is told to stop through a channel from its parent, or by a stop
 * signal sent to its process; the first counts. When the parent dies the
 * channel ends: that tells it to stop, with SIGTERM, and it sees to the grace
 * period itself.
 *
 * All calls are for the worker's own loop, hem_process_index() excepted.
 */
#ifndef HEM_WORKER_H
#define HEM_WORKER_H

#include "base.h"

HEM_BEGIN_DECLS

typedef struct hem_worker hem_worker;

/* A worker's function. Its result is the worker's: an error is a failure, 0 or
 * more a clean end. */
typedef int hem_worker_fn(hem_worker *w, void *arg);

/* How far a worker has come. */
typedef enum hem_worker_phase {
    HEM_WORKER_STARTING, /* not in its function yet: fork, prestart, loop */
    HEM_WORKER_SET_UP,
    HEM_WORKER_BODY,
    HEM_WORKER_TEAR_DOWN,
    HEM_WORKER_ENDED,
} hem_worker_phase;

/*
 * Say that set up is over: the parent may rely on this worker now. Further
 * calls do nothing. Without it the first hem_worker_wait() says so. Never
 * suspends. [loop thread]
 */
HEM_API void hem_worker_ready(hem_worker *w);

/*
 * Wait until the worker is asked to stop, and return the signal: one of the
 * service's stop signals, SIGTERM where something else than a signal is the
 * reason (a replacement, a failure elsewhere, the death of the parent). Returns
 * at once when asked before. Any number of tasks may wait. The value that
 * aiotools' worker context managers get from their yield. HEM_EBADF: the
 * worker's function has returned. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_worker_wait(hem_worker *w);

/* Return the signal by which the worker was asked to stop, 0: it was not. Never
 * suspends. [loop thread] */
HEM_API int hem_worker_stop_signal(const hem_worker *w);

/* Return the worker's number, from 0; those of extra processes follow those of
 * num_workers, then come workers that SIGTTIN has added. A replacement has the
 * number of its predecessor. [loop thread] */
HEM_API uint32_t hem_worker_index(const hem_worker *w);

/* Return how many workers had this number before. [loop thread] */
HEM_API uint32_t hem_worker_generation(const hem_worker *w);

/* Return what the main context has handed to the workers (prefork.h); NULL
 * without one. aiotools: the values that main yields. [loop thread] */
HEM_API void *hem_worker_value(const hem_worker *w);

/*
 * Return the index of the worker that this process, or this thread, is; -1 if
 * it is none. aiotools.process_index. [any thread]
 */
HEM_API int hem_process_index(void);

/*
 * Count `n` requests: for the metrics, and towards `max_requests`. At the limit
 * the worker asks to be replaced, as by hem_worker_replace(). Never suspends.
 * [loop thread]
 */
HEM_API void hem_worker_count(hem_worker *w, uint64_t n);

/*
 * Ask the parent to replace this worker: another is started, and when that is
 * ready this one is told to stop. `why` goes to the log. Once asked, further
 * calls do nothing; nor does it anything while the service stops. Never
 * suspends. [loop thread]
 */
HEM_API void hem_worker_replace(hem_worker *w, const char *why);

/*
 * Add `delta` to metric number `i` of the service's `metrics`, or set it. A
 * number that the service has not aborts. They lie in memory shared with the
 * parent: no system call, and what was counted outlives a worker that is
 * killed. Never suspend. [loop thread]
 */
HEM_API void hem_worker_metric_add(hem_worker *w, size_t i, int64_t delta);
HEM_API void hem_worker_metric_set(hem_worker *w, size_t i, int64_t value);

HEM_END_DECLS

#endif

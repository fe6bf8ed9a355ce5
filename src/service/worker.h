/* SPDX-License-Identifier: MIT */
/*
 * The worker's side of a service.
 *
 *   worker.c         what the worker's function calls: worker.h of the user
 *   worker_main.c    the life of a worker, in a process or a thread
 *   worker_told.c    what comes from outside: messages, signals; its heart
 *   worker_process.c what a process does to itself before; the process index
 *   thread_worker.c  a thread that is a worker
 */
#ifndef HEM__SERVICE_WORKER_H
#define HEM__SERVICE_WORKER_H

#include <pthread.h>
#include <signal.h>

#include "hem/daemon.h"
#include "hem/prefork.h"
#include "hem/signal.h"
#include "service/service.h"
#include "task/outcome.h"

/* What a worker begins with; all of it outlives the worker. */
typedef struct hem__worker_start {
    const hem__role *role;
    const hem_prefork_options *options;
    hem__slot *slot;
    uint32_t index;
    uint32_t generation;
    void *value;          /* of the main context */
    pid_t parent;         /* the process that it has to die with */
    const hem_user *user; /* to become; NULL: as the parent */
    hem_ns pulse;         /* between two beats of its heart; 0: as `heartbeat`
                             of the options needs it */
} hem__worker_start;

/* The signals that stop the service, ended by 0. */
const int *hem__stop_signals(const hem_prefork_options *o);

/* The grace period of the options, 0: none, HEM_NEVER: no limit; how long before
 * its end the main task is cancelled, 0: it is not. */
hem_ns hem__grace_of(const hem_prefork_options *o);
hem_ns hem__cancel_of(const hem_prefork_options *o);

/* The signals that are to be blocked in the new process of a role, from the
 * fork on: those that stop it, so that none kills a worker that does not listen
 * yet, or any more. Of a plain process: none. */
void hem__worker_blocked(sigset_t *ret, const hem__role *role,
                         const hem_prefork_options *o);

/*
 * Be a worker, in a new process, and return its exit status. `channel` is its
 * side, which it closes, and by which it says why it failed, if it did; the
 * slot says so too, where that cannot be. A worker whose main task was
 * cancelled through the channel and ends so has not failed. The worker of a
 * plain role keeps the channel open to its end.
 */
int hem__worker_main(const hem__worker_start *start, int channel);

/*
 * Be a worker in a thread of its own, which has all signals blocked. `*start` is
 * copied. Its last word is HEM__MESSAGE_DONE with its result, then the channel
 * is closed and the thread is to be joined. HEM_EAGAIN, HEM_ENOMEM, HEM_EMFILE:
 * no thread, and the channel is closed.
 */
int hem__thread_worker_start(pthread_t *ret, const hem__worker_start *start,
                             int channel);

/* For people: "set up". */
const char *hem__phase_name(hem_worker_phase phase);

/* The rest is for the files above. */

#define HEM__WORKER_SIGNALS_MAX 64

struct hem_worker {
    const hem__worker_start *start;
    int fd;               /* of the channel */
    hem__channel channel; /* to the parent */
    hem__outcome stop;    /* the first stop signal; HEM_EBADF: its function has
                             returned */
    hem_task *main;       /* while its function runs, else NULL */
    hem__timer heart;
    hem__timer orphan; /* after the death of the parent: what comes next */
    hem_ns pulse;      /* of the heart, 0: it has none */
    uint64_t limit;    /* of requests, 0: none */
    bool opened;       /* the channel is the loop's */
    bool began;        /* its function was called */
    bool ready;        /* and the parent was told so */
    bool replacing;    /* the parent was asked to */
    bool cancelled;    /* by the parent */
    int result;        /* of its function, if it began */
    size_t signals;    /* of them, that are listened to: */
    hem_signal_handler handlers[HEM__WORKER_SIGNALS_MAX];
};

/* Run the loop of a worker; returns its result. Closes `channel`. */
int hem__worker_run(const hem__worker_start *start, int channel);

/* Make a new process what its options say; an error is told by the caller. */
int hem__worker_become(const hem__worker_start *start);

/* Of that, what goes for this thread alone: `pin_cpus`. */
int hem__worker_pin(const hem__worker_start *start);

/* Name this process, or this thread, the worker `index`. */
void hem__process_index_set(int index);
void hem__thread_index_set(int index);

/* Take the channel into the loop, listen to it and to the stop signals, and let
 * the heart beat, to the end of the loop. */
int hem__worker_listen(hem_worker *w);

/* Its function has returned: stop signals are heard no more. */
void hem__worker_deafen(hem_worker *w);

/* It is to stop: the first counts. */
void hem__worker_tell(hem_worker *w, int status);

/* Say by whichever way there is that the worker failed; `fd` of the channel, -1:
 * it is closed. */
void hem__worker_failed(const hem__worker_start *start, int fd, int rc,
                        const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/* The worker's side of a prefork server. */
#ifndef HEM__SERVICE_WORKER_H
#define HEM__SERVICE_WORKER_H

#include "hem/prefork.h"

/* What a worker inherits. */
typedef struct hem__worker_start {
    hem_worker_fn *fn; /* the user's, to be called with `arg` */
    void *arg;
    const hem_run_options *run; /* or NULL */
    const char *name;           /* in the log */
    uint32_t index;
    pid_t parent;
} hem__worker_start;

/* The signals that stop a server, ended by 0. */
extern const int hem__stop_signals[];

/*
 * The child's function; `arg` is a hem__worker_start. The stop signals are
 * blocked and stay so to the end of the process: one that arrives before the
 * worker listens, or when it has finished, does not kill it.
 */
int hem__worker_main(void *arg, int channel);

#endif

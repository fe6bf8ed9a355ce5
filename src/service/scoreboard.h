/* SPDX-License-Identifier: MIT */
/*
 * What the workers show: one page shared by all processes of the service, with
 * a slot for each worker that lives. A worker writes its own slot, the parent
 * reads all at any time, also that of one which is stuck or was killed. Plain
 * atomics, no locks: there is nothing that a process could die holding.
 */
#ifndef HEM__SERVICE_SCOREBOARD_H
#define HEM__SERVICE_SCOREBOARD_H

#include <stdatomic.h>

#include "hem/prefork.h"

/* Written by the worker that has it, but for `stop`; zero when it is taken. */
typedef struct hem__slot {
    _Alignas(64) _Atomic uint32_t phase; /* hem_worker_phase */
    _Atomic int32_t error;  /* that its function returned; 0: not yet, none */
    _Atomic uint64_t beats; /* turns of its heart, while its loop turns */
    _Atomic uint64_t requests; /* hem_worker_count() */
    _Atomic int64_t metrics[HEM_METRICS_MAX];
    bool taken; /* the parent's */
} hem__slot;

typedef struct hem__scoreboard {
    hem__slot *slots; /* shared memory */
    size_t count;
    uint64_t requests; /* of workers that have ended */
    int64_t
        metrics[HEM_METRICS_MAX]; /* of counters, of workers that have ended */
} hem__scoreboard;

/* HEM_ENOMEM. */
int hem__scoreboard_init(hem__scoreboard *b, size_t count);
void hem__scoreboard_deinit(hem__scoreboard *b);

/* Take a slot, zeroed; NULL: all are taken. */
hem__slot *hem__scoreboard_take(hem__scoreboard *b);

/* Give it back: its requests and counters go to the sums; a gauge's value goes
 * with the worker. `metrics` has `count` entries. */
void hem__scoreboard_give_back(hem__scoreboard *b, hem__slot *s,
                               const hem_metric *metrics, size_t count);

/* Sums over all that live and all that have ended. */
uint64_t hem__scoreboard_requests(const hem__scoreboard *b);
int64_t hem__scoreboard_metric(const hem__scoreboard *b, size_t i);

#endif

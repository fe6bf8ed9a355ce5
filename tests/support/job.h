/* SPDX-License-Identifier: MIT */
/* Functions for tests of those who wait for several: each takes its time, and
 * ends as it was told to. */
#ifndef SUPPORT_JOB_H
#define SUPPORT_JOB_H

#include <stdbool.h>

#include "hem.h"

struct job {
    hem_ns takes;     /* it sleeps so long; 0: it returns at once */
    int result;       /* and ends with this */
    const char *says; /* of its failure, by hem_fail(); NULL: nothing */
    hem_ns cleans;    /* once it is cancelled it needs so long */
    bool declines;    /* being cancelled: it ends as if it was not */
    /* What became of it: */
    bool began;
    bool ended;
    const char *why; /* it was cancelled */
};

/* Run a job; an hem_fn. */
int job(void *arg);

/* Spawn a task that runs it. */
hem_task *job_spawn(struct job *j);

/* Cancel the task `t` at the time `when`, by a callback. */
void cancel_at(hem_task *t, hem_ns when, const char *why);

#endif

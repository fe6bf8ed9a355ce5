/* SPDX-License-Identifier: MIT */
/*
 * Runs, each in a process of its own, several at a time. One that does not end
 * is killed with all its children.
 */
#ifndef TORTURE_RUNNER_H
#define TORTURE_RUNNER_H

#include "plan.h"

enum outcome {
    RUN_CLEAN,
    RUN_WRONG, /* a check failed, while calls failed */
    RUN_LEFT,  /* something was left behind */
    RUN_STUCK, /* it could not be run again */
    RUN_DIED,  /* of a signal, or an exit */
    RUN_HUNG,
    RUN_OUTCOMES,
};

struct tally {
    size_t runs;
    size_t fired; /* runs in which a call failed */
    size_t by_outcome[RUN_OUTCOMES];
};

/* Make the runs of `p`, add them to `t`, and print what is not clean. */
void runner_run(const struct plan *p, struct tally *t);

/* Make one run in which no call fails, and note its calls in `r`. False: it
 * was not clean. */
bool runner_count(const struct scenario *s, struct record *r);

/* Make one run in this process, with the faults that the environment asks for;
 * its exit status. */
int runner_replay(const struct scenario *s);

/* Name of an outcome, for people. */
const char *outcome_name(enum outcome o);

#endif

/* SPDX-License-Identifier: MIT */
/* What a run tells of itself, in memory that it shares with the runner and
 * with its own children. */
#ifndef TORTURE_RECORD_H
#define TORTURE_RECORD_H

#include <stdatomic.h>

#include "base/fault.h"
#include "torture.h"

#define RECORD_ERRORS_MAX 64

enum phase {
    PHASE_FAULTY, /* the scenario, with faults */
    PHASE_LEDGER, /* what did it leave? */
    PHASE_AGAIN,  /* the scenario, without */
    PHASE_DONE,
};

struct record {
    atomic_int phase;          /* enum phase */
    atomic_int child_failures; /* checks that failed in children */
    atomic_uint fired;         /* calls that failed */
    atomic_uint noticeable;    /* of them, those that may be noticed */
    hem__fault_call first;     /* the first of them, valid once `fired` */
    atomic_uint error_count;   /* different errors that they failed with */
    atomic_int errors[RECORD_ERRORS_MAX];
    atomic_uint call_count; /* calls that were noted in `calls` */
    size_t calls_max;       /* places there; 0: they are not noted */
    hem__fault_call calls[];
};

/* Memory for a record; aborts where there is none. */
struct record *record_create(size_t calls_max);
void record_destroy(struct record *r);

/* Forget everything. */
void record_clear(struct record *r);

/* Write what this process and its children do into `r` from now on. */
void record_use(struct record *r);
void record_enter(enum phase phase);

/* Return how many checks failed in this process and its children, and forget
 * them. */
int record_failures_take(void);

/* "accept4 EMFILE"; `buf` has room for 100 bytes. */
const char *record_describe(const hem__fault_call *call, char *buf);

#endif

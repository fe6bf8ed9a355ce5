/* SPDX-License-Identifier: MIT */
/*
 * Which call is to fail, with which error, and in which mode. Of the calls that
 * a scenario makes, those from one place in the code are alike: a few of them
 * are drawn for each error and mode.
 */
#ifndef TORTURE_PLAN_H
#define TORTURE_PLAN_H

#include "record.h"

/* A run to be made. */
struct attempt {
    const struct scenario *scenario;
    uint64_t n; /* the call that fails first; 0: none */
    uint32_t error;
    enum hem__fault_mode mode;
};

struct plan {
    struct attempt *attempts;
    size_t count;
    size_t sites; /* places in the code that make the calls */
};

/*
 * Plan the runs of a scenario whose calls are in `r`, which is sorted for it:
 * for each place in the code, error and mode, as many as `each`; 0: all. The
 * same seed draws the same ones.
 */
void plan_make(struct plan *ret, const struct scenario *s, struct record *r,
               size_t each, uint64_t seed);
void plan_free(struct plan *p);

/* What HEM_FAULT must be for the run; `buf` has room for 100 bytes. */
const char *attempt_describe(const struct attempt *a, char *buf);

#endif

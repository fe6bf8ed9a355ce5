/* SPDX-License-Identifier: MIT */
/*
 * Checking: each program runs in a process of its own, with a limit of time,
 * and its trace is compared with the expected one.
 */
#ifndef CONFORMANCE_CHECK_H
#define CONFORMANCE_CHECK_H

#include <stdint.h>
#include <stdio.h>

#include "corpus.h"

struct check {
    uint64_t seed; /* of the order of ready tasks; 0: first in, first out */
    bool exact;    /* also programs of class exact */
    bool verbose;  /* a line for each program */
    int passed;
    int failed;
    int not_yet;  /* hem has nothing for something that they use */
    FILE *output; /* what the program that runs writes to its */
    FILE *errors; /* standard output and error */
};

/* Whether the streams that programs write to could be made. */
bool check_open(struct check *c);

/* Check one program, or leave it out; for corpus_each(). */
void check_sample(void *arg, const struct sample *s);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Comparison of traces: corpus/SPEC.md, section 4.4.
 */
#ifndef CONFORMANCE_COMPARE_H
#define CONFORMANCE_COMPARE_H

#include <stdbool.h>

/* The first place where two traces differ: a line of each, NULL at the end of
 * one. Freed by difference_free(). */
struct difference {
    char *expected;
    char *got;
};

/* Whether the traces are equal; if not, `*ret` tells where. */
bool traces_equal(const char *expected, const char *got, bool strict,
                  struct difference *ret);

void difference_free(struct difference *d);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A resolver for tests, in the place of the one that is built in. A program
 * that calls names_begin() has it.
 *
 *     names_begin();
 *     names_add((struct name){"two.example", "127.0.0.1 ::1"});
 *     hem_connect(&s, "two.example", port, NULL);
 */
#ifndef SUPPORT_NAMES_H
#define SUPPORT_NAMES_H

#include "hem.h"

struct name {
    const char *name; /* static */
    const char
        *addresses; /* numeric, with spaces between; all of them static */
    int error;      /* it fails so instead */
    hem_ns delay;   /* before the answer; HEM_NEVER: there is none */
};

/* Forget all names, and what was asked. */
void names_begin(void);

/* Know one more; its first address is its own name's. */
void names_add(struct name n);

/* The number of questions since the beginning, and the last one. */
int names_asked(void);
const char *names_last(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Children of hem_fork() that tests are made of. */
#ifndef SUPPORT_FORKED_H
#define SUPPORT_FORKED_H

#include <stdbool.h>

#include "hem.h"

/* Whether the kernel can do it; if not, a program of tests exits with
 * FORKED_SKIP. Valgrind cannot before 3.20. */
bool forked_possible(void);

#define FORKED_SKIP 77

/* How a child that runs fn(arg) ends. It does not outlive the test. */
hem_child_status forked_status(hem_fn *fn, void *arg);

/* Functions for children: return *(int *)arg; never return. */
int forked_return(void *arg);
int forked_linger(void *arg);

/* The exit code of a child that has made checks. */
int forked_verdict(void);

/* Whether this process has a child. */
bool forked_any(void);

/* Run fn(arg) in a process of its own, for what cannot be undone; 0 and
 * nothing on standard error is what it should come to. */
void forked_apart(int (*fn)(void *arg), void *arg);

#endif

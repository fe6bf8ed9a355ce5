/* SPDX-License-Identifier: MIT */
/* Children of hem_fork() that tests are made of. */
#ifndef SUPPORT_FORKED_H
#define SUPPORT_FORKED_H

#include <stdbool.h>

#include "hem.h"

/* A test in virtual time, done with children that have a pidfd, if there are
 * any, and with children that are polled. */
#define CHILD_TEST(name)      CHILD__TEST(name, run_virtual)
#define CHILD_FIFO_TEST(name) CHILD__TEST(name, run_fifo)

#define CHILD__TEST(name, run)                                                 \
    static int name##_body(void *arg);                                         \
    static void name(void **state)                                             \
    {                                                                          \
        (void)state;                                                           \
        forked_each_way(run, name##_body);                                     \
        run_assert_checks();                                                   \
    }                                                                          \
    static int name##_body(void *arg __attribute__((unused)))

/* Run body(NULL) by `run` with each. */
void forked_each_way(int (*run)(hem_fn *fn, void *arg), hem_fn *body);

/* Hold children so, or as the library chooses. */
void forked_poll(bool on);

/* How a child that runs fn(arg) ends. It does not outlive the test. */
hem_child_status forked_status(hem_fn *fn, void *arg);

/* Functions for children: return *(int *)arg; never return. */
int forked_return(void *arg);
int forked_linger(void *arg);

/* The exit code of a child that has made checks. */
int forked_verdict(void);

/* Whether this process has a child. */
bool forked_any(void);

/* Make a child that lingers and has the pid that is wanted; -1: that cannot be
 * had. */
pid_t forked_as(pid_t wanted);

/* Run fn(arg) in a process of its own, for what cannot be undone; 0 and
 * nothing on standard error is what it should come to. */
void forked_apart(int (*fn)(void *arg), void *arg);

#endif

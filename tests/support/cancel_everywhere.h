/* SPDX-License-Identifier: MIT */
/*
 * Cancel at every point of suspension.
 *
 * A flow is a task, with all that it spawns, that comes to an end whichever of
 * its tasks is cancelled, and whenever. It is run undisturbed; then again and
 * again, each time with a request to cancel at the next of those moments:
 *
 *   parked   one of its tasks is found suspended, in a wait in which it was
 *            not seen before;
 *   ready    one of its tasks is found about to run: what it waited for has
 *            come, it gave way, or it has not begun yet;
 *
 * until a run has no more of them; then the same with a second request to that
 * task at its next such moment, when it cleans up. All of it first in first
 * out, where no moment is missed that belongs to another task, a callback or a
 * timer of whole milliseconds; and in some seeded orders, where a few are, and
 * others come up. Moments that come from outside (descriptors, threads,
 * children) may be missed.
 *
 * After each run no task, allocation or descriptor may be left, no check may
 * have failed, and the flow's own `end` looks at the rest: locks free, items
 * accounted for. A flow that does not come to its end in 200 ms of virtual
 * time fails the test, and the tasks that hang are named.
 *
 *     struct greet { hem_lock lock; int greeted; };
 *     static void greet_begin(void *state) { ... hem_lock_init ... }
 *     static int greet_body(void *state) { ... }
 *     static void greet_end(void *state, const struct disturbance *d) { ... }
 *
 *     static const struct flow flows[] = { FLOW(greet), ... };
 *     int main(void) { return cancel_everywhere(flows, COUNT_OF(flows)); }
 */
#ifndef SUPPORT_CANCEL_EVERYWHERE_H
#define SUPPORT_CANCEL_EVERYWHERE_H

#include "hem.h"

/* What happened to a run. */
struct disturbance {
    unsigned requests;  /* to cancel; 0: it was undisturbed */
    bool body;          /* they were made to the flow's body itself */
    const char *victim; /* name of the task they were made to; or NULL */
    int rc;             /* how the body ended */
};

struct flow {
    const char *name;
    size_t state_bytes;         /* zeroed before each run */
    void (*begin)(void *state); /* in a task, before the body is spawned */
    hem_fn *body;               /* its argument is the state */
    /* In a task, when all others have ended. */
    void (*end)(void *state, const struct disturbance *d);
};

#define FLOW(name)                                                             \
    {                                                                          \
#name, sizeof(struct name), name##_begin, name##_body, name##_end      \
    }

/* Run a group of tests, one for each flow. Returns what main() is to. */
int cancel_everywhere(const struct flow *flows, size_t n);

#endif

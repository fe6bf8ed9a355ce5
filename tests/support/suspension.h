/* SPDX-License-Identifier: MIT */
/*
 * Tables of suspension points: what a header declares either suspends and is a
 * point of cancellation, or never. A table has a row for each function of its
 * headers, and a small function that calls it:
 *
 *     CASE(hem_event_wait)                  // where it must wait
 *     CASE(at_once_hem_event_wait)          // where it need not
 *     CASE(event)                           // all others, over in a moment
 *
 *     static const struct suspension table[] = {
 *         NEVER(hem_event_set, event),
 *         AT_ONCE(hem_event_wait),
 *     };
 *
 *     int main(void)
 *     {
 *         static const char *const headers[] = {"event"};
 *         return suspension_test(table, COUNT_OF(table), headers,
 *                                COUNT_OF(headers));
 *     }
 *
 * A case returns what its function does: 0 or more, or HEM_ECANCELED where the
 * task has been cancelled before; then it has cleaned up. It is called again
 * and again, so static objects begin anew.
 */
#ifndef SUPPORT_SUSPENSION_H
#define SUPPORT_SUSPENSION_H

#include "hem.h"

/* What a case may use. */
struct fixture {
    bool ran;        /* another task that was ready had its turn */
    hem_task *ended; /* a task that has ended, with 1 */
    hem_task *live;  /* one that sleeps */
};

typedef int suspension_case(struct fixture *f);

struct suspension {
    const char *name;
    suspension_case *call;    /* suspends, or never does */
    suspension_case *at_once; /* does not: its condition holds; or NULL */
    bool suspends;
};

#define CASE(name) static int call_##name(struct fixture *f)

/* Never suspends; it is called in this case. */
#define NEVER(name, in)                                                        \
    {                                                                          \
#name, call_##in, NULL, false                                          \
    }
/* Always suspends. */
#define SUSPENDS(name)                                                         \
    {                                                                          \
#name, call_##name, NULL, true                                         \
    }
/* Suspends, unless a condition holds that the header tells. */
#define AT_ONCE(name)                                                          \
    {                                                                          \
#name, call_##name, call_at_once_##name, true                          \
    }

/*
 * Run the tests of a table; returns what main() is to.
 *
 * Each function is held to its row, first in first out; one that returns at
 * once is no point of cancellation then. The headers are held to the table: it
 * has a row for each function that they declare, and no other; what suspends,
 * and only that, is marked [suspends] and [cancel point]; what returns at once
 * on a condition says "at once".
 */
int suspension_test(const struct suspension *table, size_t n,
                    const char *const *headers, size_t header_count);

#endif

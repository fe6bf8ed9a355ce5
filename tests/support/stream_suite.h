/* SPDX-License-Identifier: MIT */
/*
 * What every kind of stream keeps to. A kind is a function that opens a pair of
 * streams connected with each other; the suite runs over each kind:
 *
 *     static int open_tcp(hem_stream *a, hem_stream *b) { ... }
 *
 *     static const struct stream_kind kinds[] = {{"tcp", open_tcp}};
 *     int main(void) { return stream_suite(kinds, COUNT_OF(kinds)); }
 */
#ifndef SUPPORT_STREAM_SUITE_H
#define SUPPORT_STREAM_SUITE_H

#include "hem.h"

struct stream_kind {
    const char *name;
    /* In a task; other tasks may have to run for it. */
    int (*open)(hem_stream *a, hem_stream *b);
    bool one_way;    /* `a` reads what is written to `b`, and that is all */
    bool no_reset;   /* abort looks like close, or the end is cut off */
    bool goodbye;    /* a close sends something of its own, if it can at once */
    int reset_error; /* what a reader meets after an abort; 0: HEM_ECONNRESET */
};

/* Run the suite over each kind. Returns what main() is to. */
int stream_suite(const struct stream_kind *kinds, size_t n);

#endif

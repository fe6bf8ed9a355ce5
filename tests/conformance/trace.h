/* SPDX-License-Identifier: MIT */
/*
 * The trace of the program that runs: corpus/SPEC.md, section 4. Lines are kept
 * in memory and written at its end.
 */
#ifndef CONFORMANCE_TRACE_H
#define CONFORMANCE_TRACE_H

#include <hem.h>

/* The clock whose time the lines carry. */
void trace_open(const hem_virtual_clock *clock);

/* A line of the current task, or of the loop if there is none. */
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line under that name. */
void trace_as(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Keep the place of the next line, and write it later; a place that is never
 * filled is no line. It must be filled in the same millisecond. */
size_t trace_reserve(void);
void trace_fill(size_t place, const char *name, const char *event);

/* The run is over: write its last line, of the loop, and take no more. */
void trace_close(void);

/* Write all lines to standard output. */
void trace_write(void);

#endif

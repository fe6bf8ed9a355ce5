/* SPDX-License-Identifier: MIT */
/* What happened, in order: words, compared as one line. One thread. */
#ifndef SUPPORT_TRACE_H
#define SUPPORT_TRACE_H

/* Write a word. */
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The words since the last call, separated by spaces, must be `want`. */
#define check_trace(want) trace_check((want), __FILE__, __LINE__)

void trace_check(const char *want, const char *file, int line);

/* Forget all words. */
void trace_clear(void);

#endif

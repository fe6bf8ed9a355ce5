/* SPDX-License-Identifier: MIT */
/*
 * What ends the process that runs a program, and its exit status.
 */
#ifndef CONFORMANCE_PROBLEM_H
#define CONFORMANCE_PROBLEM_H

#include "program.h"

enum exit_status {
    EXIT_PASSED,
    EXIT_FAILED,
    EXIT_BAD,     /* wrong usage, or a bad program */
    EXIT_NOT_YET, /* it executes an operation that hem has nothing for */
    EXIT_LIMIT,   /* it goes on for too long */
};

/* Write FILE:LINE: and the message, and end the process. `line` counts from the
 * beginning of the program. */
_Noreturn void problem_exit(enum exit_status status,
                            const struct source *source, int line,
                            const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a program that is not valid. */
#define problem_bad(source, line, ...)                                         \
    problem_exit(EXIT_BAD, (source), (line), __VA_ARGS__)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Assertions for tasks and threads. cmocka's leave the test by longjmp, which
 * a task must not do: it is on a stack of its own. These print what is wrong
 * and count it; run.h and ledger.h fail the test for it at its end.
 */
#ifndef SUPPORT_CHECK_H
#define SUPPORT_CHECK_H

#include <stdbool.h>

/* `expr` must hold; its value, for `if (!check(...))`. */
#define check(expr) check_that((expr), #expr, __FILE__, __LINE__)

/* Not to be reached. */
#define check_never(what) check_that(false, what, __FILE__, __LINE__)

/* The integer `expr` must be `want`. */
#define check_int(expr, want)                                                  \
    check_equal((long long)(expr), (long long)(want), #expr, __FILE__, __LINE__)

/* The string `expr`, which may be NULL, must be equal to `want`. */
#define check_str(expr, want)                                                  \
    check_string((expr), (want), #expr, __FILE__, __LINE__)

/* The string `expr` must contain `part`. */
#define check_contains(expr, part)                                             \
    check_part((expr), (part), #expr, __FILE__, __LINE__)

bool check_that(bool holds, const char *expr, const char *file, int line);
bool check_equal(long long got, long long want, const char *expr,
                 const char *file, int line);
bool check_string(const char *got, const char *want, const char *expr,
                  const char *file, int line);
bool check_part(const char *got, const char *part, const char *expr,
                const char *file, int line);

/* Return how many checks failed since the last call. */
int check_failures_take(void);

#endif

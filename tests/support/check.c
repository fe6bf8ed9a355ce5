/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdatomic.h>

static atomic_int failures;

__attribute__((format(printf, 3, 4))) static bool
failed(const char *file, int line, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "%s:%d: check failed: %s\n", file, line, text);
    atomic_fetch_add(&failures, 1);
    return false;
}

bool check_that(bool holds, const char *expr, const char *file, int line)
{
    return holds || failed(file, line, "%s", expr);
}

/* An error by its name, for people. */
static const char *name_of(long long value)
{
    return value < 0 && value > -6000 ? hem_errname((int)value) : "";
}

bool check_equal(long long got, long long want, const char *expr,
                 const char *file, int line)
{
    return got == want || failed(file, line, "%s is %lld %s, not %lld %s", expr,
                                 got, name_of(got), want, name_of(want));
}

bool check_string(const char *got, const char *want, const char *expr,
                  const char *file, int line)
{
    if (!got || !want)
        return got == want || failed(file, line, "%s is %s, not %s", expr,
                                     got ? got : "NULL", want ? want : "NULL");
    return strcmp(got, want) == 0 ||
           failed(file, line, "%s is \"%s\", not \"%s\"", expr, got, want);
}

bool check_part(const char *got, const char *part, const char *expr,
                const char *file, int line)
{
    return (got && strstr(got, part)) ||
           failed(file, line, "%s is \"%s\", without \"%s\"", expr,
                  got ? got : "NULL", part);
}

int check_failures_take(void)
{
    return atomic_exchange(&failures, 0);
}

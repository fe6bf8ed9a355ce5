/* SPDX-License-Identifier: MIT */
#include "support.h"

static char line[4096];
static size_t used;

void trace(const char *format, ...)
{
    if (used && used < sizeof(line) - 1)
        line[used++] = ' ';
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + used, sizeof(line) - used, format, args);
    va_end(args);
    used += n > 0 ? (size_t)n : 0;
    if (used >= sizeof(line))
        used = sizeof(line) - 1;
}

void trace_check(const char *want, const char *file, int at)
{
    line[used] = '\0';
    check_string(line, want, "the trace", file, at);
    trace_clear();
}

void trace_clear(void)
{
    used = 0;
    line[0] = '\0';
}

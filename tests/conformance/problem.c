/* SPDX-License-Identifier: MIT */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "trace.h"

void problem_exit(enum exit_status status, const struct source *source,
                  int line, const char *format, ...)
{
    trace_write();
    fflush(stdout);
    fprintf(stderr, "%s:%d: ", source->name, source->first_line + line - 1);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _exit((int)status); /* it may be a task that ends here */
}

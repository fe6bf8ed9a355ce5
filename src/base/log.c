/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES 501
#define TITLE_BYTES    320

static void to_stderr(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (level >= HEM_LOG_WARNING)
        fprintf(stderr, "hem: %s: %s\n", names[level], line);
}

static hem_log_fn *log_fn = to_stderr;
static void *log_arg;

void hem_log_set(hem_log_fn *fn, void *arg)
{
    log_fn = fn ? fn : to_stderr;
    log_arg = arg;
}

void hem_log(hem_log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    log_fn(log_arg, level, line);
}

void hem__abort(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(stderr, "hem: fatal: %s\n", line);
    abort();
}

const char *hem__title(const char *name, const char *file, int line)
{
    static _Thread_local char title[TITLE_BYTES];
    if (line == 0)
        snprintf(title, sizeof(title), "the main task \"%.120s\"", name);
    else
        snprintf(title, sizeof(title), "task \"%.120s\", spawned at %.150s:%d,",
                 name, file, line);
    return title;
}

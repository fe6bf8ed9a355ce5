/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES 501
#define TITLE_BYTES    320

/* A reader of the log that has gone must not be the end of the program: as
 * it would be by SIGPIPE. */
static void print(const char *kind, const char *line)
{
    static const struct timespec at_once;
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (fprintf(stderr, "hem: %s: %s\n", kind, line) < 0)
        (void)sigtimedwait(&pipe, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void to_stderr(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (level >= HEM_LOG_WARNING)
        print(names[level], line);
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
    print("fatal", line);
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

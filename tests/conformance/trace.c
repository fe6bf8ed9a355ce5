/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "arena.h"

static struct {
    const hem_virtual_clock *clock;
    const char **lines;
    size_t count;
    size_t capacity;
    bool closed;
} record;

void trace_open(const hem_virtual_clock *clock)
{
    record.clock = clock;
}

size_t trace_reserve(void)
{
    record.lines = arena_room(record.lines, record.count, &record.capacity,
                              sizeof(*record.lines));
    record.lines[record.count] = NULL;
    return record.count++;
}

void trace_fill(size_t place, const char *name, const char *event)
{
    long long now = record.clock->now / HEM_MSEC;
    if (!record.closed)
        record.lines[place] = arena_format("%lld %s %s", now, name, event);
}

static void add(const char *name, const char *format, va_list args)
{
    char event[4096];
    vsnprintf(event, sizeof(event), format, args);
    trace_fill(trace_reserve(), name, event);
}

void trace(const char *format, ...)
{
    const hem_task *self = hem_self();
    va_list args;
    va_start(args, format);
    add(self ? hem_task_name(self) : "loop", format, args);
    va_end(args);
}

void trace_as(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(name, format, args);
    va_end(args);
}

void trace_close(void)
{
    trace_as("loop", "run_end");
    record.closed = true;
}

void trace_write(void)
{
    for (size_t i = 0; i < record.count; i++) {
        if (record.lines[i])
            puts(record.lines[i]);
    }
    record.count = 0;
}

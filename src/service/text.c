/* SPDX-License-Identifier: MIT */
#include "service/text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

#define FIRST_CAPACITY 4096

/* Room for `size` bytes more, and the NUL. */
static bool reserve(hem__text *t, size_t size)
{
    size_t capacity = t->capacity ? t->capacity : FIRST_CAPACITY;
    while (capacity - t->size <= size)
        capacity *= 2;
    if (capacity == t->capacity)
        return true;
    char *data = hem__realloc(t->data, capacity);
    if (!data)
        return false;
    t->data = data;
    t->capacity = capacity;
    return true;
}

void hem__text_add(hem__text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (t->lost || n < 0 || !reserve(t, (size_t)n)) {
        t->lost = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(t->data + t->size, t->capacity - t->size, format, args);
    va_end(args);
    t->size += (size_t)n;
}

void hem__text_clear(hem__text *t)
{
    hem__free(t->data);
    *t = (hem__text){.lost = false};
}

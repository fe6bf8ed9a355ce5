/* SPDX-License-Identifier: MIT */
/* A text that grows. Where memory lacks it is lost, and says so at the end. */
#ifndef HEM__SERVICE_TEXT_H
#define HEM__SERVICE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct hem__text { /* zero: empty */
    char *data;            /* NUL-terminated; or NULL */
    size_t size;
    size_t capacity;
    bool lost;
} hem__text;

void hem__text_add(hem__text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void hem__text_clear(hem__text *t);

#endif

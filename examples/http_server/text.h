/* SPDX-License-Identifier: MIT */
/*
 * Text written piece by piece into memory of a fixed size. What does not fit
 * is dropped and noted, to be looked at once at the end.
 *
 *     http_text t = {.at = buf, .size = sizeof(buf)};
 *     http_text_print(&t, "%d", 42);
 *     if (t.is_cut) ...
 */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct http_text {
    char *at;    /* the caller's memory */
    size_t size; /* of it */
    size_t used; /* written so far; below `size`: a NUL follows */
    bool is_cut; /* something did not fit */
} http_text;

/* Append as printf does. */
void http_text_print(http_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append `s` with what HTML gives a meaning to written as entities. */
void http_text_put_html(http_text *t, const char *s);

/* Append the path `s` for use in a URL: all bytes but letters, digits and
 * "-._~/" escaped. */
void http_text_put_url(http_text *t, const char *s);

#endif

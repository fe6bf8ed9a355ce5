/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void http_text_print(http_text *t, const char *format, ...)
{
    assert(t->used < t->size);
    va_list args;
    va_start(args, format);
    size_t room = t->size - t->used;
    int n = vsnprintf(t->at + t->used, room, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < room) {
        t->used += (size_t)n;
        return;
    }
    t->at[t->used] = '\0';
    t->is_cut = true;
}

static void put(http_text *t, const char *s, size_t n)
{
    if (n >= t->size - t->used) {
        t->is_cut = true;
        return;
    }
    memcpy(t->at + t->used, s, n);
    t->used += n;
    t->at[t->used] = '\0';
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void http_text_put_html(http_text *t, const char *s)
{
    for (; *s != '\0'; s++) {
        const char *entity = entity_of(*s);
        if (entity != NULL)
            put(t, entity, strlen(entity));
        else
            put(t, s, 1);
    }
}

void http_text_put_url(http_text *t, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        bool is_plain = (c >= '0' && c <= '9') ||
                        ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                        strchr("-._~/", c) != NULL;
        if (is_plain)
            put(t, s, 1);
        else
            put(t, (char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
    }
}

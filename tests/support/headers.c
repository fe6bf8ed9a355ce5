/* SPDX-License-Identifier: MIT */
#include "headers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_header(const char *name)
{
    const char *root = getenv("HEM_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof(path), "%s/include/hem/%s.h", root ? root : "", name);
    FILE *file = root ? fopen(path, "re") : NULL;
    if (!file)
        return NULL;
    const size_t room = 100000;
    char *text = malloc(room);
    if (!text)
        abort();
    text[fread(text, 1, room - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* Whether the last comment before a declaration has the mark. */
static bool is_marked(const char *text, const char *declaration)
{
    const char *comment = text;
    for (const char *p = text; p && p < declaration; p = strstr(p + 1, "/*"))
        comment = p;
    const char *mark = strstr(comment, "[suspends]");
    return mark && mark < declaration;
}

size_t headers_each_function(const char *name,
                             void (*fn)(const char *function, bool suspends))
{
    char *text = read_header(name);
    size_t count = 0;
    for (const char *p = text; p && (p = strstr(p, "\nHEM_API "));) {
        bool suspends = is_marked(text, p);
        const char *end = p = strchr(p, '(');
        while (isalnum((unsigned char)p[-1]) || p[-1] == '_')
            p--;
        char function[100];
        snprintf(function, sizeof(function), "%.*s", (int)(end - p), p);
        if (strncmp(function, "hem__", 5) == 0)
            continue;
        fn(function, suspends);
        count++;
    }
    free(text);
    return count;
}

/* SPDX-License-Identifier: MIT */
#include "headers.h"

#include <ctype.h>
#include <stdbool.h>
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

/* Copy the last comment before a declaration, each run of white space and
 * asterisks as one space. */
static void copy_comment(const char *text, const char *declaration, char *ret,
                         size_t room)
{
    const char *comment = text;
    for (const char *p = text; p && p < declaration; p = strstr(p + 1, "/*"))
        comment = p;
    size_t used = 0;
    for (const char *p = comment; p < declaration && used + 1 < room; p++) {
        bool blank = isspace((unsigned char)*p) || *p == '*' || *p == '/';
        if (!blank)
            ret[used++] = *p;
        else if (used && ret[used - 1] != ' ')
            ret[used++] = ' ';
        if (p > comment && p[0] == '/' && p[-1] == '*')
            break;
    }
    ret[used] = '\0';
}

size_t headers_each_function(const char *name, void (*fn)(const char *function,
                                                          const char *comment))
{
    char *text = read_header(name);
    size_t count = 0;
    for (const char *p = text; p && (p = strstr(p, "\nHEM_API "));) {
        char comment[4096];
        copy_comment(text, p, comment, sizeof(comment));
        const char *end = p = strchr(p, '(');
        while (isalnum((unsigned char)p[-1]) || p[-1] == '_')
            p--;
        char function[100];
        snprintf(function, sizeof(function), "%.*s", (int)(end - p), p);
        if (strncmp(function, "hem__", 5) == 0)
            continue;
        fn(function, comment);
        count++;
    }
    free(text);
    return count;
}

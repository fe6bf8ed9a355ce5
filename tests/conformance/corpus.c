/* SPDX-License-Identifier: MIT */
#include "corpus.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *file_read(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    size_t bytes = 0;
    size_t capacity = (size_t)1 << 16;
    char *text = malloc(capacity);
    while (text) {
        size_t n = fread(text + bytes, 1, capacity - bytes - 1, f);
        bytes += n;
        if (n == 0)
            break;
        if (bytes + 1 < capacity)
            continue;
        char *larger = realloc(text, capacity *= 2);
        if (!larger)
            free(text);
        text = larger;
    }
    if (text && ferror(f)) {
        free(text);
        text = NULL;
    }
    fclose(f);
    if (text)
        text[bytes] = '\0';
    return text;
}

/* A new string, to be freed. */
__attribute__((format(printf, 1, 2))) static char *format(const char *pattern,
                                                          ...)
{
    char *s;
    va_list args;
    va_start(args, pattern);
    int n = vasprintf(&s, pattern, args);
    va_end(args);
    if (n < 0)
        abort();
    return s;
}

static bool unreadable(const char *path)
{
    fprintf(stderr, "hem-trace: %s: %s\n", path, strerror(errno));
    return false;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s);
    size_t m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* The class is in the first line of the trace. */
static enum sample_class class_of(const char *trace)
{
    if (strncmp(trace, "# class fifo", 12) == 0)
        return CLASS_FIFO;
    if (strncmp(trace, "# class exact", 13) == 0)
        return CLASS_EXACT;
    return CLASS_ANY;
}

/* Whether a line of the program says `order strict`. */
static bool is_strict(const char *text)
{
    while (*text) {
        const char *at = text + strspn(text, " \t");
        if (strncmp(at, "order", 5) == 0 && (at[5] == ' ' || at[5] == '\t'))
            return true;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return false;
}

static void give(sample_fn *fn, void *arg, struct sample s)
{
    s.strict = is_strict(s.source.text);
    if (s.trace)
        s.order_class = class_of(s.trace);
    fn(arg, &s);
}

static bool each_in_program(const char *path, sample_fn *fn, void *arg)
{
    char *text = file_read(path);
    if (!text)
        return unreadable(path);
    size_t stem = strlen(path) - strlen(".prog");
    char *trace_path = format("%.*s.trace", (int)stem, path);
    char *trace = file_read(trace_path);
    give(fn, arg,
         (struct sample){
             .name = path, .source = {path, text, 1}, .trace = trace});
    free(trace_path);
    free(trace);
    free(text);
    return true;
}

/*
 * A pack is read line by line. Names, programs and traces stay in place, each
 * terminated where the next begins.
 */
struct pack {
    const char *path;
    const char *only; /* the entry that is wanted, NULL: all */
    bool found;       /* one was given */
    char *at;         /* the next line */
    int line;         /* its number */
};

/* Go on to the line that begins with `stop`. Returns what is before it. */
static char *take_until(struct pack *p, const char *stop)
{
    char *begin = p->at;
    while (*p->at && strncmp(p->at, stop, strlen(stop)) != 0) {
        p->at += strcspn(p->at, "\n");
        p->at += *p->at == '\n';
        p->line++;
    }
    return begin;
}

/* Cut the next line off what is before it and behind it. */
static char *take_line(struct pack *p)
{
    char *line = p->at;
    p->at += strcspn(p->at, "\n");
    if (*p->at)
        *p->at++ = '\0';
    p->line++;
    return line;
}

/* An entry whose first line is next. Returns false if it is cut short. */
static bool each_entry(struct pack *p, sample_fn *fn, void *arg)
{
    const char *name = take_line(p) + strlen("=== ");
    struct sample s = {.source = {p->path, NULL, p->line}};
    s.source.text = take_until(p, "--- trace");
    if (!*p->at) {
        fprintf(stderr, "hem-trace: %s:%d: no trace\n", p->path, p->line);
        return false;
    }
    *take_line(p) = '\0';
    s.trace = take_until(p, "=== ");
    char next = *p->at;
    *p->at = '\0';
    if (!p->only || strcmp(p->only, name) == 0) {
        char *full_name = format("%s:%s", p->path, name);
        s.name = full_name;
        p->found = true;
        give(fn, arg, s);
        free(full_name);
    }
    *p->at = next;
    return true;
}

static bool each_in_pack(const char *path, const char *only, sample_fn *fn,
                         void *arg)
{
    char *text = file_read(path);
    if (!text)
        return unreadable(path);
    struct pack p = {.path = path, .only = only, .at = text, .line = 1};
    (void)take_until(&p, "=== ");
    bool good = true;
    while (good && *p.at)
        good = each_entry(&p, fn, arg);
    if (good && only && !p.found) {
        fprintf(stderr, "hem-trace: %s: no program %s\n", path, only);
        good = false;
    }
    free(text);
    return good;
}

/* PACK:NAME, one entry of a pack. */
static bool one_in_pack(const char *path, const char *colon, sample_fn *fn,
                        void *arg)
{
    char *pack = format("%.*s", (int)(colon - path), path);
    bool good = each_in_pack(pack, colon + 1, fn, arg);
    free(pack);
    return good;
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static bool each_in_folder(const char *path, sample_fn *fn, void *arg)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0)
        return unreadable(path);
    bool good = true;
    for (int i = 0; i < count; i++) {
        char *inner = format("%s/%s", path, entries[i]->d_name);
        struct stat st;
        if (stat(inner, &st) < 0)
            good = unreadable(inner);
        else if (S_ISDIR(st.st_mode) || ends_with(inner, ".prog") ||
                 ends_with(inner, ".pack"))
            good &= corpus_each(inner, fn, arg);
        free(inner);
        free(entries[i]);
    }
    free(entries);
    return good;
}

bool corpus_each(const char *path, sample_fn *fn, void *arg)
{
    const char *entry = strstr(path, ".pack:");
    if (entry)
        return one_in_pack(path, entry + strlen(".pack"), fn, arg);
    struct stat st;
    if (stat(path, &st) < 0)
        return unreadable(path);
    if (S_ISDIR(st.st_mode))
        return each_in_folder(path, fn, arg);
    if (ends_with(path, ".pack"))
        return each_in_pack(path, NULL, fn, arg);
    if (ends_with(path, ".prog"))
        return each_in_program(path, fn, arg);
    fprintf(stderr, "hem-trace: %s: neither .prog nor .pack\n", path);
    return false;
}

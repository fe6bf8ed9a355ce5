/* SPDX-License-Identifier: MIT */
#include "differences.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
    struct entry *next;
    char *program;
    char *trace;
};

static struct entry *entries;

static char *copy(const char *s)
{
    char *p = strdup(s);
    if (!p)
        abort();
    return p;
}

static void add(void *arg, const struct sample *s)
{
    (void)arg;
    struct entry *e = malloc(sizeof(*e));
    if (!e)
        abort();
    *e = (struct entry){entries, copy(s->source.text), copy(s->trace)};
    entries = e;
}

bool differences_read(const char *path)
{
    return access(path, F_OK) < 0 || corpus_each(path, add, NULL);
}

const char *differences_find(const struct sample *s)
{
    const struct entry *e = entries;
    while (e && strcmp(e->program, s->source.text) != 0)
        e = e->next;
    return e ? e->trace : NULL;
}

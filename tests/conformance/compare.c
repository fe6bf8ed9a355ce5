/* SPDX-License-Identifier: MIT */
/*
 * Unless the order is strict, both traces are sorted by task, each task's lines
 * staying in their order but for those of the loop, which are sorted by time
 * and text. Then they are walked side by side, task by task, and of the first
 * differences of all tasks the earliest is told.
 */
#include "compare.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct line {
    char *text;
    char *task;    /* in `text`, not terminated */
    size_t length; /* of the task's name */
    long time;
    size_t index; /* in the trace */
};

struct lines {
    char *copy; /* of the trace, cut up */
    struct line *v;
    size_t count;
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static struct line parse_line(char *text, size_t index)
{
    struct line l = {.text = text, .index = index};
    l.time = strtol(text, &l.task, 10);
    l.task += strspn(l.task, " ");
    l.length = strcspn(l.task, " ");
    return l;
}

static struct lines split(const char *trace)
{
    struct lines ls = {.copy = must(strdup(trace))};
    size_t capacity = 0;
    char *rest = ls.copy;
    for (char *text; (text = strsep(&rest, "\n"));) {
        if (!*text || *text == '#')
            continue;
        if (ls.count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            ls.v = must(realloc(ls.v, capacity * sizeof(*ls.v)));
        }
        ls.v[ls.count] = parse_line(text, ls.count);
        ls.count++;
    }
    return ls;
}

static void release(struct lines *ls)
{
    free(ls->v);
    free(ls->copy);
}

static int compare_tasks(const struct line *a, const struct line *b)
{
    size_t n = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->task, b->task, n);
    if (order)
        return order;
    return (a->length > b->length) - (a->length < b->length);
}

static int compare_lines(const void *p, const void *q)
{
    const struct line *a = p;
    const struct line *b = q;
    int order = compare_tasks(a, b);
    if (order)
        return order;
    if (a->length == 4 && memcmp(a->task, "loop", 4) == 0) {
        if (a->time != b->time)
            return a->time < b->time ? -1 : 1;
        order = strcmp(a->text, b->text);
        if (order)
            return order;
    }
    return (a->index > b->index) - (a->index < b->index);
}

static void sort(struct lines *ls)
{
    if (ls->count)
        qsort(ls->v, ls->count, sizeof(*ls->v), compare_lines);
}

/* The two lines of the earliest difference so far. */
struct earliest {
    const struct line *expected;
    const struct line *got;
    long time;
};

static void note(struct earliest *e, const struct line *expected,
                 const struct line *got)
{
    long time = LONG_MAX;
    if (expected)
        time = expected->time;
    if (got && got->time < time)
        time = got->time;
    if (!e->expected && !e->got)
        e->time = LONG_MAX;
    if (time < e->time || (!e->expected && !e->got))
        *e = (struct earliest){expected, got, time};
}

/* The end of the lines from `i` on that are of the same task. */
static size_t group_end(const struct lines *ls, size_t i)
{
    size_t end = i;
    while (end < ls->count && compare_tasks(&ls->v[i], &ls->v[end]) == 0)
        end++;
    return end;
}

/* Compare the lines [i, i_end) and [j, j_end). */
static void compare_group(const struct lines *a, size_t i, size_t i_end,
                          const struct lines *b, size_t j, size_t j_end,
                          struct earliest *e)
{
    while (i < i_end && j < j_end) {
        if (strcmp(a->v[i].text, b->v[j].text) != 0)
            break;
        i++, j++;
    }
    if (i < i_end || j < j_end)
        note(e, i < i_end ? &a->v[i] : NULL, j < j_end ? &b->v[j] : NULL);
}

static void compare_by_task(const struct lines *a, const struct lines *b,
                            struct earliest *e)
{
    size_t i = 0;
    size_t j = 0;
    while (i < a->count || j < b->count) {
        int order = i == a->count   ? 1
                    : j == b->count ? -1
                                    : compare_tasks(&a->v[i], &b->v[j]);
        size_t i_end = order <= 0 ? group_end(a, i) : i;
        size_t j_end = order >= 0 ? group_end(b, j) : j;
        compare_group(a, i, i_end, b, j, j_end, e);
        i = i_end;
        j = j_end;
    }
}

bool traces_equal(const char *expected, const char *got, bool strict,
                  struct difference *ret)
{
    struct lines a = split(expected);
    struct lines b = split(got);
    struct earliest e = {0};
    if (strict) {
        compare_group(&a, 0, a.count, &b, 0, b.count, &e);
    } else {
        sort(&a);
        sort(&b);
        compare_by_task(&a, &b, &e);
    }
    bool equal = !e.expected && !e.got;
    ret->expected = e.expected ? must(strdup(e.expected->text)) : NULL;
    ret->got = e.got ? must(strdup(e.got->text)) : NULL;
    release(&a);
    release(&b);
    return equal;
}

void difference_free(struct difference *d)
{
    free(d->expected);
    free(d->got);
    *d = (struct difference){0};
}

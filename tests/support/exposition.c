/* SPDX-License-Identifier: MIT */
#include "exposition.h"

#include "support.h"

#include <ctype.h>
#include <math.h>

#define FAMILIES 128
#define SERIES   1024

struct reader {
    const char *line; /* the current one, copied */
    char family[128]; /* the current one */
    bool typed, helped, sampled;
    bool counter;
    char families[FAMILIES][128]; /* all so far */
    size_t family_count;
    char *series[SERIES]; /* all so far */
    size_t series_count;
};

/* ---- pieces of a line: each moves `*p` behind what it has read ---- */

static bool eat(const char **p, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(*p, text, n) != 0)
        return false;
    *p += n;
    return true;
}

static bool eat_name(const char **p, char *ret, bool colons)
{
    size_t n = 0;
    if (isdigit((unsigned char)**p))
        return false;
    while (isalnum((unsigned char)**p) || **p == '_' || (colons && **p == ':'))
        if (n < 127)
            ret[n++] = *(*p)++;
        else
            return false;
    ret[n] = '\0';
    return n > 0;
}

/* The value of a label, in quotes. */
static bool eat_string(const char **p)
{
    if (!eat(p, "\""))
        return false;
    for (; **p && **p != '"'; (*p)++) {
        if (**p == '\\' && !strchr("\\n\"", *++*p))
            return false;
        if (**p == '\0')
            return false;
    }
    return eat(p, "\"");
}

static bool eat_labels(const char **p)
{
    char name[128];
    if (!eat(p, "{"))
        return true;
    do {
        if (!eat_name(p, name, false) || !eat(p, "=") || !eat_string(p))
            return false;
    } while (eat(p, ","));
    return eat(p, "}");
}

static bool eat_number(const char **p, double *ret)
{
    char *end;
    if (**p == ' ' || **p == '\t')
        return false;
    *ret = strtod(*p, &end);
    bool any = end != *p;
    *p = end;
    return any;
}

/* ---- lines ---- */

/* Begin the family, or go on with it. */
static bool enter_family(struct reader *r, const char *name)
{
    if (strcmp(r->family, name) == 0)
        return true;
    for (size_t i = 0; i < r->family_count; i++) {
        if (strcmp(r->families[i], name) == 0)
            return false; /* it was left before */
    }
    if (r->family_count == FAMILIES)
        return false;
    strcpy(r->families[r->family_count++], name);
    strcpy(r->family, name);
    r->typed = r->helped = r->sampled = false;
    return true;
}

static bool read_type(struct reader *r, const char *p)
{
    char name[128];
    if (!eat_name(&p, name, true) || !eat(&p, " ") || !enter_family(r, name) ||
        r->typed || r->sampled)
        return false;
    r->typed = true;
    r->counter = strcmp(p, "counter") == 0;
    return r->counter || strcmp(p, "gauge") == 0;
}

static bool read_help(struct reader *r, const char *p)
{
    char name[128];
    if (!eat_name(&p, name, true) || !eat(&p, " ") || !enter_family(r, name) ||
        r->helped || r->sampled)
        return false;
    r->helped = true;
    for (; *p; p++) {
        if (*p == '\\' && !strchr("\\n", *++p))
            return false;
        if (*p == '\0')
            return false;
    }
    return true;
}

static bool is_new_series(struct reader *r, const char *line, size_t n)
{
    for (size_t i = 0; i < r->series_count; i++) {
        if (strlen(r->series[i]) == n && memcmp(r->series[i], line, n) == 0)
            return false;
    }
    if (r->series_count == SERIES)
        return false;
    r->series[r->series_count++] = strndup(line, n);
    return true;
}

static bool read_sample(struct reader *r, const char *line)
{
    const char *p = line;
    char name[128];
    double value;
    if (!eat_name(&p, name, true) || !eat_labels(&p) ||
        !enter_family(r, name) || !r->typed ||
        !is_new_series(r, line, (size_t)(p - line)))
        return false;
    r->sampled = true;
    return eat(&p, " ") && eat_number(&p, &value) && *p == '\0' &&
           !(r->counter && value < 0);
}

static bool read_line(struct reader *r, const char *line)
{
    const char *p = line;
    if (eat(&p, "# TYPE "))
        return read_type(r, p);
    if (eat(&p, "# HELP "))
        return read_help(r, p);
    return read_sample(r, line);
}

const char *exposition_wrong(const char *text)
{
    static char line[1024];
    struct reader r = {.family_count = 0};
    bool right = true;
    while (right && *text) {
        const char *end = strchr(text, '\n'); /* the last line has it, too */
        size_t n = end ? (size_t)(end - text) : strlen(text);
        snprintf(line, sizeof(line), "%.*s", (int)n, text);
        right = end && n < sizeof(line) && read_line(&r, line);
        text += n + 1;
    }
    for (size_t i = 0; i < r.series_count; i++)
        free(r.series[i]);
    return right ? NULL : line;
}

double exposition_value(const char *text, const char *series)
{
    size_t n = strlen(series);
    for (const char *p = text; p; p = strchr(p, '\n')) {
        p += *p == '\n';
        if (strncmp(p, series, n) == 0 && p[n] == ' ')
            return strtod(p + n, NULL);
    }
    return NAN;
}

/* SPDX-License-Identifier: MIT */
/* Declarations of objects: corpus/SPEC.md, section 1.1. */
#include <string.h>

#include "arena.h"
#include "problem.h"

#define CACHE_SIZE_DEFAULT 128

static const char *const kinds[] = {
    [OBJECT_LOCK] = "lock",           [OBJECT_EVENT] = "event",
    [OBJECT_SEMAPHORE] = "semaphore", [OBJECT_BOUNDED] = "bounded",
    [OBJECT_CONDITION] = "condition", [OBJECT_BARRIER] = "barrier",
    [OBJECT_QUEUE] = "queue",         [OBJECT_CELL] = "cell",
    [OBJECT_CTXVAR] = "ctxvar",       [OBJECT_CACHE] = "cache",
};

/* The tokens of a declaration that were not looked at yet. */
struct rest {
    const struct source *source;
    int line;
    const char **tokens;
    size_t count;
};

static bool kind_of(const char *word, enum object_kind *ret)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i], word) == 0) {
            *ret = (enum object_kind)i;
            return true;
        }
    }
    return false;
}

bool object_is_kind(const char *word)
{
    enum object_kind kind;
    return kind_of(word, &kind);
}

static const char *take(struct rest *r, const char *what)
{
    if (r->count == 0)
        problem_bad(r->source, r->line, "%s expected", what);
    r->count--;
    return *r->tokens++;
}

static int take_number(struct rest *r, bool sign)
{
    const char *word = take(r, "number");
    int n;
    if (!word_is_number(word, sign, &n))
        problem_bad(r->source, r->line, "number expected, not %s", word);
    return n;
}

/* The value of a token KEY=VALUE, NULL: it is another key. */
static const char *value_of(const char *token, const char *key)
{
    size_t n = strlen(key);
    return strncmp(token, key, n) == 0 && token[n] == '=' ? token + n + 1
                                                          : NULL;
}

static void parse_queue(struct object *o, struct rest *r)
{
    const char *order = take(r, "fifo, lifo or priority");
    if (strcmp(order, "fifo") == 0)
        o->order = QUEUE_FIFO;
    else if (strcmp(order, "lifo") == 0)
        o->order = QUEUE_LIFO;
    else if (strcmp(order, "priority") == 0)
        o->order = QUEUE_PRIORITY;
    else
        problem_bad(r->source, r->line, "%s: no order of a queue", order);
    if (r->count > 0)
        o->n = take_number(r, false);
}

/* N, or `none`: -1. */
static int limit_of(const struct rest *r, const char *word)
{
    int n;
    if (strcmp(word, "none") == 0)
        return -1;
    if (!word_is_number(word, false, &n))
        problem_bad(r->source, r->line, "number or none expected, not %s",
                    word);
    return n;
}

static void parse_cache(struct object *o, struct rest *r)
{
    o->of = take(r, "function");
    o->n = CACHE_SIZE_DEFAULT;
    o->expire = -1;
    while (r->count > 0) {
        const char *token = take(r, "option");
        const char *size = value_of(token, "maxsize");
        const char *expire = value_of(token, "expire");
        if (size)
            o->n = limit_of(r, size);
        else if (expire)
            o->expire = limit_of(r, expire);
        else
            problem_bad(r->source, r->line, "%s: no option of a cache", token);
    }
}

static void parse_condition(struct object *o, struct rest *r)
{
    if (r->count == 0)
        return;
    const char *token = take(r, "lock");
    o->of = value_of(token, "lock");
    if (!o->of)
        problem_bad(r->source, r->line, "lock=L expected, not %s", token);
}

static void parse_rest(struct object *o, struct rest *r)
{
    switch (o->kind) {
    case OBJECT_LOCK:
    case OBJECT_EVENT:
        break;
    case OBJECT_SEMAPHORE:
    case OBJECT_BOUNDED:
    case OBJECT_BARRIER:
        o->n = take_number(r, false);
        break;
    case OBJECT_CELL:
        o->n = take_number(r, true);
        break;
    case OBJECT_CTXVAR:
        o->has_default = r->count > 0;
        if (o->has_default)
            o->n = take_number(r, true);
        break;
    case OBJECT_CONDITION:
        parse_condition(o, r);
        break;
    case OBJECT_QUEUE:
        parse_queue(o, r);
        break;
    case OBJECT_CACHE:
        parse_cache(o, r);
        break;
    }
}

struct object *object_parse(const struct source *source, int line,
                            const char **tokens, size_t count)
{
    struct rest r = {source, line, tokens, count};
    struct object *o = arena_alloc(sizeof(*o));
    (void)kind_of(take(&r, "kind"), &o->kind);
    o->line = line;
    o->name = take(&r, "name");
    if (!word_is_name(o->name))
        problem_bad(source, line, "name expected, not %s", o->name);
    parse_rest(o, &r);
    if (r.count > 0)
        problem_bad(source, line, "unexpected %s", r.tokens[0]);
    return o;
}

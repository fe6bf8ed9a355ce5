/* SPDX-License-Identifier: MIT */
/* From text to program: corpus/SPEC.md, section 1. */
#include <string.h>

#include "arena.h"
#include "problem.h"
#include "statement.h"

#define TOKENS_MAX 256

struct line {
    int number;
    const char **tokens;
    size_t count;
};

struct parser {
    const struct source *source;
    struct program *program;
    struct line *lines;
    size_t count;
    size_t capacity;
    size_t at; /* the next line */
};

static size_t split(struct parser *p, const char *text, size_t length,
                    const char **tokens)
{
    size_t count = 0;
    size_t i = 0;
    for (;;) {
        while (i < length && (text[i] == ' ' || text[i] == '\t'))
            i++;
        if (i == length || text[i] == '#')
            return count;
        size_t begin = i;
        while (i < length && text[i] != ' ' && text[i] != '\t')
            i++;
        if (count == TOKENS_MAX)
            problem_bad(p->source, (int)p->count, "line too long");
        tokens[count++] = arena_copy(text + begin, i - begin);
    }
}

static void split_lines(struct parser *p)
{
    int number = 0;
    for (const char *text = p->source->text; *text;) {
        size_t length = strcspn(text, "\n");
        const char *tokens[TOKENS_MAX];
        size_t count = split(p, text, length, tokens);
        number++;
        if (count > 0) {
            p->lines =
                arena_room(p->lines, p->count, &p->capacity, sizeof(*p->lines));
            const char **kept = arena_alloc(count * sizeof(*kept));
            memcpy(kept, tokens, count * sizeof(*kept));
            p->lines[p->count++] = (struct line){number, kept, count};
        }
        text += length + (text[length] == '\n');
    }
}

static bool is(const struct line *l, const char *word)
{
    return strcmp(l->tokens[0], word) == 0;
}

/* The next line, which must be there: within `first`'s block. */
static const struct line *need_line(struct parser *p, int first)
{
    if (p->at == p->count)
        problem_bad(p->source, first, "this block has no end");
    return &p->lines[p->at];
}

static struct node *parse_body(struct parser *p, int first);

/* The rest of a line as one statement. */
static struct node *parse_statement(struct parser *p, int line,
                                    const char **tokens, size_t count)
{
    struct node *n = arena_alloc(sizeof(*n));
    n->line = line;
    n->statement = statement_find(tokens[0]);
    if (!n->statement)
        problem_bad(p->source, line, "unknown statement %s", tokens[0]);
    if (n->statement->flags & ST_TAKES_ACTION) {
        size_t own = strlen(n->statement->operands);
        if (count < own + 2)
            problem_bad(p->source, line, "%s: action missing", tokens[0]);
        n->body = parse_statement(p, line, tokens + 1 + own, count - 1 - own);
        if (!(n->body->statement->flags & ST_ACTION))
            problem_bad(p->source, line, "%s is no action",
                        n->body->statement->name);
        count = 1 + own;
    }
    operands_parse(p->source, n, tokens + 1, count - 1);
    return n;
}

static struct handler *parse_handler(struct parser *p, const struct line *l)
{
    struct handler *h = arena_alloc(sizeof(*h));
    const char *kind = l->count > 1 ? l->tokens[1] : "";
    const char *code = l->count > 2 ? l->tokens[2] : NULL;
    bool is_error = strcmp(kind, "error") == 0;
    if (l->count > 3 || (code && !is_error))
        problem_bad(p->source, l->number, "bad handler");
    if (is_error && code && strcmp(code, "any") != 0) {
        h->catches = CATCH_CODE;
        if (!word_is_number(code, false, &h->code))
            problem_bad(p->source, l->number, "%s: bad handler", code);
    } else if (is_error) {
        h->catches = CATCH_ERROR;
    } else if (strcmp(kind, "any") == 0) {
        h->catches = CATCH_ANY;
    } else if (strcmp(kind, "all") == 0) {
        h->catches = CATCH_ALL;
    } else if (!outcome_kind_of(kind, &h->kind)) {
        problem_bad(p->source, l->number, "%s: bad handler", kind);
    }
    return h;
}

static void parse_try(struct parser *p, struct node *n)
{
    struct handler **last = &n->handlers;
    n->body = parse_body(p, n->line);
    while (is(need_line(p, n->line), "on")) {
        const struct line *l = &p->lines[p->at++];
        struct handler *h = parse_handler(p, l);
        h->body = parse_body(p, l->number);
        *last = h;
        last = &h->next;
    }
    if (is(need_line(p, n->line), "finally")) {
        int line = p->lines[p->at++].number;
        n->has_final = true;
        n->final = parse_body(p, line);
    }
    if (!n->handlers && !n->has_final)
        problem_bad(p->source, n->line, "try without a handler");
}

static void parse_end(struct parser *p, int first)
{
    const struct line *l = need_line(p, first);
    if (!is(l, "end") || l->count > 1)
        problem_bad(p->source, l->number, "unexpected %s", l->tokens[0]);
    p->at++;
}

/* Statements up to the line that ends the body, which is left to the caller. */
static struct node *parse_body(struct parser *p, int first)
{
    struct node *body = NULL;
    struct node **last = &body;
    for (;;) {
        const struct line *l = need_line(p, first);
        if (is(l, "end") || is(l, "on") || is(l, "finally"))
            return body;
        p->at++;
        struct node *n = parse_statement(p, l->number, l->tokens, l->count);
        if (is(l, "try"))
            parse_try(p, n);
        else if (n->statement->flags & ST_BLOCK)
            n->body = parse_body(p, n->line);
        if (n->statement->flags & ST_BLOCK)
            parse_end(p, n->line);
        *last = n;
        last = &n->next;
    }
}

static void parse_fn(struct parser *p, const struct line *l)
{
    struct fn *f = arena_alloc(sizeof(*f));
    const char *variant = l->count > 2 ? l->tokens[2] : NULL;
    if (l->count < 2 || l->count > 3 || !word_is_name(l->tokens[1]))
        problem_bad(p->source, l->number, "%s NAME expected", l->tokens[0]);
    f->name = l->tokens[1];
    if (is(l, "gen"))
        f->kind = FN_GEN;
    if (variant && is(l, "fn") && strcmp(variant, "adefer") == 0)
        f->kind = FN_ADEFER;
    else if (variant && is(l, "fn") && strcmp(variant, "sdefer") == 0)
        f->kind = FN_SDEFER;
    else if (variant)
        problem_bad(p->source, l->number, "unexpected %s", variant);
    if (program_fn(p->program, f->name))
        problem_bad(p->source, l->number, "%s is defined twice", f->name);
    f->body = parse_body(p, l->number);
    parse_end(p, l->number);
    f->next = p->program->fns;
    p->program->fns = f;
}

static void parse_object(struct parser *p, const struct line *l)
{
    struct object *o = object_parse(p->source, l->number, l->tokens, l->count);
    if (program_object(p->program, o->name))
        problem_bad(p->source, l->number, "%s is declared twice", o->name);
    o->next = p->program->objects;
    p->program->objects = o;
}

static void parse_declaration(struct parser *p, const struct line *l)
{
    if (is(l, "order")) {
        if (l->count != 2 || strcmp(l->tokens[1], "strict") != 0)
            problem_bad(p->source, l->number, "order strict expected");
        p->program->strict = true;
    } else if (is(l, "fn") || is(l, "gen")) {
        parse_fn(p, l);
    } else if (object_is_kind(l->tokens[0])) {
        parse_object(p, l);
    } else {
        problem_bad(p->source, l->number, "unknown declaration %s",
                    l->tokens[0]);
    }
}

struct program *program_parse(const struct source *source)
{
    struct parser p = {.source = source,
                       .program = arena_alloc(sizeof(*p.program))};
    p.program->source = source;
    split_lines(&p);
    while (p.at < p.count) {
        const struct line *l = &p.lines[p.at++];
        parse_declaration(&p, l);
    }
    p.program->main = program_fn(p.program, "main");
    if (!p.program->main || p.program->main->kind > FN_ADEFER)
        problem_bad(source, 1, "there is no fn main");
    program_validate(p.program);
    return p.program;
}

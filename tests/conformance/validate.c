/* SPDX-License-Identifier: MIT */
/* Names of functions and objects, and what may stand where. */
#include <string.h>

#include "problem.h"
#include "statement.h"

struct walk {
    const struct program *program;
    const struct fn *fn;
    bool in_loop;
    bool in_handler;
};

struct fn *program_fn(const struct program *p, const char *name)
{
    struct fn *f = p->fns;
    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

struct object *program_object(const struct program *p, const char *name)
{
    struct object *o = p->objects;
    while (o && strcmp(o->name, name) != 0)
        o = o->next;
    return o;
}

static struct fn *need_fn(const struct program *p, int line, const char *name,
                          unsigned kinds)
{
    struct fn *f = program_fn(p, name);
    if (!f || !(kinds & (1U << f->kind)))
        problem_bad(p->source, line, "there is no such function: %s", name);
    return f;
}

static struct object *need_object(const struct program *p, int line,
                                  const char *name, unsigned kinds)
{
    struct object *o = program_object(p, name);
    if (!o || !(kinds & (1U << o->kind)))
        problem_bad(p->source, line, "there is no such object: %s", name);
    return o;
}

static void resolve(const struct walk *w, const struct node *n, char letter,
                    struct operand *o)
{
    const struct program *p = w->program;
    const unsigned tasks = 1U << FN_PLAIN | 1U << FN_ADEFER;
    switch (letter) {
    case 'F':
        o->fn = need_fn(p, n->line, o->word, tasks);
        break;
    case 'S':
        o->fn = need_fn(p, n->line, o->word, tasks | 1U << FN_SDEFER);
        break;
    case 'G':
        o->fn = need_fn(p, n->line, o->word, 1U << FN_GEN);
        break;
    case 'X':
        if (o->choice)
            o->fn = need_fn(p, n->line, o->word, tasks);
        break;
    case 'O':
        o->object = need_object(p, n->line, o->word, n->statement->objects);
        break;
    case 'C':
        o->object = need_object(p, n->line, o->word, 1U << OBJECT_CELL);
        break;
    default:
        break;
    }
}

static void resolve_operands(const struct walk *w, struct node *n)
{
    const char *l = n->statement->operands;
    for (size_t i = 0; i < n->count; i++) {
        resolve(w, n, *l, &n->operands[i]);
        if (l[1] == '?')
            l += 2;
        else if (l[1] != '*' && l[1] != '+')
            l++;
    }
}

static void check_place(const struct walk *w, const struct node *n)
{
    const struct source *source = w->program->source;
    const struct statement *s = n->statement;
    unsigned f = s->flags;
    if ((f & ST_IN_LOOP) && !w->in_loop)
        problem_bad(source, n->line, "%s outside of a loop", s->name);
    if ((f & ST_IN_HANDLER) && !w->in_handler)
        problem_bad(source, n->line, "%s outside of a handler", s->name);
    if ((f & ST_IN_GEN) && w->fn->kind != FN_GEN)
        problem_bad(source, n->line, "%s outside of a gen", s->name);
    if ((f & ST_IN_DEFER) && w->fn->kind != FN_ADEFER &&
        w->fn->kind != FN_SDEFER)
        problem_bad(source, n->line, "%s outside of adefer", s->name);
    if ((f & ST_IN_ADEFER) && w->fn->kind != FN_ADEFER)
        problem_bad(source, n->line, "%s outside of adefer", s->name);
    if (w->fn->kind == FN_SDEFER && !(f & ST_SYNC))
        problem_bad(source, n->line, "%s in an sdefer function", s->name);
    if (w->fn->kind == FN_GEN && strcmp(s->name, "return") == 0 && n->count)
        problem_bad(source, n->line, "a gen returns no value");
}

#define BIT(option) (1U << OPTION_##option)

/* Options that each kind of scope has. */
static const unsigned scope_options[] = {
    [SCOPE_TASKSCOPE] = BIT(SHIELD) | BIT(TIMEOUT) | BIT(HANDLER) | BIT(CTX),
    [SCOPE_SUPERVISOR] = BIT(CTX),
    [SCOPE_TASKGROUP] = 0,
    [SCOPE_PTASKGROUP] = BIT(HANDLER),
    [SCOPE_SHIELDSCOPE] = BIT(TIMEOUT),
    [SCOPE_SHIELDBLOCK] = BIT(TIMEOUT),
    [SCOPE_TASKCONTEXT] = BIT(HANDLER) | BIT(CTX),
};

static void check_scope(const struct walk *w, const struct node *n)
{
    static const char handlers[] = " default ignore log fail ";
    const struct source *source = w->program->source;
    int kind = n->operands[1].choice;
    for (int o = 0; o < OPTION_COUNT; o++) {
        if (n->options[o] && !(scope_options[kind] & (1U << o)))
            problem_bad(source, n->line, "%s has no such option",
                        n->operands[1].word);
    }
    const char *handler = n->options[OPTION_HANDLER];
    const char *at = handler ? strstr(handlers, handler) : NULL;
    if (handler && (!at || at[-1] != ' ' || at[strlen(handler)] != ' '))
        problem_bad(source, n->line, "unknown handler %s", handler);
    if (strcmp(n->statement->name, "open") == 0 && kind != SCOPE_PTASKGROUP &&
        kind != SCOPE_TASKCONTEXT)
        problem_bad(source, n->line, "%s cannot be opened without a block",
                    n->operands[1].word);
}

static void walk(struct walk w, struct node *n)
{
    for (; n; n = n->next) {
        const char *name = n->statement->name;
        struct walk in = w;
        check_place(&w, n);
        resolve_operands(&w, n);
        if (strcmp(name, "scope") == 0 || strcmp(name, "open") == 0)
            check_scope(&w, n);
        if (n->statement->flags & ST_LOOP)
            in.in_loop = true;
        walk(in, n->body);
        in.in_handler = true;
        for (struct handler *h = n->handlers; h; h = h->next)
            walk(in, h->body);
        walk(w, n->final);
    }
}

void program_validate(struct program *p)
{
    for (struct fn *f = p->fns; f; f = f->next)
        walk((struct walk){.program = p, .fn = f}, f->body);
    for (struct object *o = p->objects; o; o = o->next) {
        const unsigned tasks = 1U << FN_PLAIN | 1U << FN_ADEFER;
        if (o->kind == OBJECT_CONDITION && o->of)
            o->lock = need_object(p, o->line, o->of, 1U << OBJECT_LOCK);
        if (o->kind == OBJECT_CACHE)
            o->fn = need_fn(p, o->line, o->of, tasks);
    }
}

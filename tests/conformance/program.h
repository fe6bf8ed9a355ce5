/* SPDX-License-Identifier: MIT */
/*
 * A program of the .prog language, parsed: corpus/SPEC.md, section 1. All of
 * it is in the arena.
 */
#ifndef CONFORMANCE_PROGRAM_H
#define CONFORMANCE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "outcome.h"

enum object_kind {
    OBJECT_LOCK,
    OBJECT_EVENT,
    OBJECT_SEMAPHORE,
    OBJECT_BOUNDED,
    OBJECT_CONDITION,
    OBJECT_BARRIER,
    OBJECT_QUEUE,
    OBJECT_CELL,
    OBJECT_CTXVAR,
    OBJECT_CACHE,
};

enum queue_order { QUEUE_FIFO, QUEUE_LIFO, QUEUE_PRIORITY };

enum wait_mode { WAIT_FIRST_COMPLETED, WAIT_FIRST_EXCEPTION, WAIT_ALL };

enum scope_kind {
    SCOPE_TASKSCOPE,
    SCOPE_SUPERVISOR,
    SCOPE_TASKGROUP,
    SCOPE_PTASKGROUP,
    SCOPE_SHIELDSCOPE,
    SCOPE_SHIELDBLOCK,
    SCOPE_TASKCONTEXT,
};

enum timer_policy { TIMER_DEFAULT, TIMER_CANCEL };

/* What a handler of `try` catches; SPEC, section 2. */
enum catch_kind {
    CATCH_ONE,   /* failures of one kind */
    CATCH_ERROR, /* any application error */
    CATCH_CODE,  /* one application error */
    CATCH_ANY,   /* all but cancelled and closed */
    CATCH_ALL,
};

enum fn_kind { FN_PLAIN, FN_ADEFER, FN_SDEFER, FN_GEN };

enum option_kind {
    OPTION_AS,
    OPTION_CTX,
    OPTION_EAGER,
    OPTION_HANDLER,
    OPTION_MSG,
    OPTION_SHIELD,
    OPTION_TIMEOUT,
    OPTION_TOK,
    OPTION_RETURN_EXCEPTIONS,
    OPTION_CONTINUE_ON_ERROR,
    OPTION_IMMEDIATE,
    OPTION_WAIT,
    OPTION_SYNC,
    OPTION_COUNT,
};

struct object {
    struct object *next;
    enum object_kind kind;
    const char *name;
    int line;               /* where it is declared */
    int n;                  /* value, count, or size; -1: no limit */
    bool has_default;       /* a ctxvar with a default, n */
    enum queue_order order; /* of a queue */
    const char *of;         /* name of a condition's lock, a cache's function */
    struct object *lock;    /* of a condition, or NULL: its own */
    struct fn *fn;          /* of a cache */
    int expire;             /* of a cache, in ms; -1: never */
    void *state;            /* at run time, by those who execute it */
};

/* One operand of a statement, after its letter in statement.operands. */
struct operand {
    const char *word; /* as written, without a $; NULL: left out */
    int number;
    int choice; /* enumerator of a mode, kind, policy or outcome */
    bool none;  /* the word `none` in place of a number */
    struct fn *fn;
    struct object *object;
};

struct handler {
    struct handler *next;
    enum catch_kind catches;
    enum outcome_kind kind; /* for CATCH_ONE */
    int code;               /* for CATCH_CODE */
    struct node *body;
};

struct node { /* a statement */
    struct node *next;
    const struct statement *statement;
    int line;
    struct operand *operands;          /* at least one for each letter */
    size_t count;                      /* of those written */
    const char *options[OPTION_COUNT]; /* NULL: not given; "" if no value */
    int timeout;                       /* value of OPTION_TIMEOUT */
    struct node *body;                 /* of a block; the action of call_* */
    struct handler *handlers;          /* of try */
    bool has_final;                    /* try has a `finally` */
    struct node *final;
};

struct fn {
    struct fn *next;
    enum fn_kind kind;
    const char *name;
    struct node *body;
    int calls; /* activations begun so far */
};

struct source {
    const char *name; /* for messages: of the file */
    const char *text;
    int first_line; /* number of its first line in the file */
};

struct program {
    const struct source *source;
    struct fn *fns;
    struct object *objects;
    struct fn *main;
    bool strict; /* order strict */
};

/* Parse and check a program; a bad one ends the process with a message. */
struct program *program_parse(const struct source *source);

struct fn *program_fn(const struct program *p, const char *name);
struct object *program_object(const struct program *p, const char *name);

/* Resolve all names and check what the syntax alone does not tell. */
void program_validate(struct program *p);

/* Parse `lock L` and the like, the tokens being those of the whole line. */
struct object *object_parse(const struct source *source, int line,
                            const char **tokens, size_t count);

/* Whether the word begins a declaration of an object. */
bool object_is_kind(const char *word);

/* Parse operands and options of a statement, `tokens` being what follows its
 * name. */
void operands_parse(const struct source *source, struct node *n,
                    const char **tokens, size_t count);

/* Parts of words. */
bool word_is_name(const char *word);
/* At most nine digits, with a minus if `sign`. */
bool word_is_number(const char *word, bool sign, int *ret);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The statements of the language: one entry for each, in the table of its
 * family, a file of its own. An entry with run == NULL is known to the parser
 * and ends a program that executes it: hem has nothing for it yet.
 */
#ifndef CONFORMANCE_STATEMENT_H
#define CONFORMANCE_STATEMENT_H

#include "exec.h"
#include "program.h"

/* What a statement is, and where it may stand. */
enum statement_flag {
    ST_SYNC = 1,          /* in sdefer functions: it does not wait */
    ST_ACTION = 2,        /* as the action of a callback */
    ST_BLOCK = 4,         /* has a body, closed by `end` */
    ST_LOOP = 8,          /* `break` and `continue` refer to it */
    ST_IN_LOOP = 16,      /* in loops only */
    ST_IN_HANDLER = 32,   /* in handlers of `try` only */
    ST_IN_GEN = 64,       /* in generators only */
    ST_IN_DEFER = 128,    /* in adefer and sdefer functions only */
    ST_IN_ADEFER = 256,   /* in adefer functions only */
    ST_TAKES_ACTION = 512 /* the last operand is a statement */
};

typedef struct flow statement_fn(struct activation *a, const struct node *n);

struct statement {
    const char *name;
    /*
     * A letter for each operand:
     *   W word   I number   Z number with sign   D number with sign, or none
     *   R number or `calls`   V bound name   N name to bind   F function
     *   S function, also sdefer   G generator   X function or $name
     *   O object   C cell   M wait mode   K scope kind   E kind of failure
     *   P timer policy   H handle to bind
     * and after it, ? for optional, * for any number, + for one or more.
     */
    const char *operands;
    const char *options; /* "eager ctx=", or NULL */
    unsigned flags;      /* enum statement_flag */
    unsigned objects;    /* kinds that operand O may be, as bits */
    statement_fn *run;   /* or NULL */
};

/* Each ends with an entry without a name. */
extern const struct statement control_statements[];
extern const struct statement try_statements[];
extern const struct statement task_statements[];
extern const struct statement future_statements[];
extern const struct statement callback_statements[];
extern const struct statement cancel_statements[];
extern const struct statement timeout_statements[];
extern const struct statement scope_statements[];
extern const struct statement gather_statements[];
extern const struct statement safe_statements[];
extern const struct statement lock_statements[];
extern const struct statement barrier_statements[];
extern const struct statement queue_statements[];
extern const struct statement context_statements[];
extern const struct statement cache_statements[];
extern const struct statement generator_statements[];
extern const struct statement manager_statements[];
extern const struct statement defer_statements[];

/* The statement of that name, NULL: none. */
const struct statement *statement_find(const char *name);

#endif

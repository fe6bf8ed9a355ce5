/* SPDX-License-Identifier: MIT */
/*
 * Outcomes of statements, functions and tasks, their text, and the numbers by
 * which they go through hem; corpus/SPEC.md, section 2.
 *
 * hem passes on one number. A value N travels as N + 1, so that 0 is "no
 * value"; an application error N as FIRST_APPLICATION_ERROR - N; all other
 * failures as hem's own errors. What a number cannot hold, the members of a
 * group or a list, is kept beside whatever it is the outcome of.
 */
#ifndef CONFORMANCE_OUTCOME_H
#define CONFORMANCE_OUTCOME_H

#include <hem/failure.h>
#include <stdbool.h>
#include <stddef.h>

enum outcome_kind {
    OUTCOME_OK,
    OUTCOME_VALUE,
    OUTCOME_LIST,
    /* failures */
    OUTCOME_ERROR,
    OUTCOME_CANCELLED,
    OUTCOME_TIMEOUT,
    OUTCOME_GROUP,
    OUTCOME_INVALID_STATE,
    OUTCOME_RUNTIME,
    OUTCOME_VALUE_ERROR,
    OUTCOME_QUEUE_FULL,
    OUTCOME_QUEUE_EMPTY,
    OUTCOME_QUEUE_SHUTDOWN,
    OUTCOME_BROKEN_BARRIER,
    OUTCOME_MISUSE,
    OUTCOME_CLOSED,
    OUTCOME_OTHER, /* an error of hem that no program expects */
};

struct outcome {
    enum outcome_kind kind;
    int n;            /* value, code of an application error, or status */
    const char *text; /* of a group or a list */
    const char *why;  /* message of a cancellation, or NULL */
    hem_error *error; /* of a group: hem's record of it, or NULL */
};

static inline bool outcome_failed(struct outcome o)
{
    return o.kind >= OUTCOME_ERROR;
}

static inline struct outcome outcome_ok(void)
{
    return (struct outcome){.kind = OUTCOME_OK};
}

static inline struct outcome outcome_failure(enum outcome_kind kind)
{
    return (struct outcome){.kind = kind};
}

/* A number of a program, as hem carries it. */
static inline int status_of_value(int n)
{
    return n + 1;
}

int status_of_error(int code);

int outcome_status(struct outcome o);

/* The same for hem to fail with: it is told of the members of a group. In a
 * task. */
int outcome_raise(struct outcome o);

/* The same for a function to end with: a cancellation is told by its reason,
 * which is perhaps not the latest. */
int outcome_returned(struct outcome o);

/* What a call of hem returned. A cancellation gets the reason by which the
 * current task was interrupted, a group the members that hem handed to it. */
struct outcome outcome_of(int status);

/* The group that hem recorded; kept until outcome_forget(). */
struct outcome outcome_of_error(const hem_error *e);

/* The run is over: give all records up. */
void outcome_forget(void);

/* In the arena. */
const char *outcome_text(struct outcome o);

/* `group[...]` and `list[...]` of these members. */
struct outcome outcome_group(const struct outcome *members, size_t count);
struct outcome outcome_list(const struct outcome *members, size_t count);

/* The failure that `word` names, as in `raise` and `on`. */
bool outcome_kind_of(const char *word, enum outcome_kind *ret);

#endif

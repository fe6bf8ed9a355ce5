/* SPDX-License-Identifier: MIT */
/*
 * Names that are bound at run time, and what they are bound to: corpus/SPEC.md,
 * section 3.
 */
#ifndef CONFORMANCE_NAMES_H
#define CONFORMANCE_NAMES_H

#include <stddef.h>

struct activation;

enum thing_kind {
    THING_TASK = 1,
    THING_FUTURE = 2,
    THING_SCOPE = 4,
    THING_TIMEOUT = 8,
    THING_CALLBACK = 16,
    THING_GENERATOR = 32,
    THING_STACK = 64,
    THING_TOKEN = 128,
    THING_CONTEXT = 256,
};

/* The first member of everything that a name can be bound to. */
struct thing {
    enum thing_kind kind;
};

struct names {
    struct binding {
        const char *name;
        struct thing *thing;
    } * bindings;
    size_t count;
    size_t capacity;
};

/* Bind a name in an activation and for the whole program; `_` is not bound. */
void names_bind(struct activation *a, const char *name, struct thing *thing);

/* Look a name up; NULL: not bound. */
struct thing *names_find(const struct activation *a, const char *name);

#endif

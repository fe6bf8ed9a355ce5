/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_SCOPES_H
#define CONFORMANCE_SCOPES_H

#include <hem.h>

#include "exec.h"

/* A scope of a program. */
struct scope {
    struct thing thing;
    hem_scope scope;
    enum scope_kind kind;
    const char *name;      /* in the program */
    struct task *owner;    /* that opened it */
    bool left;             /* its block has ended */
    bool aclosed;          /* a shieldblock, by `aclose` or `abort` */
    bool handler_fails;    /* handler=fail */
    struct task *children; /* all that it spawned, the youngest first */
};

#endif

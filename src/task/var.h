/* SPDX-License-Identifier: MIT */
/*
 * Context variables, inside. Bindings are counted and shared by all who have
 * the same ones; who sets a variable copies them first, unless they are his
 * alone.
 */
#ifndef HEM__TASK_VAR_H
#define HEM__TASK_VAR_H

#include "hem/var.h"

struct hem__bindings {
    uint32_t refs;
    uint32_t count;
    struct hem__binding {
        const hem_var *var;
        void *value;
    } of[];
};

void hem__bindings_free(struct hem__bindings *b);

static inline struct hem__bindings *hem__bindings_hold(struct hem__bindings *b)
{
    if (b)
        b->refs++;
    return b;
}

static inline void hem__bindings_release(struct hem__bindings *b)
{
    if (b && --b->refs == 0)
        hem__bindings_free(b);
}

#endif

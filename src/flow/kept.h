/* SPDX-License-Identifier: MIT */
/*
 * What a task knows of how its block ended, kept while the block is torn down:
 * code that runs meanwhile may fail, or be cancelled, and get over it. Where
 * there is no task (NULL) nothing is kept.
 */
#ifndef HEM__FLOW_KEPT_H
#define HEM__FLOW_KEPT_H

#include "task/failure.h"
#include "task/task.h"

typedef struct hem__kept {
    hem_error *error; /* the record of the task, held, or NULL */
    const char *why;  /* reason of its latest cancellation */
} hem__kept;

static inline hem__kept hem__keep(const hem_task *t)
{
    if (!t)
        return (hem__kept){NULL, NULL};
    return (hem__kept){hem_error_hold(t->error), t->fiber.reason};
}

/* It still holds. */
static inline void hem__kept_restore(hem__kept *k, hem_task *t)
{
    if (!t)
        return;
    hem__error_record(t, k->error);
    t->fiber.reason = k->why;
}

/* Something else does. */
static inline void hem__kept_drop(hem__kept *k)
{
    hem_error_release(k->error);
}

/* Code that was told of the failure `rc` has ended with `status`: it still
 * holds if that is the same, and was not recorded anew. */
static inline void hem__kept_pass(hem__kept *k, hem_task *t, int rc, int status)
{
    bool recorded = t->error && t->error->code == rc;
    if (status == rc && !recorded)
        hem__kept_restore(k, t);
    else
        hem__kept_drop(k);
}

/* It still holds, and nobody is told of `rc`, what the tearing down of a block
 * left by return, goto or break came to: a cancellation must not be lost. */
static inline void hem__kept_restore_untold(hem__kept *k, hem_task *t, int rc)
{
    if (t && rc == HEM_ECANCELED)
        hem__interrupt(hem__loop, &t->fiber, t->fiber.reason);
    hem__kept_restore(k, t);
}

#endif

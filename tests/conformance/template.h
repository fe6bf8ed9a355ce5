/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_TEMPLATE_H
#define CONFORMANCE_TEMPLATE_H

#include "tasks.h"

/* Run the function of the current task, which was made of a template, and
 * return what the task is to return. */
static inline int template_run(void)
{
    struct outcome o = task_run_current();
    if (o.kind == OUTCOME_CANCELLED)
        return hem_cancelled(o.why);
    return outcome_raise(o);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "statement.h"

#include <string.h>

static const struct statement *const families[] = {
    control_statements,   try_statements,      task_statements,
    future_statements,    callback_statements, cancel_statements,
    timeout_statements,   scope_statements,    gather_statements,
    safe_statements,      lock_statements,     barrier_statements,
    queue_statements,     context_statements,  cache_statements,
    generator_statements, manager_statements,  defer_statements,
};

const struct statement *statement_find(const char *name)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        for (const struct statement *s = families[i]; s->name; s++) {
            if (strcmp(s->name, name) == 0)
                return s;
        }
    }
    return NULL;
}

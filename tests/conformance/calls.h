/* SPDX-License-Identifier: MIT */
/* Operands of statements that take several, as hem takes them. */
#ifndef CONFORMANCE_CALLS_H
#define CONFORMANCE_CALLS_H

#include <hem.h>

#include "exec.h"
#include "program.h"

struct calls {
    hem_call *calls;
    struct thing **things; /* the task or future behind each */
    const char **names;    /* as written */
    size_t count;
};

/*
 * Operands X, V from the `first` one on: tasks and futures; of a function a task
 * is created. 0, hem's error, or CALLS_UNBOUND: a name is not bound, and
 * nothing was created; `ret` has no operands then.
 */
#define CALLS_UNBOUND 1

int calls_take(struct calls *ret, const struct activation *a,
               const struct node *n, size_t first);

/* The same without those that were given before. */
int calls_take_each_once(struct calls *ret, const struct activation *a,
                         const struct node *n, size_t first);

/* Operand `i` alone; NULL: hem's error, in `*ret_status`, or it is not bound,
 * which was written. */
struct thing *calls_awaitable(const struct activation *a, const struct node *n,
                              size_t i, int *ret_status);

/* Operands F: functions that hem is to spawn in `context`, or NULL. */
void calls_functions(struct calls *ret, const struct node *n,
                     hem_context *context);

/* The call is over: tasks of functions are not valid any more, or were not
 * spawned. */
void calls_retire(struct calls *c);

/* Take the operands as they are done, and run the block `n` for each; ends with
 * the iteration closed. */
struct flow calls_loop(struct activation *a, const struct node *n,
                       const struct calls *c, hem_as_completed *it);

/* How the operand ended to which `call` belongs. */
struct outcome calls_outcome(const struct calls *c, const hem_call *call);

/* All of them. */
struct outcome calls_list(const struct calls *c);

#endif

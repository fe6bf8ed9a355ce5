/* SPDX-License-Identifier: MIT */
/*
 * The operands of one call, inside: what gathering, waiting, iterating and
 * racing have in common.
 *
 * An operand is watched by a done callback of its own, so all is linear in
 * their number. The callback keeps all that there is to know, for the task or
 * future may be gone by the time it is called: it is not looked at any more
 * once it is done. Those that are done are linked in that order.
 */
#ifndef HEM__SCOPE_CALLS_H
#define HEM__SCOPE_CALLS_H

#include "hem/gather.h"
#include "task/task.h"

typedef struct hem__calls hem__calls;

/* Check operands: HEM_EINVAL, or how many are functions. */
ssize_t hem__calls_check(const hem_call *c, size_t n);

/* Take operands, that were checked: none of them has a result. */
void hem__calls_init(hem__calls *calls, hem_call *c, size_t n);

/* Whether task `t` is one of them. */
bool hem__calls_have(const hem__calls *calls, const hem_task *t);

/* Open `s` and spawn the functions into it. HEM_ENOMEM, HEM_EREFUSED: it is not
 * open, and none will run. */
int hem__calls_spawn(hem__calls *calls, hem_scope *s, hem_scope_kind kind);

/*
 * Have fn(c, status) called when operand `c` is done, in a turn of its own;
 * `fn` is to call hem__call_done(). Returns false if it is done already: then
 * it is not called. Until the calls are unwatched.
 */
bool hem__call_watch(hem_call *c, hem_done_fn *fn);

/* Whether it is not done; since it was watched. */
static inline bool hem__call_pending(const hem_call *c)
{
    return !hem__list_empty(&c->done.waiter.link);
}

/* Its result is there. */
void hem__call_done(hem_call *c);

/* Take all callbacks back. Those that are done, but were not told yet, get
 * their results. */
void hem__calls_unwatch(hem__calls *calls);

/* Make the failures of the first `limit` that were done a group, which becomes
 * the record of `self`, and to which the records of the operands belong from
 * now on; those of the others are given up. */
void hem__calls_group(hem__calls *calls, size_t limit, hem_task *self);

/* The failure of `c` is what the call fails with: its record becomes that of
 * `self`, the others are given up. */
void hem__calls_give(hem__calls *calls, hem_call *c, hem_task *self);

/* Give the records of the operands up. */
void hem__calls_forget(hem__calls *calls);

#endif

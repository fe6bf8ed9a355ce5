/* SPDX-License-Identifier: MIT */
/*
 * Scopes, inside. What all kinds share is in scope.c and join.c; each kind is a
 * policy: task scopes in scope.c, the others in a file of their own.
 *
 *     closed --open--> open --close: exiting, waits for children--> closed
 *
 * `aborting` is set once, by an abort, a timeout, or a body that failed. From
 * then on no child is accepted (but by persistent scopes), and cancellations
 * of those who wait for the children are swallowed: there is nothing left to
 * cancel.
 */
#ifndef HEM__SCOPE_SCOPE_H
#define HEM__SCOPE_SCOPE_H

#include "hem/scope.h"
#include "task/task.h"

enum hem__scope_state {
    HEM__SCOPE_CLOSED, /* zero */
    HEM__SCOPE_OPEN,
    HEM__SCOPE_SHIELD, /* open, without children: hem_shield_open */
};

typedef struct hem__scope_policy {
    bool nests; /* it is on the stack of its owner's scopes */
    /* A child has ended that failed; no task is current. */
    void (*child_failed)(hem_scope *s, hem_task *child);
    /* The timeout has fired. */
    void (*expire)(hem_loop *l, hem_scope *s);
    /* Leave the scope, whose body has ended with `rc`: wait for the children,
     * and return how the block ends. `*ret_swallowed` is set if a cancellation
     * of `self`, who leaves, was swallowed. */
    int (*exit)(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                bool *ret_swallowed);
} hem__scope_policy;

extern const hem__scope_policy hem__group_policy;
extern const hem__scope_policy hem__task_context_policy;
extern const hem__scope_policy hem__persistent_policy;

/* Cancel the children, once. */
void hem__scope_abort(hem_loop *l, hem_scope *s, const char *why);

/* Pass the failure of a child on to the handler, or report it; a handler that
 * fails itself is reported. */
void hem__scope_handle(hem_scope *s, hem_task *child);

/* Collect the failure of a child in the group of errors. */
void hem__scope_collect(hem_scope *s, hem_error *e);

/* End with the group of errors, which becomes the record of `self`. */
int hem__scope_raise(hem_scope *s, hem_task *self);

/* join.c: those who wait for the last child: the owner, and others, for whom
 * the scope may be gone when they run again. */

typedef struct hem__joiner {
    hem__list link;     /* among the scope's joiners */
    hem_scope *scope;   /* NULL: the last child has ended */
    hem_future no_more; /* children */
} hem__joiner;

/* Wait as `j` until the last child has ended, or the wait is cancelled, which
 * is what `cancel` does; NULL: it ends. */
int hem__joiner_wait(hem_loop *l, hem_scope *s, hem__joiner *j,
                     bool (*cancel)(hem_future *self, const char *why));

/* Wait for it. Returns HEM_ECANCELED if `self`, the caller, was cancelled
 * before anything was aborted; `*ret_swallowed` is set if it was later. It is
 * NULL if the scope may be gone then, for `self` does not leave it. */
int hem__scope_join(hem_loop *l, hem_scope *s, hem_task *self,
                    bool *ret_swallowed);

/* The last child has ended: let them go. */
void hem__scope_tell_joiners(hem_scope *s);

/* task_context.c */

/* Who may spawn into a task context: 0 or HEM_EREFUSED. */
int hem__task_context_claim(hem_loop *l, hem_scope *s);

/* A child has ended while the context is closed: how. */
void hem__task_context_ended(hem_scope *s, hem_task *child);

/* `stays`: the scope will be there when the children have ended. */
int hem__task_context_aclose(hem_loop *l, hem_scope *s, hem_task *self,
                             bool stays);

/* persistent.c: nursery.failed of persistent scopes. */
int hem__persistent_failed(hem__nursery *n, hem_task *child, int status);

/* limit.c: children that wait for their turn. */

/* Whether one more child has to wait: 0, 1, or HEM_ELIMIT. */
int hem__limit_check(const hem_scope *s);

/* Spawn a child that waits for its turn. */
int hem__limit_spawn(hem_loop *l, hem_scope *s, hem_task **ret, hem_fn *fn,
                     void *arg, const hem_spawn_options *opts);

/* A child has ended: it is the turn of the next one. */
void hem__limit_next(hem_loop *l, hem_scope *s);

#endif

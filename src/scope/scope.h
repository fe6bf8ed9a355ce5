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

/* The same, but each time and without refusing new ones if the scope is
 * persistent. */
void hem__scope_cancel(hem_loop *l, hem_scope *s, const char *why);

/* Pass the failure of a child on to the handler, or report it; a handler that
 * fails itself is reported. */
void hem__scope_handle(hem_scope *s, hem_task *child);

/* Collect the failure of a child in the group of errors of the owner. */
void hem__scope_collect(hem_scope *s, hem_error *e);

/* End with the group of errors, which becomes the record of `self`. */
int hem__scope_raise(hem_scope *s, hem_task *self);

/* The scope whose child `t` is, NULL: the loop's own. */
hem_scope *hem__scope_of(const hem_task *t);

/* Whether `t` is a child of `s`, or a child's child, and so on for a while. */
bool hem__scope_has(const hem_scope *s, const hem_task *t);

/* join.c: those who wait for the last child: who closes the scope, and others,
 * for whom it may be gone when they run again. */

typedef struct hem__joiner {
    hem__list link;     /* among the scope's joiners */
    hem_scope *scope;   /* NULL: it was closed */
    hem_future no_more; /* children, or the scope was closed */
    hem_error *errors;  /* of the scope that was closed, held, or NULL */
    int result;         /* hem__task_context_result() of it */
} hem__joiner;

/* Be told when there are no more children, from now until hem__joiner_remove().
 * `cancel` is what cancelling the wait does; NULL: it ends. */
void hem__joiner_add(hem_scope *s, hem__joiner *j,
                     bool (*cancel)(hem_future *self, const char *why));
void hem__joiner_remove(hem__joiner *j);

/* Wait for it, once; not told yet. */
int hem__joiner_wait(hem_loop *l, hem__joiner *j);

/* Wait for it. Returns HEM_ECANCELED if `self`, the caller, was cancelled
 * before anything was aborted; `*ret_swallowed` is set if it was later. Unless
 * it is the caller who closes the scope, that may be gone then. */
int hem__scope_join(hem_loop *l, hem_scope *s, hem_task *self,
                    bool *ret_swallowed);

/* Wait until another task has closed the scope, with `rc` as in closing it.
 * Returns it, or HEM_ECANCELED with `*ret_interrupted` set if `self` was
 * cancelled. */
int hem__scope_join_close(hem_loop *l, hem_scope *s, hem_task *self, int rc,
                          bool *ret_interrupted);

/* The last child has ended. */
void hem__scope_tell_joiners(hem_scope *s);

/* The scope is being left. */
void hem__scope_let_joiners_go(hem_scope *s);

/* task_context.c */

/* Who may spawn into a task context: 0 or HEM_EREFUSED. */
int hem__task_context_claim(hem_loop *l, hem_scope *s);

/* A child has ended while the context is closed: how. */
void hem__task_context_ended(hem_scope *s, hem_task *child);

/* How the children ended, all in all. */
int hem__task_context_result(const hem_scope *s);

/* `*ret_interrupted` is set if `self` was cancelled. */
int hem__task_context_aclose(hem_loop *l, hem_scope *s, hem_task *self,
                             bool *ret_interrupted);

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

/* SPDX-License-Identifier: MIT */
/*
 * Scopes: blocks that no task outlives.
 *
 *     static int page(void *arg)
 *     {
 *         struct page *p = arg;
 *         HEM_SCOPE(s, .timeout = 2 * HEM_SEC);
 *         HEM_TRY(hem_scope_spawn(&s, NULL, fetch_user, &p->user));
 *         HEM_TRY(hem_scope_spawn(&s, NULL, fetch_cart, &p->cart));
 *         return hem_scope_close(&s, 0);     // both are done
 *     }
 *
 * open -> spawn children, from any task -> close, which waits for all of them.
 * A scope belongs to the task that opened it; scopes of a task nest. A scope
 * declared by HEM_SCOPE() is also closed, its children cancelled, when the
 * block is left by return, goto or break.
 *
 * The kinds differ in policy, after aiotools:
 *   HEM_TASKSCOPE    a child's failure leaves its siblings alone and goes to
 *                    the error handler at once; cancelled is not failed
 *   HEM_SUPERVISOR   the same, failures are ignored
 *   HEM_SHIELDSCOPE  a task scope whose owner is shielded
 *
 * Shield. While a shielded scope is open, requests to cancel its owner are
 * kept back, by the topmost shield, and delivered when it closes.
 * hem_scope_abort() and the scope's own timeout work nevertheless.
 *
 * Kept as the originals have it, for programs that move here: a cancellation
 * that arrives while a scope that is aborting waits for its children is
 * swallowed (hem_task_cancelling() still counts it); the request of a scope's
 * own timeout stays counted, so that an enclosing scope ends as cancelled
 * unless it is taken back with hem_task_uncancel(); within a shield, timeouts
 * of inner scopes and hem_timeout are kept back as well and cannot interrupt,
 * and an inner scope that ends as cancelled returns 0.
 *
 * Timeout. When it fires, the children and the body are cancelled, and
 * hem_scope_close() returns HEM_ETIMEDOUT; with .move_on it returns 0.
 */
#ifndef HEM_SCOPE_H
#define HEM_SCOPE_H

#include "base.h"
#include "future.h"
#include "task.h"

HEM_BEGIN_DECLS

typedef enum hem_scope_kind {
    HEM_TASKSCOPE,
    HEM_SUPERVISOR,
    HEM_SHIELDSCOPE,
} hem_scope_kind;

typedef struct hem_scope hem_scope;

/* An error handler: `child` failed with `error`. Called as the child ends, in
 * the loop, with no task current; must not suspend. */
typedef void hem_scope_error_fn(void *arg, hem_scope *s, hem_task *child,
                                int error);

typedef struct hem_scope_options {
    hem_scope_kind kind;
    hem_ns timeout; /* from the opening; 0: none, negative: at once */
    bool shield;    /* keep requests to cancel the owner back */
    bool move_on;   /* a timeout is no error */
    hem_scope_error_fn *on_error; /* NULL: the loop's on_report */
    void *on_error_arg;
    const char *name; /* for reports; static; NULL: none */
    int none;         /* not used: HEM_SCOPE(s) needs it */
} hem_scope_options;

/* The caller's own; private. */
struct hem_scope {
    struct hem__nursery nursery;  /* its children */
    struct hem__shield shield;    /* its place on the owner's stack */
    struct hem__timer timer;      /* its timeout */
    hem_task *owner;              /* who opened it */
    hem_scope_error_fn *on_error; /* or NULL */
    void *on_error_arg;
    const char *name;
    uint32_t prior;           /* owner's count when opened */
    int failed;               /* opening a HEM_SCOPE() failed with this */
    uint8_t kind;             /* hem_scope_kind */
    uint8_t state;            /* enum hem__scope_state */
    bool move_on;             /* as in the options */
    bool timed;               /* a place in the timer heap is reserved */
    bool aborting;            /* children were cancelled, or are about to be */
    bool expired;             /* the timeout fired */
    bool exiting;             /* the owner is in hem_scope_close() */
    struct hem__list joiners; /* who waits for the last child */
};

/*
 * Open a scope for the current task. `opts` may be NULL and is borrowed until
 * the return. HEM_ENOMEM: not open. [loop thread]
 */
HEM_API HEM_CHECK int hem_scope_open(hem_scope *s,
                                     const hem_scope_options *opts);

/*
 * Declare and open a scope `var` that is closed with its block; options as
 * members of hem_scope_options. If it could not be opened, spawning and
 * closing return the error.
 */
#define HEM_SCOPE(...) HEM__SCOPE(__VA_ARGS__, )

#define HEM__SCOPE(var, ...)                                                   \
    hem_scope var __attribute__((cleanup(hem__scope_cleanup)));                \
    hem__scope_open_block(&var,                                                \
                          &(const hem_scope_options){.none = 0, __VA_ARGS__})

HEM_API void hem__scope_open_block(hem_scope *s, const hem_scope_options *o);
HEM_API void hem__scope_cleanup(hem_scope *s);

/*
 * Spawn a child. As hem_spawn(), and: HEM_EREFUSED: the scope is aborting or
 * closed, or its owner is leaving it and no child is left. Any task of the
 * loop may call it. Macros. [loop thread]
 */
#define hem_scope_spawn(s, ret, fn, arg)                                       \
    hem_scope_spawn_at((s), (ret), (fn), (arg), HEM__SITE(#fn))
#define hem_scope_spawn_with(s, ret, fn, arg, ...)                             \
    hem_scope_spawn_with_at(                                                   \
        (s), (ret), (fn), (arg),                                               \
        &(hem_spawn_options){__VA_ARGS__, .site = HEM__SITE(#fn)})

HEM_API HEM_CHECK int hem_scope_spawn_at(hem_scope *s, hem_task **ret,
                                         hem_fn *fn, void *arg,
                                         const hem_site *site);
HEM_API HEM_CHECK int hem_scope_spawn_with_at(hem_scope *s, hem_task **ret,
                                              hem_fn *fn, void *arg,
                                              const hem_spawn_options *opts);

/* Cancel all children with reason `why`, once, and refuse new ones. Any task
 * or callback may call it; the owner is not interrupted. [loop thread] */
HEM_API void hem_scope_abort(hem_scope *s, const char *why);

/*
 * Abort the scope, interrupt its owner, and wait for the children; aiotools'
 * aclose(). The scope stays open until its owner closes it. HEM_EMISUSE: it
 * was closed. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_scope_aclose(hem_scope *s);

/*
 * Leave the scope as the body ended: `rc` is 0 or more, or the error of the
 * body, in which case the children are cancelled. Always waits for all of
 * them. Returns HEM_ETIMEDOUT if the timeout fired (0 with .move_on), else
 * HEM_ECANCELED if the owner was cancelled, else `rc`. A cancellation during
 * the wait cancels the children. Handles of the children are invalid from here
 * on. HEM_EMISUSE: not open. Aborts the process if the caller is not the owner
 * or an inner scope is open. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_scope_close(hem_scope *s, int rc);

/* Return the number of children that have not ended. [loop thread] */
HEM_API size_t hem_scope_children(const hem_scope *s);

/* Return whether the scope's own timeout fired. [loop thread] */
HEM_API bool hem_scope_expired(const hem_scope *s);

/* Call fn(arg, child) for each child that has not ended, in order of creation,
 * until it returns false. It must not suspend. [loop thread] */
HEM_API void hem_scope_each(hem_scope *s, bool (*fn)(void *arg, hem_task *t),
                            void *arg);

/*
 * Shield the current task without a scope of children: requests to cancel it
 * are kept back from open to close, and delivered then. Shields nest with
 * scopes. Of the options, only .timeout counts. Close returns HEM_ECANCELED if
 * a request was kept back and `rc` is not an error, HEM_ETIMEDOUT if the
 * timeout fired, else `rc`. HEM_ENOMEM: not open; HEM_EMISUSE: not open.
 * Neither suspends. [loop thread]
 */
HEM_API HEM_CHECK int hem_shield_open(hem_scope *s,
                                      const hem_scope_options *opts);
HEM_API HEM_CHECK int hem_shield_close(hem_scope *s, int rc);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Scopes: blocks that no task outlives.
 *
 *     static int page(void *arg)
 *     {
 *         struct page *p = arg;
 *         HEM_SCOPE(s, .kind = HEM_TASKGROUP, .timeout = 2 * HEM_SEC);
 *         HEM_TRY(hem_scope_spawn(&s, NULL, fetch_user, &p->user));
 *         HEM_TRY(hem_scope_spawn(&s, NULL, fetch_cart, &p->cart));
 *         return hem_scope_close(&s, 0);     // both are done, or both are gone
 *     }
 *
 * open -> spawn children, from any task -> close, which waits for all of them.
 * A scope belongs to the task that opened it; scopes of a task nest. A scope
 * declared by HEM_SCOPE() is also closed, its children cancelled, when the
 * block is left by return, goto or break.
 *
 * The kinds differ in policy, after aiotools and asyncio:
 *   HEM_TASKSCOPE    a child's failure leaves its siblings alone and goes to
 *                    the error handler at once; cancelled is not failed
 *   HEM_SUPERVISOR   the same, failures are ignored
 *   HEM_SHIELDSCOPE  a task scope whose owner is shielded
 *   HEM_TASKGROUP    asyncio's: the first failure of a child cancels the
 *                    others, and interrupts the owner; closing returns
 *                    HEM_EGROUP, and all errors are in hem_scope_errors()
 *   HEM_TASKCONTEXT  a task scope whose children are cancelled when it is
 *                    closed. It nests with nothing: who spawns the first child
 *                    may spawn more, and any task may close it
 *   HEM_PERSISTENT   a group to live in an object: it nests with nothing, any
 *                    task may spawn into it, shut it down or close it. Its
 *                    error handler runs in the child and may suspend. Whoever
 *                    opened it closes it before its memory goes
 *
 * The first failure in a task group cancels the others as it happens, also those
 * that are ready in the same turn of the loop, or have not begun. (asyncio
 * cancels one turn later, and so would hear of their failures as well.)
 *
 * What children use (arguments, results, locks) must be declared before the
 * scope: it must be there until they have ended, also after an early return.
 *
 * Ways to end one early, from outside or inside:
 *   hem_scope_abort     cancels the children, and goes on
 *   hem_scope_shutdown  cancels the children, and waits for them
 *   hem_scope_aclose    the same, and interrupts the owner
 *   hem_scope_drain     lets them finish for a while, then as shutdown
 *
 * A task group interrupts the calls of its body when a child fails: then leave
 * by hem_scope_close(), for only that can tell why. HEM_TRY_IN() does:
 *
 *     HEM_TRY_IN(&s, hem_sleep(HEM_SEC));    // closes the scope if it fails
 *
 * Shield. While a shielded scope is open, requests to cancel its owner are
 * kept back, by the topmost shield, and delivered when it closes.
 * hem_scope_abort() and the scope's own timeout work nevertheless.
 *
 * Kept as the originals have it, for programs that move here: a cancellation
 * that arrives while a scope that is aborting waits for its children is
 * swallowed (hem_task_cancelling() still counts it); the request of a scope's
 * own timeout stays counted, so that an enclosing scope ends as cancelled
 * unless it is taken back with hem_task_uncancel() (a task group's is taken
 * back); within a shield, timeouts of inner scopes, task groups and
 * hem_timeout are kept back as well and cannot interrupt, and so is what a task
 * group requests by shields inside of it; within a shield, an inner scope that
 * ends as cancelled returns 0; a persistent scope that was shut down does
 * not cancel its children any more when it is closed.
 *
 * Timeout. When it fires, the children and the body are cancelled, and
 * hem_scope_close() returns HEM_ETIMEDOUT; with .move_on it returns 0. That of
 * a task group is a hem_timeout round it: it interrupts the body, or the wait
 * for the children, which so come to be cancelled; a body that handles this
 * ends as it likes, and a group that has errors returns those.
 *
 * Limit. With .limit only so many children run at a time; the others wait for
 * their turn in the order of spawning, at most .pending_limit of them. As
 * aiojobs.
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
    HEM_TASKGROUP,
    HEM_TASKCONTEXT,
    HEM_PERSISTENT,
} hem_scope_kind;

typedef struct hem_scope hem_scope;

/*
 * An error handler: `child` failed with `error`. Called as the child ends, in
 * the loop, with no task current, and must not suspend; of a persistent scope
 * in the child itself, where it may. Returns 0, or the error that it fails
 * with, which is reported (HEM_REPORT_HANDLER).
 */
typedef int hem_scope_error_fn(void *arg, hem_scope *s, hem_task *child,
                               int error);

typedef struct hem_scope_options {
    hem_scope_kind kind;
    hem_ns timeout; /* from the opening; 0: none, negative: at once. No effect
                       on scopes that nest with nothing, nor has .shield */
    bool shield;    /* keep requests to cancel the owner back */
    bool move_on;   /* a timeout is no error */
    hem_scope_error_fn *on_error; /* NULL: the run's on_report; not called by
                                     task groups, which keep the errors */
    void *on_error_arg;
    hem_context *context; /* of children spawned without; NULL: a copy */
    size_t limit;         /* of children that run at a time; 0: none */
    size_t pending_limit; /* of those that wait for it; 0: 10,000 */
    const char *name;     /* for reports; static; NULL: none */
    int none;             /* not used: HEM_SCOPE(s) needs it */
} hem_scope_options;

/* The caller's own; private. */
struct hem_scope {
    struct hem__nursery nursery;  /* its children */
    struct hem__shield shield;    /* its place on the owner's stack */
    struct hem__timer timer;      /* its timeout */
    struct hem__list joiners;     /* who waits for the last child */
    struct hem__list pending;     /* children that wait for their turn */
    hem_task *owner;              /* who opened it, may spawn, or closes it */
    hem_scope_error_fn *on_error; /* or NULL */
    void *on_error_arg;
    hem_context *context; /* or NULL */
    hem_error *errors;    /* the group; held while open, then the owner's */
    size_t failures;      /* number of errors, also those memory lacked for */
    size_t limit;         /* 0: none */
    size_t pending_limit;
    size_t pending_count;
    const char *name;
    uint32_t prior;        /* owner's count when opened */
    int failed;            /* opening a HEM_SCOPE() failed with this */
    uint8_t kind;          /* hem_scope_kind */
    uint8_t state;         /* enum hem__scope_state */
    bool move_on;          /* as in the options */
    bool timed;            /* a place in the timer heap is reserved */
    bool aborting;         /* children were cancelled, or are about to be */
    bool aborted;          /* they were, and not by closing a task context */
    bool closing;          /* they were, by that */
    bool expired;          /* the timeout fired */
    bool exiting;          /* the owner is in hem_scope_close() */
    bool requested;        /* a failure has requested to cancel the owner */
    bool requested_within; /* which a shield inside of a group kept back */
    bool expired_within;   /* as did one with the request of the timeout */
    bool interrupted; /* closing a task context: a child was cancelled twice */
};

/*
 * Open a scope for the current task. `opts` may be NULL and is borrowed until
 * the return. HEM_ENOMEM: not open; HEM_EREFUSED: it is open already, one of
 * the last few that the task opened, or of those that nest with nothing.
 * [loop thread]
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

/* Close scope `s` (a pointer) and leave the function with the result if `expr`,
 * an int or ssize_t evaluated once, is negative. */
#define HEM_TRY_IN(s, expr)                                                    \
    do {                                                                       \
        const int64_t hem_try_ = (int64_t)(expr);                              \
        if (hem_try_ < 0)                                                      \
            return hem_scope_close((s), (int)hem_try_);                        \
    } while (0)

HEM_API void hem__scope_open_block(hem_scope *s, const hem_scope_options *o);
HEM_API void hem__scope_cleanup(hem_scope *s);

/*
 * Spawn a child. As hem_spawn(), and: HEM_EREFUSED: the scope is aborting or
 * closed, or its owner is leaving it and no child is left, or it is a task
 * context of another task; HEM_ELIMIT: as many children wait for their turn as
 * may (an .eager one does as well). Any task of the loop may call it. Macros.
 * [loop thread]
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

/* A child's result as a future: the caller's own, private, in place until the
 * child has set it or has ended. */
typedef struct hem_submitted {
    hem_future future;
    hem_fn *fn;
    void *arg;
} hem_submitted;

/*
 * Spawn a child, as hem_scope_spawn(), with a future of its own for its result
 * (hem_submitted_future()); the record of an error goes to the tasks that wait
 * for it by then. Cancelling the future, or a task that waits for it, leaves
 * the child alone, which needs its place until it ends; the result is then
 * lost, which is reported (HEM_REPORT_HANDLER, HEM_ESTATE). A child cancelled
 * before its first step leaves it pending, as in aiotools'
 * PersistentTaskGroup.create_task(). Macros. [loop thread]
 */
#define hem_scope_submit(s, ret, fn, arg)                                      \
    hem_scope_submit_at((s), (ret), (fn), (arg),                               \
                        &(hem_spawn_options){.site = HEM__SITE(#fn)})
#define hem_scope_submit_with(s, ret, fn, arg, ...)                            \
    hem_scope_submit_at(                                                       \
        (s), (ret), (fn), (arg),                                               \
        &(hem_spawn_options){__VA_ARGS__, .site = HEM__SITE(#fn)})

HEM_API HEM_CHECK int hem_scope_submit_at(hem_scope *s, hem_submitted *ret,
                                          hem_fn *fn, void *arg,
                                          const hem_spawn_options *opts);

/* Return the future of a child's result; valid as long as `r`. [loop thread] */
HEM_API hem_future *hem_submitted_future(hem_submitted *r);

/* Cancel all children with reason `why`, once, and refuse new ones; a
 * persistent scope cancels those it has each time, and goes on taking others.
 * Any task or callback may call it; the owner is not interrupted.
 * [loop thread] */
HEM_API void hem_scope_abort(hem_scope *s, const char *why);

/*
 * Abort the scope, interrupt its owner, and wait for the children; aiotools'
 * aclose(). The scope stays open until its owner closes it. Of a task context:
 * cancel the children, unless they were aborted, and wait for them; 0,
 * HEM_EGROUP with the errors of those that failed or swallowed it (then
 * HEM_ESWALLOWED) as record, or HEM_ECANCELED: the caller was cancelled, and
 * the children once more, or somebody else cancelled one of them. Of a
 * persistent scope: hem_scope_shutdown(). HEM_EMISUSE: it was closed (0 for
 * these two kinds, which have no children then);
 * HEM_EREFUSED: the caller is a child, or a child's child.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_scope_aclose(hem_scope *s);

/*
 * Cancel all children and wait for them; the owner is not interrupted, and a
 * cancellation of the caller meanwhile is swallowed. Others than persistent
 * scopes take no children any more. PersistentTaskGroup.shutdown().
 * HEM_EMISUSE and HEM_EREFUSED as above. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_scope_shutdown(hem_scope *s);

/*
 * Wait until no child is left, for at most `grace`; then abort the scope and
 * wait for the children. Returns 0 if they ended by themselves, HEM_ETIMEDOUT
 * if not; HEM_ECANCELED: the caller was cancelled, and they with it. The scope
 * stays open. HEM_EMISUSE and HEM_EREFUSED as above; HEM_ENOMEM: nothing was
 * done. aiojobs' wait_and_close(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_scope_drain(hem_scope *s, hem_ns grace);

/*
 * Leave the scope as the body ended: `rc` is 0 or more, or the error of the
 * body, in which case the children are cancelled. Always waits for all of
 * them. Handles of the children are invalid from here on. A cancellation
 * during the wait cancels the children. Returns
 *   of a task scope: HEM_ETIMEDOUT if the timeout fired (0 with .move_on), else
 *   HEM_ECANCELED if the owner was cancelled, else `rc`;
 *   of a task group: HEM_EGROUP if children failed, or the body did otherwise
 *   than by a cancellation; else HEM_ETIMEDOUT, HEM_ECANCELED or `rc`;
 *   of a task context: what hem_scope_aclose() does if that is an error;
 *   of a persistent scope: HEM_ECANCELED if the caller was cancelled, or `rc`.
 * HEM_EMISUSE: not open. Aborts the process if the caller is not the owner or
 * an inner scope is open. A scope that nests with nothing has no such owner:
 * HEM_EREFUSED: the caller is a child; if another task is closing it already,
 * waits until that has closed it. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_scope_close(hem_scope *s, int rc);

/*
 * Return the errors of the children of a task group, or of a task context that
 * was closed, and of the body, as a group (failure.h); NULL: there were none,
 * or memory lacked. While the scope is open: those so far, until another child
 * fails; hold them to keep them. Once it is closed they are the record of the
 * task that closed it. [loop thread]
 */
HEM_API const hem_error *hem_scope_errors(const hem_scope *s);

/* Return the innermost open scope of the current task, or else the one whose
 * child it is, NULL: it is the loop's own; also in a callback. asyncio has
 * current_taskgroup for it. [loop thread] */
HEM_API hem_scope *hem_scope_current(void);

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

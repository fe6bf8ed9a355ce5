/* SPDX-License-Identifier: MIT */
/*
 * Context managers: what is set up before a block and torn down after it,
 * written as one function; Python's @asynccontextmanager, aiotools' actxmgr.
 *
 *     static int transaction(hem_actx *cm, void *arg)      // the manager
 *     {
 *         struct db *db = arg;
 *         HEM_TRY(db_begin(db));
 *         int rc = hem_actx_yield(cm, db);                 // here the block runs
 *         if (rc < 0) {
 *             db_rollback(db);
 *             return rc;
 *         }
 *         return db_commit(db);
 *     }
 *
 *     HEM_ACTX(cm);
 *     HEM_TRY(hem_actx_open(&cm, transaction, &db, NULL));
 *     int rc = work(&db);
 *     return hem_actx_close(&cm, rc);
 *
 * A manager is a generator (gen.h) that yields once: it runs inside the task
 * that opens and closes it, and may wait in both parts. The yield returns 0,
 * or the error that the block ended with. What the manager returns is how the
 * block ends for others: the same error to pass it on, 0 to swallow it, another
 * one to replace it.
 *
 * A manager that is left open is closed when hem_run() ends, as a generator is.
 *
 * A group of managers is set up and torn down side by side, each in a task of
 * its own; aiotools' actxgroup:
 *
 *     hem_actx_member m[] = {
 *         HEM_ACTX_MEMBER(connection, &primary),
 *         HEM_ACTX_MEMBER(connection, &replica),
 *     };
 *     hem_actx_group g;
 *     HEM_TRY(hem_actx_group_open(&g, m, 2));
 *     int rc = m[0].entered < 0 ? m[0].entered : work(m[0].value);
 *     return hem_actx_group_close(&g, rc);
 *
 * exit_stack.h has managers whose number is not known in advance.
 */
#ifndef HEM_ACTX_H
#define HEM_ACTX_H

#include "base.h"
#include "failure.h"
#include "gen.h"

HEM_BEGIN_DECLS

typedef struct hem_actx hem_actx;

/* A manager. `cm` serves hem_actx_yield() only. */
typedef int hem_actx_fn(hem_actx *cm, void *arg);

/* The caller's own; private. It must stay in place until it is closed. */
struct hem_actx {
    hem_gen gen;
    hem_actx_fn *fn; /* the manager, with its argument */
    void *arg;
    bool open;
};

/*
 * Set up: run fn(cm, arg) up to its yield, and put the value of that in `*ret`
 * (not touched if NULL). If it fails before, that error is returned, and
 * HEM_EREFUSED if it returns without a yield; HEM_ENOMEM: no stack; HEM_EINVAL:
 * stack_bytes above 1 GiB. It is open only if 0 is returned. __aenter__().
 * Macros; the second takes members of hem_gen_options. [suspends if fn does]
 */
#define hem_actx_open(cm, fn, arg, ret)                                        \
    hem_actx_open_at((cm), (fn), (arg), (ret),                                 \
                     &(const hem_gen_options){.site = HEM__SITE(#fn)})
#define hem_actx_open_with(cm, fn, arg, ret, ...)                              \
    hem_actx_open_at(                                                          \
        (cm), (fn), (arg), (ret),                                              \
        &(const hem_gen_options){__VA_ARGS__, .site = HEM__SITE(#fn)})

HEM_API HEM_CHECK int hem_actx_open_at(hem_actx *cm, hem_actx_fn *fn, void *arg,
                                       void **ret, const hem_gen_options *opts);

/*
 * Tear down, the block having ended with `rc`: 0 or more, or an error, which
 * the yield then returns. Returns how the block ends: the error of the
 * manager; 0 if it swallowed `rc`; else `rc`. HEM_EREFUSED: it has yielded
 * again; it was closed then, as hem_gen_close() does. HEM_EMISUSE: not open.
 * __aexit__(). [suspends if the manager does]
 */
HEM_API HEM_CHECK int hem_actx_close(hem_actx *cm, int rc);

/*
 * Declare a manager, not yet open, that is closed with its block if it is open
 * then: by return, goto or break, so that nobody has said how the block ended.
 * The yield then returns HEM_ECLOSED, and nobody is told what came of it; a
 * cancellation that the teardown meets interrupts the next wait of the task.
 */
#define HEM_ACTX(var)                                                          \
    hem_actx var __attribute__((cleanup(hem__actx_cleanup))) = {.open = false}

HEM_API void hem__actx_cleanup(hem_actx *cm);

/* In the manager: let the block run, with `value` for it. Returns how the
 * block ended: 0 or its error. As hem_gen_yield(). [loop thread] */
HEM_API HEM_CHECK int hem_actx_yield(hem_actx *cm, const void *value);

typedef struct hem_actx_group hem_actx_group;

/* A member of a group: the caller's own, in place until that is closed. */
typedef struct hem_actx_member {
    hem_actx_fn *fn; /* the manager, with its argument */
    void *arg;
    const char *enter_name; /* of the task that sets it up; NULL: FN:enter */
    const char *exit_name;  /* of the one that tears it down; NULL: FN:exit */
    size_t stack_bytes;     /* of the manager; as in hem_gen_options */
    /* To be read: */
    void *value; /* that it yielded, if `entered` is 0 */
    int entered; /* 0, or the error that setting it up ended with */
    /* What tearing it down ended with: 0, its own error, or 1: it swallowed the
     * error of the block. HEM_ESTATE: that was not done, or interrupted. */
    int exited;
    const hem_error *error; /* record of the latter error (failure.h), or NULL;
                               belongs to the calling task */
    /* Private: */
    const char *names[2]; /* filled in by the macro */
    hem_actx actx;
    hem_actx_group *group;
    struct hem_call *call; /* its operand, while it is torn down in a task */
} hem_actx_member;

/* HEM_ACTX_MEMBER(fn, arg): initialise a member, whose tasks are named after
 * the function; others of the members may follow. */
#define HEM_ACTX_MEMBER(...) HEM__ACTX_MEMBER(__VA_ARGS__, )

#define HEM__ACTX_MEMBER(function, argument, ...)                              \
    {                                                                          \
        .fn = (function), .arg = (argument),                                   \
        .names = {#function ":enter", #function ":exit"}, __VA_ARGS__          \
    }

/* The caller's own; private. */
struct hem_actx_group {
    hem_actx_member *members;
    size_t count;
    struct hem_call *calls; /* room for their tasks; NULL: not open */
    int rc;                 /* how the block ended, while it is torn down */
    hem_error *error;       /* the record of that, or NULL */
    const char *why;        /* the reason, if it was cancelled */
};

/*
 * Set up `count` managers, each in a task of its own, in the loop's own scope,
 * and wait for all. Returns 0 even if some of them failed: see `entered` of
 * each. HEM_ECANCELED: the caller was cancelled as it waited, and with it the
 * tasks; managers that were set up nevertheless have been torn down in the
 * caller, the last first, with that error. HEM_ENOMEM, HEM_EREFUSED (the loop
 * is ending): nothing was run. It is open only if 0 is returned. A manager must
 * not hold a scope or timeout round its yield: the task that opened it has
 * ended then. Returns at once if `count` is 0. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int
hem_actx_group_open(hem_actx_group *g, hem_actx_member *members, size_t count);

/*
 * Tear down those that were set up, the block having ended with `rc`, each in
 * a task of its own, and wait for all. Those that no task could be made for,
 * or whose task was cancelled before it began, are torn down in the caller. How
 * it went is in `exited` of each; the block ends with `rc` in any case, but
 * for HEM_ECANCELED: the caller was cancelled as it waited, and with it the
 * tasks. Returns at once if the group is empty. HEM_EMISUSE: not open.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_actx_group_close(hem_actx_group *g, int rc);

HEM_END_DECLS

#endif

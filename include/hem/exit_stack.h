/* SPDX-License-Identifier: MIT */
/*
 * Exit stacks: managers and functions that are collected one by one and torn
 * down together, the last one first; contextlib's AsyncExitStack.
 *
 *     HEM_EXIT_STACK(st);
 *     for (size_t i = 0; i < n; i++)
 *         HEM_TRY(hem_exit_stack_enter(&st, connection, &host[i], &conn[i]));
 *     HEM_TRY(hem_exit_stack_push(&st, remove_file, path));
 *     int rc = work(conn, n);
 *     return hem_exit_stack_close(&st, rc);
 *
 * Each of them sees the outcome that those above it have left: a manager may
 * swallow or replace an error (actx.h), a function may replace it by failing.
 * All run, whatever happens. They run in the task that closes the stack, and
 * may wait. A stack may grow while it is being closed: what is pushed then is
 * next.
 */
#ifndef HEM_EXIT_STACK_H
#define HEM_EXIT_STACK_H

#include "actx.h"
#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_exit_stack {
    struct hem__exit *top; /* the next to run; NULL: it is empty */
} hem_exit_stack;

/* Make an empty stack. It needs no deinit once it is closed. [any thread] */
HEM_API void hem_exit_stack_init(hem_exit_stack *st);

/*
 * Declare and make a stack that is closed with its block: when that is left by
 * return, goto or break, what is on it sees HEM_ECLOSED; nobody is told what
 * came of it, but a cancellation that it meets interrupts the next wait of the
 * task.
 */
#define HEM_EXIT_STACK(var)                                                    \
    hem_exit_stack var                                                         \
        __attribute__((cleanup(hem__exit_stack_cleanup))) = {.top = NULL}

HEM_API void hem__exit_stack_cleanup(hem_exit_stack *st);

/*
 * Set up the manager fn(cm, arg) and push its tearing down. As
 * hem_actx_open(); on failure nothing is pushed, on HEM_ENOMEM nothing was run
 * either. enter_async_context(). A macro. [suspends if fn does]
 */
#define hem_exit_stack_enter(st, fn, arg, ret)                                 \
    hem_exit_stack_enter_at((st), (fn), (arg), (ret),                          \
                            &(const hem_gen_options){.site = HEM__SITE(#fn)})

HEM_API HEM_CHECK int hem_exit_stack_enter_at(hem_exit_stack *st,
                                              hem_actx_fn *fn, void *arg,
                                              void **ret,
                                              const hem_gen_options *opts);

/* Push a call fn(arg), which does not see the outcome; if it returns an error,
 * that is the outcome from there on. HEM_ENOMEM: nothing was pushed.
 * push_async_callback(). [loop thread] */
HEM_API HEM_CHECK int hem_exit_stack_push(hem_exit_stack *st, hem_fn *fn,
                                          void *arg);

/* A function that sees the outcome, 0 or more or an error, and returns what
 * becomes of it: `rc` itself, as a rule. */
typedef int hem_exit_fn(void *arg, int rc);

/* Push a call fn(arg, outcome). HEM_ENOMEM: nothing was pushed.
 * push_async_exit(). [loop thread] */
HEM_API HEM_CHECK int hem_exit_stack_push_exit(hem_exit_stack *st,
                                               hem_exit_fn *fn, void *arg);

/* Move all that is on `from` on top of `to`, so that it outlives the block of
 * `from`. pop_all(). [loop thread] */
HEM_API void hem_exit_stack_move(hem_exit_stack *to, hem_exit_stack *from);

/*
 * Run all that is on the stack, the last first, the block having ended with
 * `rc`. Returns the outcome that they leave. It is empty then and may be used
 * again. aclose(), __aexit__(). [suspends if they do]
 */
HEM_API HEM_CHECK int hem_exit_stack_close(hem_exit_stack *st, int rc);

HEM_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Several calls at once: wait for all of them, for some, for each as it is
 * done, or for the first.
 *
 *     static int page(void *arg)
 *     {
 *         struct page *p = arg;
 *         hem_call c[] = {
 *             HEM_CALL(fetch_user, &p->user),
 *             HEM_CALL(fetch_cart, &p->cart, .name = "cart"),
 *             HEM_CALL_TASK(p->session),
 *         };
 *         HEM_TRY(hem_gather(c, 3, 0));      // all three, or the first error
 *         return c[0].status + c[1].status;
 *     }
 *
 * An operand is a function to be called, a task, or a future. All take an array
 * of them, which is the caller's own and stays in place, and write into each
 * how it ended: results are typed, for they are where the argument points.
 *
 * What a call makes, it ends. Functions become tasks, children of a scope of
 * the call's own (scope.h): when the call returns they have ended, by
 * themselves or cancelled. What it is given, tasks and futures that exist
 * already, belongs to others, and goes on:
 *
 *   hem_gather        all; the first failure is returned at once, and cancels
 *                     the functions that are left. With HEM_RETURN_ERRORS
 *                     failures are results as well. asyncio.gather();
 *                     aiotools.gather_safe() for functions
 *   hem_wait          all, the first, or the first failure; with a time limit.
 *                     asyncio.wait()
 *   hem_as_completed  one after the other, as they are done.
 *                     asyncio.as_completed(); aiotools.as_completed_safe()
 *   hem_race          the first result. aiotools.race()
 *
 * Cancelling a task that is in hem_gather() cancels all operands, the others
 * cancel none of those given. An operand that was cancelled ends with
 * HEM_ECANCELED. A task or future may be given twice: it is two operands.
 *
 * The end of that scope is as scope.h has it, as in the originals: a
 * cancellation of the caller while it waits for functions that have been
 * cancelled is swallowed; and if the caller is in a shield, and is interrupted
 * nevertheless by a request from before that, hem_gather() with
 * HEM_RETURN_ERRORS returns 1, and hem_race() HEM_EGROUP with the failures so
 * far, or, without any, HEM_EINVAL.
 *
 * Failures of functions that are not returned at once (HEM_RETURN_ERRORS,
 * hem_as_completed, hem_race) also go to the loop's handler of reports, as
 * those of any scope's children do, unless HEM_QUIET, or .quiet, is given.
 *
 * Records of failures (failure.h). The record of the failure that is returned
 * becomes the record of the calling task, and so does, where failures are
 * results, the group of all of them, in the order of their failing; to this
 * belong those that `error` of the operands points to.
 */
#ifndef HEM_GATHER_H
#define HEM_GATHER_H

#include "base.h"
#include "future.h"
#include "scope.h"
#include "task.h"

HEM_BEGIN_DECLS

typedef struct hem_call hem_call;

/* An operand: the caller's own, made by HEM_CALL() and the like, in place until
 * the call returns, the gathering is stopped or the iteration is closed. It may
 * be used again then. */
struct hem_call {
    hem_fn *fn;           /* what to run, as a task; or NULL */
    void *arg;            /* its argument */
    hem_future *future;   /* what exists already; or NULL */
    const hem_site *site; /* of the task; filled in by the macros */
    const char *name;     /* of the task; NULL: the function's */
    hem_context *context; /* of the task, until it ends; NULL: a copy of the
                             caller's */
    /* To be read: */
    uint32_t order;         /* it was the order-th to be done, from 1; 0: it is
                               not; the rest is valid if it is */
    int status;             /* its result or error */
    const char *reason;     /* of its cancellation; NULL: none given */
    const hem_error *error; /* the record of its failure; NULL: none */
    /* Private: */
    struct hem__calls *calls; /* to which it belongs */
    hem_call *next;           /* done after it */
    hem_future *awaited;      /* `future`, or that of the task */
    hem_done done;            /* with `awaited` */
    uint32_t expected;        /* requests to cancel that a task should see */
};

/* A function to be run as a task: HEM_CALL(fn, arg), and name and context of
 * the task: HEM_CALL(fn, arg, .name = "x", .context = &c). */
#define HEM_CALL(...) HEM__CALL(__VA_ARGS__, )
#define HEM__CALL(function, argument, ...)                                     \
    {                                                                          \
        .fn = (function), .arg = (argument), .site = HEM__SITE(#function),     \
        __VA_ARGS__                                                            \
    }

/* A task, by its handle; a future. */
#define HEM_CALL_TASK(task)                                                    \
    {                                                                          \
        .future = hem_task_future(task)                                        \
    }
#define HEM_CALL_FUTURE(f)                                                     \
    {                                                                          \
        .future = (f)                                                          \
    }

/* The operands of one call; private. */
struct hem__calls {
    hem_call *first;      /* an array */
    size_t count;         /* of so many */
    hem_call *done;       /* the first that is done, by `next`, or NULL */
    hem_call **done_last; /* the `next` of the last that is done, or &done */
    uint32_t done_count;  /* how many are */
};

enum {
    HEM_RETURN_ERRORS = 1,     /* failures are results */
    HEM_CONTINUE_ON_ERROR = 2, /* a failure does not end a race */
    HEM_QUIET = 4,             /* do not report failures of functions as well */
};

/*
 * Wait until all operands are done; 0. Returns at once if they are done
 * already, or `n` is 0. Without HEM_RETURN_ERRORS the first failure, HEM_ECANCELED
 * of a cancelled operand included, is returned at once: functions that have
 * not ended are cancelled, and waited for; others are left alone.
 *
 * HEM_ECANCELED also if the caller was cancelled: that cancels all operands,
 * and the wait goes on until all of them are done. HEM_ENOMEM: nothing ran.
 * HEM_EINVAL: an operand is no function and no future, or both; or flags. HEM_EREFUSED: the
 * caller is an operand; or the loop is ending, and nothing ran. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_gather(hem_call *c, size_t n, unsigned flags);

/* A gathering: the caller's own, private. */
typedef struct hem_gathering hem_gathering;

struct hem_gathering {
    hem_future future;       /* how it ends */
    struct hem__calls calls; /* its operands */
    unsigned flags;          /* of hem_gather_start() */
    bool requested;          /* to be cancelled, and passed that on */
    bool cancelling;         /* it passes a request on just now: */
    bool nested;             /* that of `outer`, of which it is an operand */
    bool passed_on;          /* an operand took it */
    size_t at;               /* so many operands had it */
    hem_gathering *outer;    /* goes on with its own then, or NULL */
};

/*
 * Gather tasks and futures without waiting: hem_gather_future() is done when
 * they are, with 0 or the first failure, as hem_gather(). Cancelling that
 * future cancels all operands that are not done; it is done when they are, as
 * failed with HEM_ECANCELED. If all are done already, or n is 0, so is the
 * future. The operands and their results are valid until hem_gather_stop().
 * HEM_EINVAL: an operand is a function, or nothing; or flags. [loop thread]
 */
HEM_API HEM_CHECK int hem_gather_start(hem_gathering *g, hem_call *c, size_t n,
                                       unsigned flags);

/* Return the future of a gathering; it is valid as long as that is in place,
 * also when it was stopped. [loop thread] */
HEM_API hem_future *hem_gather_future(hem_gathering *g);

/* Have no more to do with the operands, whose records are given up. Must be
 * called before their memory goes, or that of the gathering. Those who still
 * wait for its future get HEM_ECANCELED. [loop thread] */
HEM_API void hem_gather_stop(hem_gathering *g);

/* What hem_wait() waits for. */
typedef enum hem_wait_mode {
    HEM_ALL_COMPLETED,   /* all are done */
    HEM_FIRST_COMPLETED, /* one is done */
    HEM_FIRST_ERROR      /* all are done, or one has failed; cancelled is not
                            failed */
} hem_wait_mode;

typedef struct hem_wait_options {
    hem_wait_mode mode;
    hem_ns timeout; /* 0: none; negative: one turn of the loop */
} hem_wait_options;

/*
 * Wait for some of the operands, tasks and futures, and return how many are
 * done: those with `order` > 0. It always gives way once, also if all are done
 * already. Neither the end of the time nor a cancellation of the caller, which
 * returns HEM_ECANCELED, does anything to them. `opts` may be NULL. HEM_EINVAL:
 * there is none, one is a function, or nothing; or the mode. HEM_ENOMEM.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_wait(hem_call *c, size_t n,
                               const hem_wait_options *opts);

typedef struct hem_as_completed_options {
    hem_ns timeout; /* from the opening; 0: none, negative: at once */
    bool quiet;     /* do not report failures of functions */
    int none;       /* not used: HEM_AS_COMPLETED(it, c, n) needs it */
} hem_as_completed_options;

/* An iteration: the caller's own, private. */
typedef struct hem_as_completed {
    struct hem__calls calls; /* its operands */
    hem_call **next;         /* where the next one to be handed out is */
    hem_scope scope;         /* of the functions, if `scoped` */
    struct hem__timer timer; /* the timeout, if `timed` */
    hem_future *arrival;     /* `next` waits for it, or NULL */
    struct hem_task *owner;  /* who opened it */
    size_t handed_out;       /* so many operands */
    size_t in_time;          /* so many may be: those done before the timeout */
    int failed;              /* with what `next` did, or the opening; or 0 */
    uint8_t state;           /* enum hem__as_completed_state */
    bool scoped;             /* there are functions */
    bool expired;            /* the timeout fired */
} hem_as_completed;

/*
 * Begin to hand out operands as they are done:
 *
 *     hem_as_completed it;
 *     hem_call *call;
 *     int rc = hem_as_completed_open(&it, c, n, NULL);
 *     if (rc < 0)
 *         return rc;
 *     while ((rc = hem_as_completed_next(&it, &call)) > 0) {
 *         if ((rc = store(call->arg, call->status)) < 0)
 *             break;
 *     }
 *     return hem_as_completed_close(&it, rc);
 *
 * The functions begin now. If there are some, their scope is open until the
 * close: it nests with the caller's other scopes. `opts` may be NULL.
 * HEM_ENOMEM, and HEM_EREFUSED: the loop is ending: not open, nothing runs.
 * HEM_EINVAL: an operand is no function and no future, or both. [loop thread]
 */
HEM_API HEM_CHECK int
hem_as_completed_open(hem_as_completed *it, hem_call *c, size_t n,
                      const hem_as_completed_options *opts);

/*
 * Wait for the next operand: 1, and the operand, whose `error` is the record of
 * the calling task; 0: there are no more. Returns at once if one is done
 * already. HEM_ETIMEDOUT: the time is over, and none is done; HEM_ECANCELED:
 * both leave the operands alone, and it may be called again. HEM_EMISUSE: not
 * open. Aborts the process if the caller did not open it. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_as_completed_next(hem_as_completed *it,
                                            hem_call **ret);

/*
 * End it: `rc` is how the loop's body ended. Functions that have not ended are
 * cancelled, and waited for; other operands are left alone. Returns `rc`; but
 * HEM_ECANCELED if there were functions, all operands were handed out, and the
 * caller was cancelled meanwhile and did not take that back. Records of
 * operands are given up, but for that of the calling task. Returns at once if
 * no function is left. HEM_EMISUSE: not open. Aborts the process if the caller
 * did not open it, or has an inner scope open. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_as_completed_close(hem_as_completed *it, int rc);

/*
 * Declare and open an iteration `var` over `n` operands, that is also closed,
 * cancelling what is left, when the block is left by return, goto or break;
 * options as members of hem_as_completed_options. If it could not be opened,
 * the others return the error.
 *
 *     HEM_AS_COMPLETED(it, c, n, .timeout = HEM_SEC);
 */
#define HEM_AS_COMPLETED(...) HEM__AS_COMPLETED(__VA_ARGS__, )
#define HEM__AS_COMPLETED(var, c, n, ...)                                      \
    hem_as_completed var __attribute__((cleanup(hem__as_completed_cleanup)));  \
    hem__as_completed_open_block(                                              \
        &var, (c), (n),                                                        \
        &(const hem_as_completed_options){.none = 0, __VA_ARGS__})

HEM_API void hem__as_completed_open_block(hem_as_completed *it, hem_call *c,
                                          size_t n,
                                          const hem_as_completed_options *opts);
HEM_API void hem__as_completed_cleanup(hem_as_completed *it);

/*
 * Wait for the first operand to succeed, and return its index; its result is in
 * its status. Functions that have not ended are cancelled, and waited for;
 * other operands are left alone. The first failure is returned instead; with
 * HEM_CONTINUE_ON_ERROR it is not, unless all fail: HEM_EGROUP, with the group
 * of them as the record. A cancelled operand ends the race in any case:
 * HEM_ECANCELED, as if the caller was cancelled.
 *
 * HEM_ENOMEM: nothing ran. HEM_EREFUSED: the loop is ending, nothing ran.
 * HEM_EINVAL: there is no operand, one is no function and no future, or both;
 * or flags. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_race(hem_call *c, size_t n, unsigned flags);

HEM_END_DECLS

#endif

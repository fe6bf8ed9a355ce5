/* SPDX-License-Identifier: MIT */
/*
 * The ground floor: version, time, and what all headers share.
 */
#ifndef HEM_BASE_H
#define HEM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
#define HEM_BEGIN_DECLS extern "C" {
#define HEM_END_DECLS   }
#else
#define HEM_BEGIN_DECLS
#define HEM_END_DECLS
#endif

/* Exported from the shared library. */
#define HEM_API __attribute__((visibility("default")))
/* The compiler warns when the result is ignored. */
#define HEM_CHECK __attribute__((warn_unused_result))

#define HEM_VERSION_MAJOR 0
#define HEM_VERSION_MINOR 1
#define HEM_VERSION_PATCH 0

HEM_BEGIN_DECLS

/* The function of a task, a thread call, a child process: what it returns, 0
 * or more, or a negative error, is its result. */
typedef int hem_fn(void *arg);

/* Nanoseconds: a duration, or a point on the clock of the loop. */
typedef int64_t hem_ns;

#define HEM_NSEC ((hem_ns)1)
#define HEM_USEC ((hem_ns)1000)
#define HEM_MSEC ((hem_ns)1000000)
#define HEM_SEC  ((hem_ns)1000000000)
/* Later than everything. */
#define HEM_NEVER INT64_MAX

/* Leave the function with the error if `expr`, an int or ssize_t evaluated
 * once, is negative. In the body of a task group use HEM_TRY_IN (scope.h). */
#define HEM_TRY(expr)                                                          \
    do {                                                                       \
        const int64_t hem_try_ = (int64_t)(expr);                              \
        if (hem_try_ < 0)                                                      \
            return (int)hem_try_;                                              \
    } while (0)

/* Return the version of the library in use, "0.1.0". [any thread] */
HEM_API const char *hem_version(void);

/*
 * Storage of objects that callers own. The members belong to the library.
 */
struct hem__list { /* a ring; an element or its head */
    struct hem__list *next;
    struct hem__list *prev;
};

struct hem__ready {          /* something that the loop will run */
    struct hem__ready *next; /* behind it in the ready queue */
    /* how; NULL: it is a task, to be resumed */
    void (*run)(struct hem__ready *self);
};

struct hem__job { /* of these, what is to be run; it may be called off */
    struct hem__ready ready;
    struct hem__ready **at; /* what points to it, unless it is the first */
};

struct hem__timer { /* an alarm of the loop */
    hem_ns when;    /* deadline on the clock of the loop */
    uint32_t index; /* place in the heap, 0: not armed */
    uint32_t seq;   /* orders equal deadlines */
    void (*fire)(struct hem__timer *self); /* in the loop, no task current */
};

struct hem__outcome {         /* what futures and tasks have in common */
    struct hem__list waiters; /* told when it is done, in order */
    const char *why;          /* reason, if cancelled */
    int status;               /* result or error, valid when done */
    uint8_t state;            /* enum hem__outcome_state */
    uint8_t flags;            /* the owner's */
    uint16_t spare;           /* the owner's */
};

struct hem__fiber;
struct hem_task;

struct hem__fd {               /* a descriptor of a loop */
    struct hem__fiber *reader; /* who waits to read, or NULL */
    struct hem__fiber *writer; /* who waits to write, or NULL */
    /* Called in the loop at each event, no task current; or NULL. */
    void (*on_ready)(struct hem__fd *self);
    int fd;           /* valid while it is open; -1: there is none */
    uint32_t gen;     /* tells it from earlier uses of its number */
    uint32_t loop_id; /* of the loop in which it is open; 0: closed */
    uint8_t watched;  /* enum hem__fd_ready: registered with the poller for */
    uint8_t ready;    /* enum hem__fd_ready: what may be ready */
};

struct hem__waiter {          /* somebody who waits for an outcome */
    struct hem__list link;    /* among the waiters */
    struct hem__ready *ready; /* what becomes ready */
    struct hem__outcome *of;  /* what it waits for */
};

struct hem__nursery { /* what the tasks of a scope, or a loop, belong to */
    /* Tasks in order of creation: not ended, or ended with a handle. */
    struct hem__list tasks;
    struct hem__list open; /* among those of scopes that nest with none */
    size_t count;          /* those that have not ended */
    bool watched;          /* `ended` is called for all */
    /* A child has ended that failed, or was the last one: called as it ends,
     * no task current. */
    void (*ended)(struct hem__nursery *self, struct hem_task *child);
    /* The function of a child has failed: called in the child, which ends with
     * what it returns, an error; or NULL. */
    int (*failed)(struct hem__nursery *self, struct hem_task *child,
                  int status);
};

#define HEM__SHIELD_WHYS 4

struct hem__shield { /* an open scope on the stack of its owner's scopes */
    struct hem__shield *outer;         /* the next one out */
    struct hem__shield *keeper;        /* itself or the next one out that keeps
                                          requests back; NULL: none */
    const char *why[HEM__SHIELD_WHYS]; /* of the last requests kept back */
    uint32_t deferred;                 /* number of requests kept back */
};

HEM_END_DECLS

#endif

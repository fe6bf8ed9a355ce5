/* SPDX-License-Identifier: MIT */
/*
 * Connecting to the first of several addresses that answers, after RFC 8305. A
 * race is the caller's own, on the stack of his task; what came of each address
 * may be read in it afterwards.
 */
#ifndef HEM__IO_HAPPY_H
#define HEM__IO_HAPPY_H

#include "hem/address.h"
#include "io/stream.h"

#define HEM__ATTEMPTS_MAX 16

/* An address on its way: waiting -> under way -> failed, or the winner. */
typedef struct hem__attempt {
    hem__fd fd;             /* open while it is under way */
    struct hem__race *race; /* to which it belongs */
    int error;              /* how it failed; 0: it did not, so far */
} hem__attempt;

typedef struct hem__race {
    /* Set by the caller: */
    hem_stream *stream;           /* which is to be opened */
    const hem_address *addresses; /* in the order of trying */
    size_t count;                 /* 1 to HEM__ATTEMPTS_MAX */
    const hem_address *local;     /* to be bound to, or NULL */
    hem_ns delay;   /* head start of each, HEM_NEVER: all it needs */
    uint32_t limit; /* of the stream's read-ahead */
    /* By the race: */
    hem_loop *loop;
    size_t begun;            /* so many were tried, or are */
    struct hem__timer timer; /* of the next start */
    bool due;                /* it has fired */
    bool again;              /* it is the last one that is to be tried again */
    bool waited;             /* it gave way to other tasks */
    hem_ns pause;            /* before that */
    hem__attempt attempts[HEM__ATTEMPTS_MAX];
} hem__race;

/* Let the families of `count` addresses take turns, beginning with that of the
 * first; each keeps its order. */
void hem__happy_interleave(hem_address *a, size_t count);

/*
 * Open `s` without a descriptor, as one that is being connected: others find it
 * busy, and may close it. Returns a mark, by which it can be told; unmarking
 * closes it again, and returns `rc`, or HEM_EBADF if somebody else has closed
 * it, but for HEM_ECANCELED.
 */
uint32_t hem__happy_mark(hem_loop *l, hem_stream *s);
int hem__happy_unmark(hem_loop *l, hem_stream *s, uint32_t mark, int rc);

/*
 * Open the stream by connecting to one of the addresses. [suspends] [cancel
 * point]. HEM_ECANCELED; HEM_EBADF: it was closed meanwhile; HEM_ENOMEM; or
 * HEM_EGROUP, all have failed. The stream is closed then, and no descriptor left.
 */
int hem__happy_connect(hem__race *r);

#endif

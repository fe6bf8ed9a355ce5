/* SPDX-License-Identifier: MIT */
/*
 * The signals of a loop: one signalfd for all that receive any, and a box for
 * each receiver with a queue for each of its numbers. The loop reads the
 * descriptor when it has something (level-triggered, a batch at a time), and
 * puts a copy into each queue of the number.
 *
 * A queue of a standard signal has one place, and what comes again replaces
 * what is there. A queue of a realtime signal has more; where one of them has
 * no room for a whole batch its number is held: taken out of the signalfd's
 * set, so that the kernel keeps the rest, until there is room in all of them.
 *
 * Who closes the last box of a number gives back to the kernel what nobody has
 * taken: for this, whoever takes a signal marks the copies of the others.
 */
#ifndef HEM__LOOP_SIGNALS_H
#define HEM__LOOP_SIGNALS_H

#include "base/list.h"
#include "hem/signal.h"
#include "loop/fiber.h"
#include "loop/loop.h"

#define HEM__SIGNAL_COUNT 64
#define HEM__SIGNAL_BATCH 16
#define HEM__SIGNAL_ROOM  80 /* of a realtime queue: 64, and a batch */

typedef struct hem__signal_entry {
    hem_signal_info info;
    uint64_t serial; /* of the arrival that it is from */
    uint64_t since;  /* of the first that it stands for */
    bool taken;      /* somebody else took it from his queue */
} hem__signal_entry;

typedef struct hem__signal_queue {
    hem__list link; /* among those of its number */
    struct hem__signal_box *box;
    hem__signal_entry *entries; /* a ring of `room` */
    uint32_t room, first, count;
    int signo;
} hem__signal_queue;

typedef struct hem__signal_box hem__signal_box;

struct hem__signal_box {
    hem__list link; /* among the loop's */
    /* Something came into the box: called in the loop, or by hem__signals_read
     * in a task; must only make things ready. */
    void (*arrived)(void *owner);
    void *owner;
    size_t unread; /* entries in the queues */
    uint32_t count;
    hem__signal_queue queues[];
};

/* A set of signals: bit n-1 for signal n. */
typedef uint64_t hem__signal_mask;

/* Add the box of `owner` for the numbers in `mask`; the errors of
 * hem_signal_open(), with which nothing has changed. */
int hem__signals_open(hem_loop *l, hem__signal_mask mask,
                      void (*arrived)(void *owner), void *owner,
                      hem__signal_box **ret);

void hem__signals_close(hem_loop *l, hem__signal_box *box);

/* Put what has arrived, up to a batch of it, into the boxes. */
void hem__signals_read(hem_loop *l);

/* Take the oldest out of a box that has one. */
hem_signal_info hem__signals_take(hem_loop *l, hem__signal_box *box);

/* Close the boxes that were left open. */
void hem__signals_deinit(hem_loop *l);

/* The mask of numbers that end with 0, or of one; 0: one is unfit. */
hem__signal_mask hem__signal_mask_of(const int *signals);

#endif

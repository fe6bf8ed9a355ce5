/* SPDX-License-Identifier: MIT */
/*
 * Queues between tasks: asyncio.Queue, LifoQueue and PriorityQueue.
 *
 *     hem_queue q;
 *     hem_queue_init(&q, &(hem_queue_options){.max_items = 100});
 *     HEM_TRY(hem_queue_put(&q, job));             // waits while it is full
 *     ...
 *     void *job;
 *     HEM_TRY(hem_queue_get(&q, &job));            // waits while it is empty
 *     HEM_TRY(hem_queue_task_done(&q));
 *     ...
 *     HEM_TRY(hem_queue_join(&q));                 // all jobs are done
 *     hem_queue_deinit(&q);
 *
 * Items are pointers and belong to the users. They are not handed over: a task
 * that is woken takes what it finds, and waits again if that is nothing; one
 * that is cancelled in that very turn wakes the next.
 */
#ifndef HEM_QUEUE_H
#define HEM_QUEUE_H

#include "base.h"

HEM_BEGIN_DECLS

typedef enum hem_queue_order {
    HEM_FIFO,
    HEM_LIFO,
    HEM_PRIORITY, /* the least by `compare` first, equals as they came */
} hem_queue_order;

typedef struct hem_queue_options {
    size_t max_items; /* 0: 1,048,576 */
    hem_queue_order order;
    /* Of HEM_PRIORITY: negative, 0 or positive as `a` is before, equal to, or
     * behind `b`. NULL: by the value of the pointers as intptr_t. */
    int (*compare)(const void *a, const void *b);
} hem_queue_options;

/* The caller's own; private. */
typedef struct hem_queue {
    struct hem__list getters; /* who waits to get, the oldest first */
    struct hem__list putters; /* who waits to put */
    struct hem__list joiners; /* who waits for all to be done */
    struct hem__queue_item *items;
    size_t first;    /* of a FIFO: index of the oldest */
    size_t count;    /* of items */
    size_t capacity; /* of `items` */
    size_t max_items;
    size_t unfinished; /* put and not yet done */
    uint64_t seq;      /* of the next item */
    int (*compare)(const void *a, const void *b);
    uint8_t order; /* hem_queue_order */
    bool closed;   /* shut down */
} hem_queue;

/* Make an empty queue; NULL: all defaults. [any thread] */
HEM_API void hem_queue_init(hem_queue *q, const hem_queue_options *opts);

/* Free it; nobody waits. Items left are the users' business. [loop thread] */
HEM_API void hem_queue_deinit(hem_queue *q);

/* Put an item, waiting while it is full. HEM_ESHUTDOWN: it was shut down;
 * HEM_ENOMEM; HEM_ECANCELED. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_queue_put(hem_queue *q, void *item);

/* Take an item, waiting while it is empty. HEM_ESHUTDOWN: it was shut down and
 * is empty; HEM_ECANCELED. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_queue_get(hem_queue *q, void **ret);

/* The same without waiting: HEM_EFULL, HEM_EEMPTY. [loop thread] */
HEM_API HEM_CHECK int hem_queue_try_put(hem_queue *q, void *item);
HEM_API HEM_CHECK int hem_queue_try_get(hem_queue *q, void **ret);

/* Tell that an item that was got is done with. HEM_EINVAL: more often than
 * items were put. [loop thread] */
HEM_API HEM_CHECK int hem_queue_task_done(hem_queue *q);

/* Wait until all items are done with; at once if they are. HEM_ECANCELED.
 * [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_queue_join(hem_queue *q);

/* Take no more items; getters get what is left, then HEM_ESHUTDOWN. With
 * `immediate` what is left is dropped and counts as done. [loop thread] */
HEM_API void hem_queue_shutdown(hem_queue *q, bool immediate);

/* Return the number of items. [loop thread] */
HEM_API size_t hem_queue_size(const hem_queue *q);

HEM_END_DECLS

#endif

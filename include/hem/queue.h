/* SPDX-License-Identifier: MIT */
/*
 * Queues between tasks: asyncio.Queue, LifoQueue and PriorityQueue.
 *
 *     hem_queue q;
 *     hem_queue_init(&q, &(hem_queue_options){.max_items = 100});
 *     HEM_TRY(hem_queue_put(&q, job));              // waits while it is full
 *     ...
 *     void *job;
 *     while ((rc = hem_queue_get(&q, &job)) == 0) { // waits while it is empty
 *         work(job);
 *         HEM_TRY(hem_queue_task_done(&q));
 *     }
 *     ...
 *     HEM_TRY(hem_queue_join(&q));                  // all jobs are done
 *     hem_queue_shutdown(&q, false);                // getters: HEM_ESHUTDOWN
 *     ...                                           // they have ended
 *     hem_queue_deinit(&q);
 *
 * open --shutdown--> draining: no more puts --last item is got--> empty.
 *
 * Items are pointers, any value, and belong to the users. They are not handed
 * over: a task that is woken takes what it finds, and waits again, behind the
 * others, if that is nothing; one that is cancelled in that very turn wakes the
 * next, so no item is left lying while somebody waits for one. A put or a get
 * that returns HEM_ECANCELED has put or taken nothing.
 *
 * A queue belongs to the loop whose tasks use it, and is for one thread: to put
 * something in from another, hem_post() a function that does. In a forked child
 * nobody waits for it any more: take out what is left, deinit it, make it anew.
 */
#ifndef HEM_QUEUE_H
#define HEM_QUEUE_H

#include "base.h"

HEM_BEGIN_DECLS

typedef enum hem_queue_order {
    HEM_FIFO,     /* the oldest first */
    HEM_LIFO,     /* the newest first */
    HEM_PRIORITY, /* the least by `compare` first, equals as they came */
} hem_queue_order;

typedef struct hem_queue_options {
    size_t max_items;      /* 0: 1,048,576 */
    hem_queue_order order; /* of the items that are got */
    /* Of HEM_PRIORITY: negative, 0 or positive as `a` is before, equal to, or
     * behind `b`; must not use the queue. NULL: by the value of the pointers as
     * intptr_t. */
    int (*compare)(const void *a, const void *b);
} hem_queue_options;

/* The caller's own; private. */
typedef struct hem_queue {
    struct hem__list getters;      /* who waits to get, the oldest first */
    struct hem__list putters;      /* who waits to put */
    struct hem__list joiners;      /* who waits for all to be done */
    struct hem__queue_item *items; /* NULL: none were put yet */
    size_t first;                  /* of a FIFO: index of the oldest */
    size_t count;                  /* of items */
    size_t capacity;               /* of `items`, at most max_items */
    size_t max_items;              /* as in the options, or the default */
    size_t unfinished;             /* put and not yet done */
    uint64_t seq;                  /* of the next item */
    /* As in the options, or the default. */
    int (*compare)(const void *a, const void *b);
    uint8_t order; /* hem_queue_order */
    bool closed;   /* shut down */
} hem_queue;

/* Make an empty queue; `opts` is borrowed until the return, NULL: all defaults.
 * Memory is allocated as it fills. [any thread] */
HEM_API void hem_queue_init(hem_queue *q, const hem_queue_options *opts);

/* Free its memory. Items left are the users' business. Those who were let go
 * must have run before the hem_queue itself goes. Aborts the process if tasks
 * of a loop of this thread wait. [any thread] */
HEM_API void hem_queue_deinit(hem_queue *q);

/*
 * Put an item, waiting while it is full; returns 0 at once if it is not.
 * HEM_ESHUTDOWN: it was shut down; HEM_ENOMEM; HEM_ECANCELED: nothing was put,
 * the item is the caller's. asyncio's Queue.put(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_queue_put(hem_queue *q, void *item);

/*
 * Take an item, waiting while it is empty; returns 0 at once if it is not.
 * HEM_ESHUTDOWN: it was shut down and is empty; HEM_ECANCELED: nothing was
 * taken. asyncio's Queue.get(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_queue_get(hem_queue *q, void **ret);

/* The same without waiting: HEM_EFULL, HEM_EEMPTY. asyncio's put_nowait() and
 * get_nowait(). [loop thread] */
HEM_API HEM_CHECK int hem_queue_try_put(hem_queue *q, void *item);
HEM_API HEM_CHECK int hem_queue_try_get(hem_queue *q, void **ret);

/* Tell that an item that was got is done with; the last one lets
 * hem_queue_join() go on. HEM_EINVAL: more often than items were put.
 * [loop thread] */
HEM_API HEM_CHECK int hem_queue_task_done(hem_queue *q);

/* Wait until all items that were put are done with; returns 0 at once if they
 * are. HEM_ECANCELED. asyncio's Queue.join(). [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_queue_join(hem_queue *q);

/*
 * Take no more items: puts, also those that wait, get HEM_ESHUTDOWN; getters
 * get what is left, and then that. With `immediate` what is left is dropped and
 * counts as done; items that must be freed can be taken out before by
 * hem_queue_try_get() and hem_queue_task_done(). May be repeated.
 * [loop thread]
 */
HEM_API void hem_queue_shutdown(hem_queue *q, bool immediate);

/* Return the number of items. [loop thread] */
HEM_API size_t hem_queue_size(const hem_queue *q);

HEM_END_DECLS

#endif

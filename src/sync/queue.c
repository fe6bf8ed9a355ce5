/* SPDX-License-Identifier: MIT */
/*
 * Queues: a ring for FIFO, a stack for LIFO, a binary heap for PRIORITY, all
 * in one array that grows to the limit.
 */
#include "hem/queue.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "sync/waiters.h"

#define DEFAULT_MAX_ITEMS ((size_t)1 << 20)
#define FIRST_CAPACITY    16

struct hem__queue_item {
    void *item;
    uint64_t seq; /* orders equals */
};

typedef struct hem__queue_item entry;

static int by_value(const void *a, const void *b)
{
    return ((intptr_t)a > (intptr_t)b) - ((intptr_t)a < (intptr_t)b);
}

void hem_queue_init(hem_queue *q, const hem_queue_options *opts)
{
    static const hem_queue_options defaults;
    const hem_queue_options *o = opts ? opts : &defaults;
    memset(q, 0, sizeof(*q));
    hem__list_init(&q->getters);
    hem__list_init(&q->putters);
    hem__list_init(&q->joiners);
    q->max_items = o->max_items ? o->max_items : DEFAULT_MAX_ITEMS;
    q->order = (uint8_t)o->order;
    q->compare = o->compare ? o->compare : by_value;
}

void hem_queue_deinit(hem_queue *q)
{
    bool waited_for = !hem__list_empty(&q->getters) ||
                      !hem__list_empty(&q->putters) ||
                      !hem__list_empty(&q->joiners);
    if (waited_for && hem_loop_current()) /* else they are a forked parent's */
        hem__abort("hem_queue_deinit: tasks wait for the queue");
    hem__free(q->items);
    q->items = NULL;
    q->count = q->capacity = 0;
}

static int grow(hem_queue *q)
{
    size_t capacity = q->capacity ? q->capacity * 2 : FIRST_CAPACITY;
    if (capacity > q->max_items)
        capacity = q->max_items;
    entry *items = hem__alloc(capacity * sizeof(*items));
    if (!items)
        return HEM_ENOMEM;
    for (size_t i = 0; i < q->count; i++)
        items[i] = q->items[(q->first + i) % q->capacity];
    hem__free(q->items);
    q->items = items;
    q->first = 0;
    q->capacity = capacity;
    return 0;
}

static bool before(const hem_queue *q, const entry *a, const entry *b)
{
    int order = q->compare(a->item, b->item);
    return order ? order < 0 : a->seq < b->seq;
}

static void heap_add(hem_queue *q, entry e)
{
    size_t i = q->count++;
    for (; i > 0 && before(q, &e, &q->items[(i - 1) / 2]); i = (i - 1) / 2)
        q->items[i] = q->items[(i - 1) / 2];
    q->items[i] = e;
}

static void *heap_take(hem_queue *q)
{
    void *least = q->items[0].item;
    entry last = q->items[--q->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < q->count; i = child) {
        if (child + 1 < q->count &&
            before(q, &q->items[child + 1], &q->items[child]))
            child++;
        if (!before(q, &q->items[child], &last))
            break;
        q->items[i] = q->items[child];
    }
    q->items[i] = last;
    return least;
}

static void add(hem_queue *q, void *item)
{
    entry e = {item, q->seq++};
    if (q->order == HEM_PRIORITY)
        heap_add(q, e);
    else
        q->items[(q->first + q->count++) % q->capacity] = e;
}

static void *take(hem_queue *q)
{
    if (q->order == HEM_PRIORITY)
        return heap_take(q);
    if (q->order == HEM_LIFO)
        return q->items[--q->count].item;
    void *item = q->items[q->first].item;
    q->first = (q->first + 1) % q->capacity;
    q->count--;
    return item;
}

static int put_now(hem_queue *q, void *item, const char *function)
{
    if (q->closed)
        return HEM_ESHUTDOWN;
    if (q->count >= q->max_items)
        return HEM_EFULL;
    if (q->count == q->capacity)
        HEM_TRY(grow(q));
    add(q, item);
    q->unfinished++;
    hem__sync_wake(&q->getters, 1, function);
    return 0;
}

static int get_now(hem_queue *q, void **ret, const char *function)
{
    if (q->count == 0)
        return q->closed ? HEM_ESHUTDOWN : HEM_EEMPTY;
    *ret = take(q);
    hem__sync_wake(&q->putters, 1, function);
    return 0;
}

int hem_queue_try_put(hem_queue *q, void *item)
{
    return put_now(q, item, "hem_queue_try_put");
}

int hem_queue_try_get(hem_queue *q, void **ret)
{
    return get_now(q, ret, "hem_queue_try_get");
}

int hem_queue_put(hem_queue *q, void *item)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("queue put", "hem_queue_put");
    while (q->count >= q->max_items && !q->closed) {
        struct hem__sync_waiter w;
        int rc = hem__sync_wait(&q->putters, &w, &kind);
        if (rc < 0) {
            if (q->count < q->max_items && hem__sync_granted(&w))
                hem__sync_wake(&q->putters, 1, kind.function);
            return rc;
        }
    }
    return put_now(q, item, kind.function);
}

int hem_queue_get(hem_queue *q, void **ret)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("queue get", "hem_queue_get");
    while (q->count == 0 && !q->closed) {
        struct hem__sync_waiter w;
        int rc = hem__sync_wait(&q->getters, &w, &kind);
        if (rc < 0) {
            if (q->count > 0 && hem__sync_granted(&w))
                hem__sync_wake(&q->getters, 1, kind.function);
            return rc;
        }
    }
    return get_now(q, ret, kind.function);
}

static void finish(hem_queue *q, size_t n, const char *function)
{
    q->unfinished -= n;
    if (q->unfinished == 0)
        hem__sync_wake(&q->joiners, SIZE_MAX, function);
}

int hem_queue_task_done(hem_queue *q)
{
    if (q->unfinished == 0)
        return HEM_EINVAL;
    finish(q, 1, "hem_queue_task_done");
    return 0;
}

int hem_queue_join(hem_queue *q)
{
    static const hem__sync_kind kind =
        HEM__SYNC_KIND("queue join", "hem_queue_join");
    if (q->unfinished == 0)
        return 0;
    struct hem__sync_waiter w;
    return hem__sync_wait(&q->joiners, &w, &kind);
}

void hem_queue_shutdown(hem_queue *q, bool immediate)
{
    static const char function[] = "hem_queue_shutdown";
    q->closed = true;
    if (immediate && q->count > 0) {
        size_t dropped = q->count;
        q->count = 0;
        finish(q, dropped < q->unfinished ? dropped : q->unfinished, function);
    }
    hem__sync_wake(&q->getters, SIZE_MAX, function);
    hem__sync_wake(&q->putters, SIZE_MAX, function);
}

size_t hem_queue_size(const hem_queue *q)
{
    return q->count;
}

/* SPDX-License-Identifier: MIT */
/*
 * What it costs tasks to wait for each other, in CPU time of one operation; the
 * same programs as in asyncio_core.py:
 *
 *     hem_sync lock            acquire a lock that is free, and release it
 *     hem_sync lock_handover   the same, with another task that waits for it
 *     hem_sync event           set the event that the other task waits for
 *     hem_sync queue           hand an item to a task that waits for it
 *     hem_sync queue_buffered  put an item into a queue of 64, and get it
 */
#include "hem_bench.h"

#define ROUNDS     10000
#define HALF       (ROUNDS / 2) /* of each of two tasks */
#define QUEUE_SIZE 64

/* Run two tasks until both are done. */
static int two_tasks(hem_fn *first, void *first_arg, hem_fn *second,
                     void *second_arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, first, first_arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, second, second_arg));
    return hem_scope_close(&s, 0);
}

static int lock(void *arg)
{
    (void)arg;
    hem_lock l;
    hem_lock_init(&l);
    for (int i = 0; i < ROUNDS; i++) {
        HEM_TRY(hem_lock_acquire(&l));
        HEM_TRY(hem_lock_release(&l));
    }
    return 0;
}

/* Give way while it is locked, so that the other one waits for it. */
static int contender(void *arg)
{
    hem_lock *l = arg;
    for (int i = 0; i < HALF; i++) {
        HEM_TRY(hem_lock_acquire(l));
        HEM_TRY(hem_yield());
        HEM_TRY(hem_lock_release(l));
    }
    return 0;
}

static int lock_handover(void *arg)
{
    (void)arg;
    hem_lock l;
    hem_lock_init(&l);
    return two_tasks(contender, &l, contender, &l);
}

struct event_player {
    hem_event *mine, *other;
};

static int play_event(void *arg)
{
    struct event_player *p = arg;
    for (int i = 0; i < HALF; i++) {
        HEM_TRY(hem_event_wait(p->mine));
        hem_event_clear(p->mine);
        hem_event_set(p->other);
    }
    return 0;
}

static int event(void *arg)
{
    (void)arg;
    hem_event e[2];
    hem_event_init(&e[0]);
    hem_event_init(&e[1]);
    hem_event_set(&e[0]);
    struct event_player first = {&e[0], &e[1]};
    struct event_player second = {&e[1], &e[0]};
    return two_tasks(play_event, &first, play_event, &second);
}

struct queue_player {
    hem_queue *mine, *other;
};

static int play_queue(void *arg)
{
    struct queue_player *p = arg;
    for (int i = 0; i < HALF; i++) {
        void *item;
        HEM_TRY(hem_queue_get(p->mine, &item));
        HEM_TRY(hem_queue_put(p->other, item));
    }
    return 0;
}

static int queue(void *arg)
{
    (void)arg;
    hem_queue q[2];
    hem_queue_init(&q[0], &(hem_queue_options){.max_items = 1});
    hem_queue_init(&q[1], &(hem_queue_options){.max_items = 1});
    struct queue_player first = {&q[0], &q[1]};
    struct queue_player second = {&q[1], &q[0]};
    int rc = hem_queue_put(&q[0], q);
    if (rc == 0)
        rc = two_tasks(play_queue, &first, play_queue, &second);
    hem_queue_deinit(&q[0]);
    hem_queue_deinit(&q[1]);
    return rc;
}

static int produce(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        HEM_TRY(hem_queue_put(arg, arg));
    return 0;
}

static int consume(void *arg)
{
    void *item;
    for (int i = 0; i < ROUNDS; i++)
        HEM_TRY(hem_queue_get(arg, &item));
    return 0;
}

static int queue_buffered(void *arg)
{
    (void)arg;
    hem_queue q;
    hem_queue_init(&q, &(hem_queue_options){.max_items = QUEUE_SIZE});
    int rc = two_tasks(produce, &q, consume, &q);
    hem_queue_deinit(&q);
    return rc;
}

static const struct operation operations[] = {
    {"lock", lock, ROUNDS},
    {"lock_handover", lock_handover, ROUNDS},
    {"event", event, ROUNDS},
    {"queue", queue, ROUNDS},
    {"queue_buffered", queue_buffered, ROUNDS},
    {NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return bench_operations(argc, argv, operations);
}

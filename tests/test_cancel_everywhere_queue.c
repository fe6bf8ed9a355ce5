/* SPDX-License-Identifier: MIT */
/* Queues, cancelled everywhere: no item is lost, none is got twice, and
 * whoever is not cancelled gets through. */
#include "cancel_everywhere.h"
#include "support.h"

#define ITEMS 6

/* What became of each item. */
struct ledger {
    int put[ITEMS], got[ITEMS];
};

static int item_of(const void *item)
{
    return (int)(intptr_t)item;
}

static void *item(int number)
{
    return (void *)(intptr_t)number;
}

/* What is left in the queue counts as got; then each was, once. */
static void check_ledger(hem_queue *q, struct ledger *l)
{
    void *left;
    while (hem_queue_try_get(q, &left) == 0)
        l->got[item_of(left)]++;
    for (int i = 0; i < ITEMS; i++)
        check_int(l->got[i], l->put[i]);
}

/* Two put three items each into a queue of two; three get them and say when
 * they are done. */

struct work {
    hem_queue queue;
    struct ledger items;
    int producers;
};

static void work_begin(void *state)
{
    struct work *s = state;
    hem_queue_init(&s->queue, &(hem_queue_options){.max_items = 2});
}

static int produce(void *arg)
{
    struct work *s = arg;
    int first = s->producers++ * 3;
    for (int i = first; i < first + 3; i++) {
        HEM_TRY(hem_queue_put(&s->queue, item(i)));
        s->items.put[i]++;
    }
    return 0;
}

static int consume(void *arg)
{
    struct work *s = arg;
    void *got;
    int rc;
    while ((rc = hem_queue_get(&s->queue, &got)) == 0) {
        s->items.got[item_of(got)]++;
        rc = hem_sleep(HEM_MSEC);
        check_int(hem_queue_task_done(&s->queue), 0);
        HEM_TRY(rc);
    }
    return rc == HEM_ESHUTDOWN ? 0 : rc;
}

static int work_body(void *arg)
{
    struct work *s = arg;
    HEM_SCOPE(consumers);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&consumers, NULL, consume, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    HEM_SCOPE(producers);
    for (int i = 0; i < 2; i++)
        HEM_TRY(hem_scope_spawn(&producers, NULL, produce, s));
    HEM_TRY(hem_scope_close(&producers, 0));
    HEM_TRY(hem_queue_join(&s->queue));
    check_int(hem_queue_size(&s->queue), 0);
    hem_queue_shutdown(&s->queue, false);
    return hem_scope_close(&consumers, 0);
}

static void work_end(void *state, const struct disturbance *d)
{
    struct work *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->body)
        check_int(hem_queue_size(&s->queue), 0);
    check_ledger(&s->queue, &s->items);
    hem_queue_deinit(&s->queue);
}

/* Three wait, and two items are put in one turn. */

struct handover {
    hem_queue queue;
    struct ledger items;
    int got, got_in_time;
};

static void handover_begin(void *state)
{
    struct handover *s = state;
    hem_queue_init(&s->queue, &(hem_queue_options){.order = HEM_PRIORITY});
}

static int get_one(void *arg)
{
    struct handover *s = arg;
    void *got;
    int rc = hem_queue_get(&s->queue, &got);
    if (rc == HEM_ESHUTDOWN)
        return 0;
    HEM_TRY(rc);
    s->items.got[item_of(got)]++;
    s->got++;
    return 0;
}

static int handover_body(void *arg)
{
    struct handover *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&children, NULL, get_one, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    for (int i = 0; i < 2; i++) {
        check_int(hem_queue_try_put(&s->queue, item(i)), 0);
        s->items.put[i]++;
    }
    HEM_TRY(hem_sleep(HEM_MSEC));
    s->got_in_time = s->got;
    hem_queue_shutdown(&s->queue, false);
    return hem_scope_close(&children, 0);
}

static void handover_end(void *state, const struct disturbance *d)
{
    struct handover *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->body)
        check_int(s->got_in_time, 2);
    check_ledger(&s->queue, &s->items);
    hem_queue_deinit(&s->queue);
}

/* Three wait to put into a full queue, and two items are got in one turn. */

struct room {
    hem_queue queue;
    struct ledger items;
    int number, put, put_in_time;
};

static void room_begin(void *state)
{
    struct room *s = state;
    hem_queue_init(&s->queue,
                   &(hem_queue_options){.max_items = 2, .order = HEM_LIFO});
    for (; s->number < 2; s->number++) {
        check_int(hem_queue_try_put(&s->queue, item(s->number)), 0);
        s->items.put[s->number]++;
    }
}

static int put_one(void *arg)
{
    struct room *s = arg;
    int number = s->number++;
    int rc = hem_queue_put(&s->queue, item(number));
    if (rc == HEM_ESHUTDOWN)
        return 0;
    HEM_TRY(rc);
    s->items.put[number]++;
    s->put++;
    return 0;
}

static int room_body(void *arg)
{
    struct room *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&children, NULL, put_one, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    for (int i = 0; i < 2; i++) {
        void *got;
        check_int(hem_queue_try_get(&s->queue, &got), 0);
        s->items.got[item_of(got)]++;
    }
    HEM_TRY(hem_sleep(HEM_MSEC));
    s->put_in_time = s->put;
    hem_queue_shutdown(&s->queue, false);
    return hem_scope_close(&children, 0);
}

static void room_end(void *state, const struct disturbance *d)
{
    struct room *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->body)
        check_int(s->put_in_time, 2);
    check_ledger(&s->queue, &s->items);
    hem_queue_deinit(&s->queue);
}

/* Shut down while it is full: whoever waits to put is turned away, whoever
 * waits for all to be done goes on, what was in it is dropped. */

struct shutdown {
    hem_queue queue;
    int turned_away, joined;
};

static void shutdown_begin(void *state)
{
    struct shutdown *s = state;
    hem_queue_init(&s->queue, &(hem_queue_options){.max_items = 1});
    check_int(hem_queue_try_put(&s->queue, s), 0);
}

static int put_in_vain(void *arg)
{
    struct shutdown *s = arg;
    int rc = hem_queue_put(&s->queue, s);
    s->turned_away += rc == HEM_ESHUTDOWN;
    return rc == HEM_ESHUTDOWN ? 0 : rc;
}

static int join(void *arg)
{
    struct shutdown *s = arg;
    HEM_TRY(hem_queue_join(&s->queue));
    s->joined++;
    return 0;
}

static int shutdown_body(void *arg)
{
    struct shutdown *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 2; i++) {
        HEM_TRY(hem_scope_spawn(&children, NULL, put_in_vain, s));
        HEM_TRY(hem_scope_spawn(&children, NULL, join, s));
    }
    HEM_TRY(hem_sleep(HEM_MSEC));
    hem_queue_shutdown(&s->queue, true);
    return hem_scope_close(&children, 0);
}

static void shutdown_end(void *state, const struct disturbance *d)
{
    struct shutdown *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->body)
        check_int(s->turned_away + s->joined, d->requests ? 3 : 4);
    hem_queue_deinit(&s->queue);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(work),
        FLOW(handover),
        FLOW(room),
        FLOW(shutdown),
    };
    return cancel_everywhere(flows, COUNT_OF(flows));
}

/* SPDX-License-Identifier: MIT */
/* Queues: corpus/SPEC.md, section 6.13. Items are numbers, as pointers. */
#include <hem.h>

#include "arena.h"
#include "statement.h"
#include "trace.h"

#define QUEUE (1U << OBJECT_QUEUE)

static hem_queue *queue_of(struct object *o)
{
    static const hem_queue_order orders[] = {
        [QUEUE_FIFO] = HEM_FIFO,
        [QUEUE_LIFO] = HEM_LIFO,
        [QUEUE_PRIORITY] = HEM_PRIORITY,
    };
    if (!o->state) {
        o->state = arena_alloc(sizeof(hem_queue));
        hem_queue_init(o->state,
                       &(hem_queue_options){.max_items = (size_t)o->n,
                                            .order = orders[o->order]});
    }
    return o->state;
}

static void *item_of(const struct operand *o)
{
    return (void *)(intptr_t)o->number;
}

/* Of a get that returned `rc`. */
static struct outcome outcome_of_get(int rc, void *item)
{
    return outcome_of(rc < 0 ? rc : status_of_value((int)(intptr_t)item));
}

static struct flow run_put(struct activation *a, const struct node *n)
{
    (void)a;
    hem_queue *q = queue_of(n->operands[0].object);
    return exec_done_on(n,
                        outcome_of(hem_queue_put(q, item_of(n->operands + 1))));
}

static struct flow run_get(struct activation *a, const struct node *n)
{
    (void)a;
    void *item = NULL;
    int rc = hem_queue_get(queue_of(n->operands[0].object), &item);
    return exec_done_on(n, outcome_of_get(rc, item));
}

static struct flow run_put_nowait(struct activation *a, const struct node *n)
{
    (void)a;
    hem_queue *q = queue_of(n->operands[0].object);
    int rc = hem_queue_try_put(q, item_of(n->operands + 1));
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_get_nowait(struct activation *a, const struct node *n)
{
    (void)a;
    void *item = NULL;
    int rc = hem_queue_try_get(queue_of(n->operands[0].object), &item);
    return exec_done_on(n, outcome_of_get(rc, item));
}

static struct flow run_qjoin(struct activation *a, const struct node *n)
{
    (void)a;
    int rc = hem_queue_join(queue_of(n->operands[0].object));
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_task_done(struct activation *a, const struct node *n)
{
    (void)a;
    int rc = hem_queue_task_done(queue_of(n->operands[0].object));
    return exec_done_on(n, outcome_of(rc));
}

static struct flow run_qsize(struct activation *a, const struct node *n)
{
    (void)a;
    trace("qsize %s %zu", n->operands[0].word,
          hem_queue_size(queue_of(n->operands[0].object)));
    return flow_next();
}

static struct flow run_qshutdown(struct activation *a, const struct node *n)
{
    (void)a;
    hem_queue_shutdown(queue_of(n->operands[0].object),
                       n->options[OPTION_IMMEDIATE] != NULL);
    trace("qshutdown %s", n->operands[0].word);
    return flow_next();
}

// clang-format off
const struct statement queue_statements[] = {
    {"put",        "OI", NULL, 0, QUEUE, run_put},
    {"get",        "O",  NULL, 0, QUEUE, run_get},
    {"put_nowait", "OI", NULL, ST_SYNC | ST_ACTION, QUEUE, run_put_nowait},
    {"get_nowait", "O",  NULL, ST_SYNC | ST_ACTION, QUEUE, run_get_nowait},
    {"qjoin",      "O",  NULL, 0, QUEUE, run_qjoin},
    {"task_done",  "O",  NULL, ST_SYNC | ST_ACTION, QUEUE, run_task_done},
    {"qsize",      "O",  NULL, ST_SYNC | ST_ACTION, QUEUE, run_qsize},
    {"qshutdown",  "O",  "immediate", ST_SYNC | ST_ACTION, QUEUE,
                   run_qshutdown},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: MIT */
/* What a worker's function calls. */
#include "service/worker.h"

#include "base/list.h"
#include "base/log.h"
#include "hem/error.h"

static bool cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__list_remove(&f->waiter.link);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_stop = {"stop signal", cancel_wait};

/* Send what the parent will miss only if it is gone. */
static bool say(hem_worker *w, hem__message_kind kind, const char *text)
{
    hem__message m;
    hem__message_make(&m, kind, 0, text);
    return hem__channel_send(&w->channel, &m) == 0;
}

void hem_worker_ready(hem_worker *w)
{
    (void)hem__loop_need("hem_worker_ready");
    if (w->ready || !w->main)
        return;
    w->ready = true;
    atomic_store(&w->start->slot->phase, hem_worker_stop_signal(w)
                                             ? HEM_WORKER_TEAR_DOWN
                                             : HEM_WORKER_BODY);
    (void)say(w, HEM__MESSAGE_READY, NULL);
}

int hem_worker_wait(hem_worker *w)
{
    hem_loop *l = hem__loop_need("hem_worker_wait");
    hem__fiber *f = hem__fiber_need(l, "hem_worker_wait");
    hem_worker_ready(w);
    if (w->stop.state != HEM__PENDING)
        return w->stop.status;
    return hem__outcome_wait(l, f, &w->stop, &wait_stop);
}

int hem_worker_stop_signal(const hem_worker *w)
{
    bool told = w->stop.state != HEM__PENDING && w->stop.status > 0;
    return told ? w->stop.status : 0;
}

uint32_t hem_worker_index(const hem_worker *w)
{
    return w->start->index;
}

uint32_t hem_worker_generation(const hem_worker *w)
{
    return w->start->generation;
}

void *hem_worker_value(const hem_worker *w)
{
    return w->start->value;
}

void hem_worker_replace(hem_worker *w, const char *why)
{
    (void)hem__loop_need("hem_worker_replace");
    if (w->replacing || w->stop.state != HEM__PENDING)
        return;
    w->replacing = say(w, HEM__MESSAGE_REPLACE, why);
}

/* Each number in a slot is written by one thread alone: no need for the atomic
 * additions that cost. */
#define ADD(number, n)                                                         \
    atomic_store_explicit(                                                     \
        (number), atomic_load_explicit((number), memory_order_relaxed) + (n),  \
        memory_order_relaxed)

void hem_worker_count(hem_worker *w, uint64_t n)
{
    hem__slot *s = w->start->slot;
    ADD(&s->requests, n);
    if (w->limit == 0 || w->replacing)
        return;
    if (atomic_load_explicit(&s->requests, memory_order_relaxed) >= w->limit)
        hem_worker_replace(w, "max_requests reached");
}

static _Atomic int64_t *metric(hem_worker *w, size_t i, const char *function)
{
    if (i >= w->start->options->metric_count || i >= HEM_METRICS_MAX)
        hem__abort("%s: the service has no metric %zu", function, i);
    return &w->start->slot->metrics[i];
}

void hem_worker_metric_add(hem_worker *w, size_t i, int64_t delta)
{
    _Atomic int64_t *m = metric(w, i, "hem_worker_metric_add");
    uint64_t now = (uint64_t)atomic_load_explicit(m, memory_order_relaxed);
    atomic_store_explicit(m, (int64_t)(now + (uint64_t)delta),
                          memory_order_relaxed);
}

void hem_worker_metric_set(hem_worker *w, size_t i, int64_t value)
{
    _Atomic int64_t *m = metric(w, i, "hem_worker_metric_set");
    atomic_store_explicit(m, value, memory_order_relaxed);
}

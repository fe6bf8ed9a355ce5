/* SPDX-License-Identifier: MIT */
/* Waiting to be told to stop suspends; all else of worker.h never does. */
#include "support.h"

#include <signal.h>

#include "lone.h"
#include "suspension.h"

CASE(worker)
{
    (void)f;
    struct feigned w = {.lone = {.options = {.grace = 0}}};
    check_int(feigned_open(&w), 0);
    hem_worker_ready(&w.worker);
    hem_worker_count(&w.worker, 1);
    hem_worker_metric_add(&w.worker, 0, 1);
    hem_worker_metric_set(&w.worker, 0, 1);
    hem_worker_replace(&w.worker, "test");
    check_int(hem_worker_stop_signal(&w.worker), 0);
    check_int(hem_worker_index(&w.worker), 0);
    check_int(hem_worker_generation(&w.worker), 0);
    check(!hem_worker_value(&w.worker));
    check_int(hem_process_index(), -1);
    feigned_close(&w);
    return 0;
}

static void tell(void *arg)
{
    struct feigned *w = arg;
    hem__worker_tell(&w->worker, SIGTERM);
}

CASE(hem_worker_wait)
{
    static struct feigned w;
    static hem_callback cb;
    (void)f;
    memset(&w, 0, sizeof(w));
    check_int(feigned_open(&w), 0);
    hem_callback_init(&cb, tell, &w);
    check_int(hem_call_soon(&cb), 0);
    int rc = hem_worker_wait(&w.worker);
    (void)hem_callback_cancel(&cb);
    feigned_close(&w);
    return rc;
}

CASE(at_once_hem_worker_wait)
{
    (void)f;
    struct feigned w = {.lone = {.options = {.grace = 0}}};
    check_int(feigned_open(&w), 0);
    hem__worker_tell(&w.worker, SIGTERM);
    int rc = hem_worker_wait(&w.worker);
    feigned_close(&w);
    return rc;
}

static const struct suspension table[] = {
    AT_ONCE(hem_worker_wait),
    NEVER(hem_worker_ready, worker),
    NEVER(hem_worker_stop_signal, worker),
    NEVER(hem_worker_index, worker),
    NEVER(hem_worker_generation, worker),
    NEVER(hem_worker_value, worker),
    NEVER(hem_process_index, worker),
    NEVER(hem_worker_count, worker),
    NEVER(hem_worker_replace, worker),
    NEVER(hem_worker_metric_add, worker),
    NEVER(hem_worker_metric_set, worker),
};

int main(void)
{
    static const char *const headers[] = {"worker"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

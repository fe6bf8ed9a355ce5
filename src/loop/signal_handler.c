/* SPDX-License-Identifier: MIT */
/* Callbacks for signals: stopped --start--> idle --arrived--> queued --run-->
 * idle, or queued again while there are more; idle, queued --stop--> stopped. */
#include "base/list.h"
#include "hem/error.h"
#include "loop/signals.h"

static bool is_started(const hem_signal_handler *h)
{
    return h->loop_id && hem__loop && h->loop_id == hem__loop->id;
}

static void queue(void *owner)
{
    hem_signal_handler *h = owner;
    if (h->queued)
        return;
    h->queued = true;
    hem__queue_push_job(&hem__loop->ready, &h->job);
}

static void run(hem__ready *n)
{
    hem_signal_handler *h = HEM__CONTAINER(n, hem_signal_handler, job.ready);
    hem_signal_info info = hem__signals_take(hem__loop, h->box);
    h->queued = false;
    if (h->box->unread > 0)
        queue(h);
    h->fn(h->arg, &info); /* may stop and free it */
}

void hem_signal_handler_init(hem_signal_handler *h, hem_signal_fn *fn,
                             void *arg)
{
    *h = (hem_signal_handler){
        .job = {.ready = {.run = run}}, .fn = fn, .arg = arg};
}

int hem_signal_handler_start(hem_signal_handler *h, int signo)
{
    hem_loop *l = hem__loop_need("hem_signal_handler_start");
    if (is_started(h))
        return HEM_EALREADY;
    hem__signal_box *box;
    const int signals[] = {signo, 0};
    HEM_TRY(hem__signals_open(l, hem__signal_mask_of(signals), queue, h, &box));
    h->box = box;
    h->queued = false;
    h->loop_id = l->id;
    l->fd_waiters++; /* virtual time looks at the outside for it */
    return 0;
}

bool hem_signal_handler_stop(hem_signal_handler *h)
{
    if (!is_started(h))
        return false;
    hem_loop *l = hem__loop_need("hem_signal_handler_stop");
    if (h->queued)
        hem__queue_remove(&l->ready, &h->job);
    h->queued = false;
    h->loop_id = 0;
    l->fd_waiters--;
    hem__signals_close(l, h->box);
    return true;
}

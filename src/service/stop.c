/* SPDX-License-Identifier: MIT */
/*
 * The steps of stopping.
 *
 *     STARTING, READY --hem__service_stop--> UNREADY --tell_all--> STOPPING
 *
 * The first at once, wherever the reason is met: from then on nobody is started
 * or replaced. The second by a task that waits in between: for balancers to
 * notice, or for workers that end by themselves. What follows, the grace
 * period, is each instance's own business. Nothing here allocates or can fail
 * to stop it: where the wait is not to be had, it is over.
 */
#include <signal.h>
#include <unistd.h>

#include "base/list.h"
#include "hem/timeout.h"
#include "service/service.h"

static void begin(hem__service *s)
{
    s->state = HEM__SERVICE_UNREADY;
    if (s->work)
        hem_scope_abort(s->work, "service stops");
    hem__service_event(s, &(hem_prefork_event){.kind = HEM_SERVICE_IS_UNREADY,
                                               .signal = s->stop_signal,
                                               .error = s->result});
    hem__service_notify(s, "STOPPING=1");
    hem_event_set(&s->asked);
}

void hem__service_stop(hem__service *s, int signo, int error)
{
    if (error < 0 && s->result == 0)
        s->result = error;
    if (s->state <= HEM__SERVICE_READY) {
        s->stop_signal = signo;
        begin(s);
    } else if (signo || s->options->run_to_completion) {
        hem_event_set(&s->hurry);
    }
}

void hem__service_close_sockets(hem__service *s)
{
    if (s->state < HEM__SERVICE_STOPPING || s->forking > 0)
        return;
    for (; s->sockets && *s->sockets; s->sockets++)
        close(*s->sockets);
    s->sockets = NULL;
}

static void wait_hurry(hem__service *s, hem_ns limit)
{
    hem_timeout t;
    if (hem_timeout_open(&t, limit) == 0)
        (void)!hem_timeout_close(&t, hem_event_wait(&s->hurry));
}

/* Between saying that it is unready and telling the workers. Where there are
 * none, as all wait to be restarted, no end of one would hurry it. */
static void let_notice(hem__service *s)
{
    const hem_prefork_options *o = s->options;
    if (!hem__crew_has_workers(s))
        return;
    if (o->run_to_completion && s->result == 0)
        wait_hurry(s, HEM_NEVER);
    else if (o->unready > 0 && s->was_ready && !s->upgraded)
        wait_hurry(s, o->unready);
}

static void tell_all(hem__service *s)
{
    s->state = HEM__SERVICE_STOPPING;
    s->told_signal = s->stop_signal && !s->upgraded ? s->stop_signal : SIGTERM;
    if (!s->threads) /* whose sockets they are */
        hem__service_close_sockets(s);
    hem__service_event(s, &(hem_prefork_event){.kind = HEM_SERVICE_STOPS,
                                               .signal = s->told_signal,
                                               .error = s->result});
    hem__list *next;
    for (hem__list *l = s->instances.next; l != &s->instances; l = next) {
        next = l->next;
        hem__instance_tell(HEM__CONTAINER(l, hem__instance, link),
                           s->told_signal, HEM__LEAVE_SERVICE);
    }
}

int hem__stop_task(void *arg)
{
    hem__service *s = arg;
    HEM_TRY(hem_event_wait(&s->asked));
    let_notice(s);
    tell_all(s);
    return 0;
}

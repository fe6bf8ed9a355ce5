/* SPDX-License-Identifier: MIT */
/* Cancelling at every point of waiting to be told to stop, and of receiving. */
#include "support.h"

#include <signal.h>

#include "cancel_everywhere.h"
#include "lone.h"

#define WAITERS 3

struct stop {
    struct feigned f;
    int told; /* tasks */
};

static void stop_begin(void *state)
{
    struct stop *s = state;
    check_int(feigned_open(&s->f), 0);
}

static int wait_for_it(void *arg)
{
    struct stop *s = arg;
    int rc = hem_worker_wait(&s->f.worker);
    s->told += rc == SIGTERM;
    return rc;
}

static int stop_body(void *arg)
{
    struct stop *s = arg;
    HEM_SCOPE(waiters);
    for (int i = 0; i < WAITERS; i++)
        HEM_TRY(hem_scope_spawn(&waiters, NULL, wait_for_it, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    hem__worker_tell(&s->f.worker, SIGTERM);
    return hem_scope_close(&waiters, 0);
}

static void stop_end(void *state, const struct disturbance *d)
{
    struct stop *s = state;
    check(s->told <= WAITERS);
    if (d->requests == 0)
        check_int(s->told, WAITERS);
    hem__worker_tell(&s->f.worker, SIGTERM); /* nobody is left who waits */
    check_int(hem_worker_wait(&s->f.worker), SIGTERM);
    feigned_close(&s->f);
}

#define MESSAGES 3

struct messages {
    struct feigned f;
    int received;
};

static void messages_begin(void *state)
{
    struct messages *m = state;
    check_int(feigned_open(&m->f), 0);
}

static int send_all(void *arg)
{
    struct messages *m = arg;
    for (int i = 0; i < MESSAGES; i++) {
        lone_call(&m->f.worker);
        HEM_TRY(hem_yield());
    }
    return 0;
}

static int receive_all(void *arg)
{
    struct messages *m = arg;
    hem__message got;
    while (m->received < MESSAGES) {
        HEM_TRY(hem__channel_receive(&m->f.lone.channel, &got));
        m->received++;
    }
    return 0;
}

/* Where the sender is cancelled, the receiver is not to wait for ever. */
static int messages_body(void *arg)
{
    HEM_SCOPE(s, .timeout = 10 * HEM_MSEC, .move_on = true);
    HEM_TRY(hem_scope_spawn(&s, NULL, receive_all, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, send_all, arg));
    return hem_scope_close(&s, 0);
}

/* What was sent and not received is still there. */
static void messages_end(void *state, const struct disturbance *d)
{
    struct messages *m = state;
    hem__message got;
    while (hem__channel_try_receive(&m->f.lone.channel, &got) > 0)
        m->received++;
    check(m->received <= MESSAGES);
    if (d->requests == 0)
        check_int(m->received, MESSAGES);
    feigned_close(&m->f);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(stop),
        FLOW(messages),
    };
    return cancel_everywhere(flows, COUNT_OF(flows));
}

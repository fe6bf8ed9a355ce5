/* SPDX-License-Identifier: MIT */
/* Cancelling at every point of waiting for signals. */
#include "support.h"

#include <signal.h>

#include "cancel_everywhere.h"

#define WAITERS 3

struct signals {
    hem_signal signal;
    int came;  /* that tasks took */
    int ended; /* tasks */
};

static void signals_begin(void *state)
{
    struct signals *s = state;
    check_int(hem_signal_open(&s->signal, (int[]){SIGRTMIN, 0}), 0);
}

static int take_one(void *arg)
{
    struct signals *s = arg;
    int rc = hem_signal_wait(&s->signal);
    s->ended++;
    if (rc > 0)
        s->came++;
    return rc;
}

static int signals_body(void *arg)
{
    struct signals *s = arg;
    HEM_SCOPE(waiters);
    for (int i = 0; i < WAITERS; i++)
        HEM_TRY(hem_scope_spawn(&waiters, NULL, take_one, s));
    HEM_TRY(hem_yield());
    for (int i = 0; i < WAITERS; i++) {
        raise(SIGRTMIN);
        HEM_TRY(hem_yield());
    }
    return hem_scope_close(&waiters, 0);
}

/* What was not taken is still there: none is lost, none comes twice. */
static void signals_end(void *state, const struct disturbance *d)
{
    struct signals *s = state;
    int left = 0;
    while (hem_signal_try_wait(&s->signal, NULL) > 0)
        left++;
    check(s->came + left <= WAITERS);
    if (!d->body)
        check_int(s->came + left, WAITERS);
    hem_signal_close(&s->signal);
}

int main(void)
{
    const struct flow flows[] = {FLOW(signals)};
    return cancel_everywhere(flows, COUNT_OF(flows));
}

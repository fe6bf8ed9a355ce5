/* SPDX-License-Identifier: MIT */
/* What scenarios are run in. */
#include "torture.h"

#define TIMERS_FIRST 64 /* places that the table begins with */

/* A timeout, and a callback that looks whether it is time for it. */
struct waiting {
    hem_timeout timeout;
    hem_callback look;
    int looks_left; /* in haste */
};

static void look(void *arg)
{
    struct waiting *w = arg;
    if (in_haste() && --w->looks_left == 0)
        check_int(hem_timeout_reschedule(&w->timeout, hem_now()), 0);
    else if (hem_call_later(&w->look, 100 * HEM_MSEC) < 0)
        check_int(hem_call_soon(&w->look), 0); /* needs no memory */
}

int in_time(hem_fn *fn, void *arg)
{
    struct waiting w = {.looks_left = in_valgrind() ? 100 : 5};
    hem_callback_init(&w.look, look, &w);
    HEM_TRY(hem_timeout_open(&w.timeout, HEM_NEVER));
    int rc = hem_call_later(&w.look, 100 * HEM_MSEC);
    if (rc == 0)
        rc = fn(arg);
    (void)hem_callback_cancel(&w.look);
    return hem_timeout_close(&w.timeout, rc);
}

bool lacks(ssize_t rc)
{
    return rc == HEM_ENOMEM || rc == HEM_ENOSPC;
}

int accept_any(hem_listener *l, hem_stream *s)
{
    int rc = hem_accept(l, s);
    for (int tries = 3; lacks(rc) && tries > 0; tries--)
        rc = hem_accept(l, s);
    return rc;
}

int listen_somewhere(hem_listener *l, uint16_t *ret_port, const char *host)
{
    HEM_TRY(hem_listen(l, host, 0, NULL));
    hem_address a;
    int rc = hem_listener_address(l, &a);
    if (rc < 0)
        hem_listener_close(l);
    else
        *ret_port = hem_address_port(&a);
    return rc;
}

static void too_early(void *arg)
{
    (void)arg;
    check_never("a timer of the crowd fires");
}

int in_crowd(int places, hem_fn *fn, void *arg)
{
    hem_callback crowd[TIMERS_FIRST];
    int wanted = TIMERS_FIRST - 1 - places; /* one is the task's */
    int count = 0;
    int rc = 0;
    while (count < wanted && rc == 0) {
        hem_callback_init(&crowd[count], too_early, NULL);
        rc = hem_call_later(&crowd[count], 1000 * 3600 * HEM_SEC);
        count += rc == 0;
    }
    if (rc == 0)
        rc = fn(arg);
    while (count > 0)
        check(hem_callback_cancel(&crowd[--count]));
    return rc;
}

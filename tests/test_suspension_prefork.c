/* SPDX-License-Identifier: MIT */
/* A main context suspends while its workers are there; hem_prefork() never. */
#include "support.h"

#include <signal.h>

#include "service/service.h"
#include "suspension.h"

static int serve(hem_worker *w, void *arg)
{
    (void)arg;
    return hem_worker_wait(w);
}

CASE(prefork)
{
    (void)f;
    check_int(hem_prefork(serve, NULL, NULL), HEM_EREFUSED);
    return 0;
}

static void stop(void *arg)
{
    hem__service_stop(arg, SIGTERM, 0);
}

/* Serve, and be asked to stop by a callback, or before. */
static int serve_stopped(bool before)
{
    static hem__service s;
    static hem_prefork_options options = {.num_workers = 1};
    hem_callback cb;
    s = (hem__service){.options = &options};
    hem_main m = {.service = &s};
    hem_event_init(&m.served);
    hem_callback_init(&cb, stop, &s);
    check_int(hem__service_init(&s, serve, NULL), 0);
    HEM_SCOPE(helpers);
    s.helpers = &helpers;
    if (before)
        stop(&s);
    else
        check_int(hem_call_soon(&cb), 0);
    int rc = hem_main_serve(&m, NULL);
    check(rc == SIGTERM || rc == HEM_ECANCELED);
    (void)hem_callback_cancel(&cb);
    (void)!hem_scope_close(&helpers, 0);
    hem__crew_deinit(&s);
    return rc;
}

CASE(hem_main_serve)
{
    (void)f;
    return serve_stopped(false);
}

CASE(at_once_hem_main_serve)
{
    (void)f;
    return serve_stopped(true);
}

static const struct suspension table[] = {
    NEVER(hem_prefork, prefork),
    AT_ONCE(hem_main_serve),
};

int main(void)
{
    static const char *const headers[] = {"prefork"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

/* SPDX-License-Identifier: MIT */
/* Waiting for a signal suspends; all else of signal.h never does. */
#include "support.h"

#include <signal.h>

#include "suspension.h"

static void raise_it(void *arg)
{
    raise(*(int *)arg);
}

static void ignore(void *arg, const hem_signal_info *info)
{
    (void)arg;
    (void)info;
}

CASE(signal)
{
    (void)f;
    hem_signal s;
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    check_int(hem_signal_try_wait(&s, NULL), HEM_EEMPTY);
    hem_signal_close(&s);
    return 0;
}

CASE(handler)
{
    (void)f;
    hem_signal_handler h;
    hem_signal_handler_init(&h, ignore, NULL);
    check_int(hem_signal_handler_start(&h, SIGUSR1), 0);
    check(hem_signal_handler_stop(&h));
    return 0;
}

static int wait_for_raise(int (*wait)(hem_signal *s))
{
    static hem_callback cb;
    static int signo = SIGUSR1;
    hem_signal s;
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    hem_callback_init(&cb, raise_it, &signo);
    check_int(hem_call_soon(&cb), 0);
    int rc = wait(&s);
    if (rc < 0)
        check(hem_callback_cancel(&cb));
    hem_signal_close(&s);
    return rc;
}

CASE(hem_signal_wait)
{
    (void)f;
    return wait_for_raise(hem_signal_wait);
}

static int wait_info(hem_signal *s)
{
    hem_signal_info info;
    return hem_signal_wait_info(s, &info);
}

CASE(hem_signal_wait_info)
{
    (void)f;
    return wait_for_raise(wait_info);
}

static const struct suspension table[] = {
    NEVER(hem_signal_open, signal),
    NEVER(hem_signal_close, signal),
    NEVER(hem_signal_try_wait, signal),
    SUSPENDS(hem_signal_wait),
    SUSPENDS(hem_signal_wait_info),
    NEVER(hem_signal_handler_init, handler),
    NEVER(hem_signal_handler_start, handler),
    NEVER(hem_signal_handler_stop, handler),
};

int main(void)
{
    static const char *const headers[] = {"signal"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

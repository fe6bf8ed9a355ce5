/* SPDX-License-Identifier: MIT */
#include "children.h"

#include "support.h"

int sleep_for(void *arg)
{
    return hem_sleep(*(hem_ns *)arg);
}

int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

int end_slowly(void *arg)
{
    (void)arg;
    int rc = hem_sleep(HEM_SEC);
    check_int(hem_sleep(10), 0);
    return rc;
}

int fail_soon(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(5));
    return HEM_EIO;
}

int fail_as_cancelled(void *arg)
{
    (void)arg;
    check_int(hem_sleep(HEM_SEC), HEM_ECANCELED);
    return HEM_EPIPE;
}

void check_calm(void)
{
    check_int(hem_task_cancelling(hem_self()), 0);
    check(!hem_task_cancel_pending(hem_self()));
    check_int(hem_yield(), 0);
}

void check_errors(const hem_scope *s, size_t n)
{
    const hem_error *e = hem_scope_errors(s);
    if (check(e != NULL)) {
        check_int(e->code, HEM_EGROUP);
        check_int(e->count, n);
    }
}

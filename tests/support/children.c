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

/* SPDX-License-Identifier: MIT */
#include "settle.h"

#include "support.h"

void settle(void)
{
    check_int(hem_sleep(1), 0);
}

hem_task *spawn_settled(hem_fn *fn, void *arg)
{
    hem_task *t = NULL;
    check_int(hem_spawn(&t, fn, arg), 0);
    settle();
    return t;
}

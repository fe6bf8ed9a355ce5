/* SPDX-License-Identifier: MIT */
#include "hem/gen.h"

int hem_iter_until(hem_fn *fn, void *arg, int sentinel, int *ret)
{
    int rc = fn(arg);
    if (rc < 0)
        return rc;
    if (rc == sentinel)
        return 0;
    *ret = rc;
    return 1;
}

/* SPDX-License-Identifier: MIT */
/* Built without io_uring. */
#include "io/uring.h"

int hem__uring_create(hem_loop *l, hem__uring **ret)
{
    (void)l;
    (void)ret;
    return HEM_ENOSYS;
}

void hem__uring_destroy(hem_loop *l, hem__uring *r)
{
    (void)l;
    (void)r;
}

int hem__uring_do(hem_loop *l, hem__uring *r, hem__uring_op *op, bool *ret_left)
{
    (void)l;
    (void)r;
    (void)op;
    *ret_left = false;
    return HEM_EAGAIN;
}

/* SPDX-License-Identifier: MIT */
/* The first of several: aiotools' race(). */
#include "hem/error.h"
#include "scope/as_completed.h"
#include "task/failure.h"

/* Whether the race is over with operand `c`. */
static bool decides(const hem_call *c, unsigned flags)
{
    return c->status >= 0 || c->status == HEM_ECANCELED ||
           !(flags & HEM_CONTINUE_ON_ERROR);
}

/* Take operands as they are done until one decides the race: 1. 0: none has,
 * and all are done. */
static int run(hem_as_completed *it, unsigned flags, hem_call **ret)
{
    int rc;
    do
        rc = hem_as_completed_next(it, ret);
    while (rc > 0 && !decides(*ret, flags));
    return rc;
}

/* How the race ends whose loop ended with `rc`, and its scope with `left`. In a
 * shield, a scope whose body was cancelled may end as if it was not: then the
 * race is over with what was collected. */
static int result(const hem_as_completed *it, int rc, int left)
{
    if (rc >= 0 || left < 0)
        return left;
    return it->handed_out > 0 ? HEM_EGROUP : HEM_EINVAL;
}

int hem_race(hem_call *c, size_t n, unsigned flags)
{
    hem_loop *l = hem__loop_need("hem_race");
    hem_task *self = hem__task_need(l, "hem_race");
    if (n == 0 || n > INT32_MAX ||
        flags & ~(unsigned)(HEM_CONTINUE_ON_ERROR | HEM_QUIET))
        return HEM_EINVAL;
    hem_as_completed it;
    HEM_TRY(hem_as_completed_open(
        &it, c, n, &(hem_as_completed_options){.quiet = flags & HEM_QUIET}));
    hem_call *last = NULL;
    int rc = run(&it, flags, &last);
    bool failed = rc > 0 && last->status < 0;
    if (rc == 0)
        rc = HEM_EGROUP;
    else if (rc > 0)
        rc = failed ? last->status : (int)(last - c);
    int left = hem__as_completed_leave(l, &it, rc);
    if (failed && left == rc)
        hem__calls_give(&it.calls, last, self);
    else
        hem__calls_group(&it.calls, it.handed_out, self);
    return result(&it, rc, left);
}

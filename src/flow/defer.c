/* SPDX-License-Identifier: MIT */
#include "hem/defer.h"

#include "base/alloc.h"
#include "flow/kept.h"

static int grow(hem_deferred *d)
{
    size_t room = d->room ? 2 * d->room : HEM_DEFER_ROOM;
    struct hem__deferred *more = hem__realloc(d->more, room * sizeof(*more));
    if (!more)
        return HEM_ENOMEM;
    d->more = more;
    d->room = room;
    return 0;
}

/* The place of the i-th call. */
static struct hem__deferred *place(hem_deferred *d, size_t i)
{
    return i < HEM_DEFER_ROOM ? &d->first[i] : &d->more[i - HEM_DEFER_ROOM];
}

int hem_defer(hem_deferred *d, hem_fn *fn, void *arg)
{
    if (d->count == HEM_DEFER_ROOM + d->room && grow(d) < 0) {
        (void)fn(arg);
        return HEM_ENOMEM;
    }
    *place(d, d->count++) = (struct hem__deferred){fn, arg};
    return 0;
}

/* Make all calls; `t` may be NULL: there is no task. */
static int make_calls(hem_deferred *d, hem_task *t, int rc)
{
    bool failed = false;
    while (d->count > 0) {
        struct hem__deferred call = *place(d, --d->count);
        hem__kept kept = hem__keep(t);
        int status = call.fn(call.arg);
        if (status < 0 && !failed) {
            failed = true;
            rc = status;
            hem__kept_drop(&kept);
        } else {
            hem__kept_restore(&kept, t);
        }
    }
    hem__free(d->more);
    d->more = NULL;
    d->room = 0;
    return rc;
}

int hem_defer_close(hem_deferred *d, int rc)
{
    return make_calls(d, hem_self(), rc);
}

void hem__defer_cleanup(hem_deferred *d)
{
    if (d->count == 0)
        return;
    hem_task *t = hem_self();
    hem__kept kept = hem__keep(t);
    int rc = make_calls(d, t, 0);
    hem__kept_restore_untold(&kept, t, rc);
}

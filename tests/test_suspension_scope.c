/* SPDX-License-Identifier: MIT */
/* Each function of scopes either suspends and is a point of cancellation, or
 * never. */
#include "support.h"

#include "suspension.h"

static int give_one(void *arg)
{
    (void)arg;
    return 1;
}

static int yield_once(void *arg)
{
    (void)arg;
    return hem_yield();
}

static bool go_on(void *arg, hem_task *t)
{
    (void)arg;
    return t != NULL;
}

static int close_it(void *arg)
{
    check_int(hem_scope_close(arg, 0), 0);
    return 0;
}

CASE(scope)
{
    (void)f;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check(!hem_scope_expired(&s));
    check(hem_scope_errors(&s) == NULL);
    check(hem_scope_current() == &s);
    hem_scope_each(&s, go_on, NULL);
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_spawn(&s, NULL, give_one, NULL), HEM_EREFUSED);
    check_int(hem_scope_spawn_with(&s, NULL, give_one, NULL, .eager = true),
              HEM_EREFUSED);
    check_int(hem_scope_children(&s), 0);
    return hem_scope_close(&s, 0); /* it has no children to wait for */
}

CASE(submit)
{
    static hem_scope s;
    static hem_submitted r;
    (void)f;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_PERSISTENT}),
              0);
    check_int(hem_scope_submit(&s, &r, give_one, NULL), 0);
    check(!hem_future_done(hem_submitted_future(&r)));
    check_int(hem_spawn(NULL, close_it, &s), 0);
    return 0;
}

CASE(shield)
{
    (void)f;
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_shield_close(&s, 0), 0);
    return 0;
}

CASE(hem_scope_close)
{
    (void)f;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, yield_once, NULL), 0);
    return hem_scope_close(&s, 0);
}

/* It leaves a request to its owner, which comes out of the close. */
CASE(hem_scope_aclose)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, yield_once, NULL), 0);
    check_int(hem_scope_aclose(&s), 0);
    bool ran = f->ran;
    int rc = hem_scope_close(&s, 0);
    check_int(rc, HEM_ECANCELED);
    f->ran = ran;
    int left = hem_task_uncancel(hem_self());
    return left > 0 ? rc : 0;
}

/* It swallows a cancellation. */
CASE(hem_scope_shutdown)
{
    (void)f;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, yield_once, NULL), 0);
    check_int(hem_scope_shutdown(&s), 0);
    bool swallowed = hem_task_cancelling(hem_self()) > 0 &&
                     !hem_task_cancel_pending(hem_self());
    (void)!hem_scope_close(&s, 0);
    return swallowed ? HEM_ECANCELED : 0;
}

CASE(hem_scope_drain)
{
    (void)f;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, yield_once, NULL), 0);
    return hem_scope_close(&s, hem_scope_drain(&s, HEM_SEC));
}

/* clang-format off */
static const struct suspension table[] = {
    NEVER(hem_scope_open, scope),
    NEVER(hem_scope_spawn_at, scope),
    NEVER(hem_scope_spawn_with_at, scope),
    NEVER(hem_scope_abort, scope),
    NEVER(hem_scope_children, scope),
    NEVER(hem_scope_expired, scope),
    NEVER(hem_scope_each, scope),
    NEVER(hem_scope_errors, scope),
    NEVER(hem_scope_current, scope),
    NEVER(hem_scope_submit_at, submit),
    NEVER(hem_submitted_future, submit),
    NEVER(hem_shield_open, shield),
    NEVER(hem_shield_close, shield),
    SUSPENDS(hem_scope_aclose),
    SUSPENDS(hem_scope_shutdown),
    SUSPENDS(hem_scope_drain),
    SUSPENDS(hem_scope_close),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {"scope"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

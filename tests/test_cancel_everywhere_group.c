/* SPDX-License-Identifier: MIT */
/* Task groups, task contexts, persistent scopes, limits and draining, cancelled
 * everywhere. */
#include "cancel_everywhere.h"
#include "support.h"

static int nap(void *arg)
{
    (void)arg;
    return hem_sleep(2 * HEM_MSEC);
}

/* Whether what the body did not do itself was as it should be. */
static void check_rc(const struct disturbance *d, int undisturbed)
{
    if (!d->requests)
        check_int(d->rc, undisturbed);
    else if (d->body)
        check(d->rc == HEM_ECANCELED || d->rc == undisturbed);
}

/* A group in which one child fails while it holds the lock that others want;
 * it tells the owner, who waits for something else. */

struct group {
    hem_lock lock;
    hem_event never;
    int entered, left;
};

static void group_begin(void *state)
{
    struct group *s = state;
    hem_lock_init(&s->lock);
    hem_event_init(&s->never);
}

static int use_lock(struct group *s, int result)
{
    HEM_TRY(hem_lock_acquire(&s->lock));
    int rc = hem_sleep(HEM_MSEC);
    check_int(hem_lock_release(&s->lock), 0);
    return rc < 0 ? rc : result;
}

static int use_well(void *arg)
{
    struct group *s = arg;
    s->entered++;
    int rc = use_lock(s, 0);
    s->left++;
    return rc;
}

static int use_and_fail(void *arg)
{
    struct group *s = arg;
    s->entered++;
    int rc = use_lock(s, 0);
    s->left++;
    return rc < 0 ? rc : HEM_EIO;
}

static int group_body(void *arg)
{
    struct group *s = arg;
    HEM_SCOPE(g, .kind = HEM_TASKGROUP, .timeout = 50 * HEM_MSEC);
    HEM_TRY_IN(&g, hem_scope_spawn(&g, NULL, use_well, s));
    HEM_TRY_IN(&g, hem_scope_spawn(&g, NULL, use_and_fail, s));
    HEM_TRY_IN(&g, hem_scope_spawn(&g, NULL, use_well, s));
    HEM_TRY_IN(&g, hem_yield());
    HEM_TRY_IN(&g, hem_scope_spawn(&g, NULL, use_and_fail, s));
    HEM_TRY_IN(&g, hem_event_wait(&s->never));
    return hem_scope_close(&g, 0);
}

static void group_end(void *state, const struct disturbance *d)
{
    struct group *s = state;
    check_rc(d, HEM_EGROUP);
    check_int(s->left, s->entered);
    check(!hem_lock_locked(&s->lock));
    check_int(hem_lock_acquire(&s->lock), 0);
}

/* A group within a group within a timeout. */

struct groups {
    struct group group;
};

static void groups_begin(void *state)
{
    struct groups *s = state;
    group_begin(&s->group);
}

static int inner_group(void *arg)
{
    int rc = group_body(arg);
    return rc == HEM_EGROUP ? 0 : rc;
}

static int groups_body(void *arg)
{
    struct groups *s = arg;
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 20 * HEM_MSEC));
    HEM_SCOPE(g, .kind = HEM_TASKGROUP);
    int rc = hem_scope_spawn(&g, NULL, inner_group, &s->group);
    if (rc == 0)
        rc = hem_scope_spawn(&g, NULL, nap, NULL);
    if (rc == 0)
        rc = inner_group(&s->group);
    return hem_timeout_close(&t, hem_scope_close(&g, rc));
}

static void groups_end(void *state, const struct disturbance *d)
{
    struct groups *s = state;
    check_rc(d, 0);
    check_int(s->group.left, s->group.entered);
    check(!hem_lock_locked(&s->group.lock));
}

/* A task context whose children are cancelled by its closing. */

struct context {
    hem_event never;
    int entered, left;
};

static void context_begin(void *state)
{
    struct context *s = state;
    hem_event_init(&s->never);
}

static int linger(void *arg)
{
    struct context *s = arg;
    s->entered++;
    int rc = hem_event_wait(&s->never);
    (void)!hem_sleep(HEM_MSEC); /* slow to clean up */
    s->left++;
    return rc;
}

static int context_body(void *arg)
{
    struct context *s = arg;
    HEM_SCOPE(c, .kind = HEM_TASKCONTEXT);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&c, NULL, linger, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    HEM_TRY(hem_scope_aclose(&c));
    return hem_scope_close(&c, 0);
}

static void context_end(void *state, const struct disturbance *d)
{
    struct context *s = state;
    check_rc(d, 0);
    check_int(s->left, s->entered);
}

/* A persistent scope that is shut down, used again, and closed. */

struct persistent {
    struct context context;
    hem_scope scope;
    hem_submitted results[3];
};

static void persistent_begin(void *state)
{
    struct persistent *s = state;
    context_begin(&s->context);
}

static int use_persistent(struct persistent *s)
{
    HEM_TRY(hem_scope_spawn(&s->scope, NULL, linger, &s->context));
    HEM_TRY(hem_scope_submit(&s->scope, &s->results[0], linger, &s->context));
    HEM_TRY(hem_sleep(HEM_MSEC));
    HEM_TRY(hem_scope_shutdown(&s->scope));
    HEM_TRY(hem_scope_submit(&s->scope, &s->results[1], nap, NULL));
    HEM_TRY(hem_future_wait(hem_submitted_future(&s->results[1])));
    HEM_TRY(hem_scope_submit(&s->scope, &s->results[2], nap, NULL));
    return 0;
}

static int persistent_body(void *arg)
{
    struct persistent *s = arg;
    const hem_scope_options options = {.kind = HEM_PERSISTENT};
    HEM_TRY(hem_scope_open(&s->scope, &options));
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 20 * HEM_MSEC));
    int rc = hem_timeout_close(&t, use_persistent(s));
    return hem_scope_close(&s->scope, rc);
}

static void persistent_end(void *state, const struct disturbance *d)
{
    struct persistent *s = state;
    check_rc(d, 0);
    check_int(s->context.left, s->context.entered);
    size_t lost = reports_take(); /* of a result whose future was cancelled */
    check(lost <= d->requests);
}

/* Six children of which two run at a time. */

struct limited {
    int inside, through;
};

static void limited_begin(void *state)
{
    (void)state;
}

static int work(void *arg)
{
    struct limited *s = arg;
    check(s->inside++ < 2);
    int rc = hem_sleep(HEM_MSEC);
    s->inside--;
    s->through += rc == 0;
    return rc;
}

static int limited_body(void *arg)
{
    HEM_SCOPE(s, .limit = 2);
    for (int i = 0; i < 6; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, work, arg));
    return hem_scope_close(&s, 0);
}

static void limited_end(void *state, const struct disturbance *d)
{
    struct limited *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    check_int(s->inside, 0);
    if (!d->body)
        check_int(s->through, d->requests ? 5 : 6);
}

/* Some end in time, some do not. */

struct drained {
    struct context context;
    int drained;
};

static void drained_begin(void *state)
{
    struct drained *s = state;
    context_begin(&s->context);
}

static int drained_body(void *arg)
{
    struct drained *s = arg;
    HEM_SCOPE(children);
    HEM_TRY(hem_scope_spawn(&children, NULL, nap, NULL));
    HEM_TRY(hem_scope_spawn(&children, NULL, linger, &s->context));
    s->drained = hem_scope_drain(&children, 5 * HEM_MSEC);
    return hem_scope_close(&children,
                           s->drained == HEM_ETIMEDOUT ? 0 : s->drained);
}

static void drained_end(void *state, const struct disturbance *d)
{
    struct drained *s = state;
    check_rc(d, 0);
    if (!d->requests)
        check_int(s->drained, HEM_ETIMEDOUT);
    check_int(s->context.left, s->context.entered);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(group),      FLOW(groups),  FLOW(context),
        FLOW(persistent), FLOW(limited), FLOW(drained),
    };
    return cancel_everywhere(flows, COUNT_OF(flows));
}

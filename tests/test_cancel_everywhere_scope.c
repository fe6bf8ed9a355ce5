/* SPDX-License-Identifier: MIT */
/* Scopes, shields and timeouts round locks, cancelled everywhere; and that the
 * harness misses nothing. */
#include "cancel_everywhere.h"
#include "support.h"

/* All points of a task at which it may be found. */

struct points {
    hem_lock lock;
};

enum { YIELD, SLEEP, FUTURE, LOCK, AWAIT, CLOSE, POINTS };

static unsigned interrupted[POINTS]; /* how often, over all runs */
static unsigned unborn;              /* runs in which the body did not begin */
static bool born;

static void points_begin(void *state)
{
    struct points *s = state;
    hem_lock_init(&s->lock);
    check_int(hem_lock_acquire(&s->lock), 0);
    born = false;
}

static int note(int point, int rc)
{
    interrupted[point] += rc == HEM_ECANCELED;
    return rc;
}

static void settle(void *arg)
{
    if (!hem_future_done(arg))
        check_int(hem_future_set_result(arg, 0), 0);
}

static int wait_for_callback(void)
{
    hem_future f;
    hem_callback cb;
    hem_future_init(&f);
    hem_callback_init(&cb, settle, &f);
    HEM_TRY(hem_call_later(&cb, HEM_MSEC));
    int rc = note(FUTURE, hem_future_wait(&f));
    (void)hem_callback_cancel(&cb);
    return rc;
}

static void release(void *arg)
{
    check_int(hem_lock_release(arg), 0);
}

static int wait_for_lock(hem_lock *l)
{
    hem_callback cb;
    hem_callback_init(&cb, release, l);
    HEM_TRY(hem_call_later(&cb, HEM_MSEC));
    int rc = note(LOCK, hem_lock_acquire(l));
    if (rc == 0 || hem_callback_cancel(&cb))
        check_int(hem_lock_release(l), 0);
    return rc;
}

static int nap(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_MSEC);
}

static int wait_for_child(void)
{
    HEM_SCOPE(s);
    hem_task *t;
    HEM_TRY(hem_scope_spawn(&s, &t, nap, NULL));
    HEM_TRY(note(AWAIT, hem_await(t)));
    HEM_TRY(hem_scope_spawn(&s, NULL, nap, NULL));
    return note(CLOSE, hem_scope_close(&s, 0));
}

static int points_body(void *arg)
{
    struct points *s = arg;
    born = true;
    HEM_TRY(note(YIELD, hem_yield()));
    HEM_TRY(note(SLEEP, hem_sleep(HEM_MSEC)));
    HEM_TRY(wait_for_callback());
    HEM_TRY(wait_for_lock(&s->lock));
    return wait_for_child();
}

static void points_end(void *state, const struct disturbance *d)
{
    struct points *s = state;
    unborn += !born;
    if (!d->requests)
        check_int(d->rc, 0);
    if (hem_lock_locked(&s->lock)) /* not tried for */
        check_int(hem_lock_release(&s->lock), 0);
    check_int(hem_lock_acquire(&s->lock), 0);
}

/* Two tasks take two locks, in the same order, the second one shielded; what
 * they do while they hold both is done as a whole. */

struct nested {
    hem_lock outer, inner;
    int begun, finished, through;
};

static void nested_begin(void *state)
{
    struct nested *s = state;
    hem_lock_init(&s->outer);
    hem_lock_init(&s->inner);
}

static int do_as_a_whole(struct nested *s)
{
    hem_scope shield;
    HEM_TRY(hem_shield_open(&shield, NULL));
    check_int(hem_lock_acquire(&s->inner), 0);
    s->begun++;
    check_int(hem_sleep(HEM_MSEC), 0);
    s->finished++;
    check_int(hem_lock_release(&s->inner), 0);
    return hem_shield_close(&shield, 0);
}

static int take_both(void *arg)
{
    struct nested *s = arg;
    HEM_TRY(hem_lock_acquire(&s->outer));
    int rc = hem_sleep(HEM_MSEC);
    if (rc == 0)
        rc = do_as_a_whole(s);
    check_int(hem_lock_release(&s->outer), 0);
    s->through += rc == 0;
    return rc;
}

static int take_inner(void *arg)
{
    struct nested *s = arg;
    HEM_TRY(hem_lock_acquire(&s->inner));
    int rc = hem_sleep(3 * HEM_MSEC);
    check_int(hem_lock_release(&s->inner), 0);
    s->through += rc == 0;
    return rc;
}

static int inner_scope(void *arg)
{
    HEM_SCOPE(s, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&s, NULL, take_both, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, take_inner, arg));
    HEM_TRY(hem_yield());
    return hem_scope_close(&s, 0);
}

static int nested_body(void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, inner_scope, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, inner_scope, arg));
    return hem_scope_close(&s, 0);
}

static void nested_end(void *state, const struct disturbance *d)
{
    struct nested *s = state;
    check_int(s->begun, s->finished);
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->requests)
        check_int(s->through, 4);
    else if (strncmp(d->victim, "take", 4) == 0)
        check_int(s->through, 3);
    check(!hem_lock_locked(&s->outer) && !hem_lock_locked(&s->inner));
    check_int(hem_lock_acquire(&s->outer), 0);
    check_int(hem_lock_acquire(&s->inner), 0);
}

/* Three tasks want a lock within a time, two timeouts deep, and most of them
 * are too late. */

struct timeouts {
    hem_lock lock;
    int got, late;
};

static void timeouts_begin(void *state)
{
    struct timeouts *s = state;
    hem_lock_init(&s->lock);
}

static int hold_for(struct timeouts *s, hem_ns limit)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, limit));
    int rc = hem_lock_acquire(&s->lock);
    if (rc == 0) {
        rc = hem_sleep(3 * HEM_MSEC);
        check_int(hem_lock_release(&s->lock), 0);
    }
    return hem_timeout_close(&t, rc);
}

static int want_lock(void *arg)
{
    struct timeouts *s = arg;
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 4 * HEM_MSEC));
    int rc = hem_timeout_close(&t, hold_for(s, 4 * HEM_MSEC));
    s->got += rc == 0;
    s->late += rc == HEM_ETIMEDOUT;
    return rc == HEM_ETIMEDOUT ? 0 : rc;
}

static int timeouts_body(void *arg)
{
    HEM_SCOPE(s, .timeout = 50 * HEM_MSEC);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, want_lock, arg));
    return hem_scope_close(&s, 0);
}

static void timeouts_end(void *state, const struct disturbance *d)
{
    struct timeouts *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->requests) {
        check_int(s->got, 1);
        check_int(s->late, 2);
    } else if (!d->body) {
        check(s->got + s->late == 2 || s->got + s->late == 3);
    }
    check(!hem_lock_locked(&s->lock));
    check_int(hem_lock_acquire(&s->lock), 0);
}

/* A scope that moves on when its time is up, then one that is shielded. */

struct scopes {
    hem_event never;
    int entered, left, through;
};

static void scopes_begin(void *state)
{
    struct scopes *s = state;
    hem_event_init(&s->never);
}

static int linger(void *arg)
{
    struct scopes *s = arg;
    s->entered++;
    int rc = hem_event_wait(&s->never);
    s->left++;
    return rc;
}

static int move_on(struct scopes *s)
{
    HEM_SCOPE(children, .timeout = 2 * HEM_MSEC, .move_on = true);
    HEM_TRY(hem_scope_spawn(&children, NULL, linger, s));
    HEM_TRY(hem_yield());
    HEM_TRY(hem_scope_spawn(&children, NULL, linger, s));
    HEM_TRY(hem_scope_close(&children, 0));
    if (hem_scope_expired(&children))
        (void)hem_task_uncancel(hem_self());
    return 0;
}

static int shielded(struct scopes *s)
{
    HEM_SCOPE(children, .kind = HEM_SHIELDSCOPE);
    HEM_TRY(hem_scope_spawn(&children, NULL, nap, s));
    check_int(hem_sleep(2 * HEM_MSEC), 0);
    return hem_scope_close(&children, 0);
}

static int pass_scopes(void *arg)
{
    struct scopes *s = arg;
    HEM_TRY(move_on(s));
    HEM_TRY(shielded(s));
    s->through++;
    return 0;
}

static int scopes_body(void *arg)
{
    HEM_SCOPE(s, .timeout = 50 * HEM_MSEC);
    for (int i = 0; i < 2; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, pass_scopes, arg));
    return hem_scope_close(&s, 0);
}

static void scopes_end(void *state, const struct disturbance *d)
{
    struct scopes *s = state;
    check_int(s->left, s->entered);
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->requests)
        check_int(s->through, 2);
    else if (!d->body)
        check(s->through >= 1);
}

static void each_point_of_suspension_was_interrupted(void **state)
{
    (void)state;
    for (int i = 0; i < POINTS; i++)
        assert_true(interrupted[i] >= (i == YIELD ? 1 : 2));
    assert_true(unborn > 0);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(points),
        FLOW(nested),
        FLOW(timeouts),
        FLOW(scopes),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_point_of_suspension_was_interrupted),
    };
    int failed = cancel_everywhere(flows, COUNT_OF(flows));
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}

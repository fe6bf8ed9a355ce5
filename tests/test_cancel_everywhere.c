/* SPDX-License-Identifier: MIT */
/* Locks, events, conditions, semaphores and barriers, cancelled everywhere:
 * whoever is not cancelled gets through. */
#include "cancel_everywhere.h"
#include "support.h"

/* How the body ended, and how many of `all` children got through. */
static void check_through(int through, int all, const struct disturbance *d)
{
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->body)
        check_int(through, d->requests ? all - 1 : all);
}

/* Spawn fn(arg) so often and wait for all. */
static int run_all(hem_fn *fn, void *arg, int count)
{
    HEM_SCOPE(s);
    for (int i = 0; i < count; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, fn, arg));
    return hem_scope_close(&s, 0);
}

/* A lock that three tasks want, again and again. */

struct lock {
    hem_lock lock;
    int inside, through;
};

static void lock_begin(void *state)
{
    struct lock *s = state;
    hem_lock_init(&s->lock);
}

static int hold_lock(struct lock *s, hem_ns how_long)
{
    HEM_TRY(hem_lock_acquire(&s->lock));
    check_int(s->inside++, 0);
    int rc = hem_sleep(how_long);
    check_int(--s->inside, 0);
    check_int(hem_lock_release(&s->lock), 0);
    return rc;
}

static int lock_user(void *arg)
{
    struct lock *s = arg;
    HEM_TRY(hold_lock(s, HEM_MSEC));
    HEM_TRY(hold_lock(s, 0));
    s->through++;
    return 0;
}

static int lock_body(void *arg)
{
    return run_all(lock_user, arg, 3);
}

static void lock_end(void *state, const struct disturbance *d)
{
    struct lock *s = state;
    check_through(s->through, 3, d);
    check(!hem_lock_locked(&s->lock));
    check_int(hem_lock_acquire(&s->lock), 0);
}

/* An event for which three tasks wait twice. */

struct event {
    hem_event event;
    int through;
};

static void event_begin(void *state)
{
    struct event *s = state;
    hem_event_init(&s->event);
}

static int event_user(void *arg)
{
    struct event *s = arg;
    HEM_TRY(hem_event_wait(&s->event));
    HEM_TRY(hem_yield());
    HEM_TRY(hem_event_wait(&s->event));
    s->through++;
    return 0;
}

static int event_body(void *arg)
{
    struct event *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&children, NULL, event_user, s));
    for (int i = 0; i < 2; i++) {
        HEM_TRY(hem_sleep(HEM_MSEC));
        hem_event_set(&s->event);
        hem_event_clear(&s->event);
    }
    return hem_scope_close(&children, 0);
}

static void event_end(void *state, const struct disturbance *d)
{
    struct event *s = state;
    check_through(s->through, 3, d);
    check(!hem_event_is_set(&s->event));
}

/* Three tasks wait for two tokens, of which each is announced once. */

struct condition {
    hem_condition changed;
    int tokens, taken, taken_in_time;
    bool closing;
};

static void condition_begin(void *state)
{
    struct condition *s = state;
    hem_condition_init(&s->changed, NULL);
}

static bool token_or_end(void *arg)
{
    struct condition *s = arg;
    return s->tokens > 0 || s->closing;
}

static int condition_user(void *arg)
{
    struct condition *s = arg;
    HEM_TRY(hem_condition_acquire(&s->changed));
    int rc = hem_condition_wait_for(&s->changed, token_or_end, s);
    check(hem_condition_locked(&s->changed));
    if (rc == 0 && s->tokens > 0) {
        s->tokens--;
        s->taken++;
    }
    check_int(hem_condition_release(&s->changed), 0);
    return rc;
}

/* Change something and tell; those who are told must wait for the lock. */
static int announce(struct condition *s, int tokens, bool closing, size_t n)
{
    HEM_TRY(hem_condition_acquire(&s->changed));
    s->tokens += tokens;
    s->closing = closing;
    check_int(hem_condition_notify(&s->changed, n), 0);
    int rc = hem_sleep(HEM_MSEC);
    check_int(hem_condition_release(&s->changed), 0);
    return rc;
}

static int condition_body(void *arg)
{
    struct condition *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&children, NULL, condition_user, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    HEM_TRY(announce(s, 1, false, 1));
    HEM_TRY(announce(s, 1, false, 1));
    HEM_TRY(hem_sleep(5 * HEM_MSEC));
    s->taken_in_time = s->taken;
    HEM_TRY(announce(s, 0, true, SIZE_MAX));
    return hem_scope_close(&children, 0);
}

static void condition_end(void *state, const struct disturbance *d)
{
    struct condition *s = state;
    check_through(s->taken_in_time, d->requests ? 3 : 2, d);
    check(!hem_condition_locked(&s->changed));
    check_int(s->tokens + s->taken <= 2, 1);
}

/* Two places for five tasks. */

struct semaphore {
    hem_semaphore places;
    int inside, through;
};

static void semaphore_begin(void *state)
{
    struct semaphore *s = state;
    hem_semaphore_init(&s->places, &(hem_semaphore_options){2, true});
}

static int semaphore_user(void *arg)
{
    struct semaphore *s = arg;
    HEM_TRY(hem_semaphore_acquire(&s->places));
    check(s->inside++ < 2);
    int rc = hem_sleep(HEM_MSEC);
    s->inside--;
    check_int(hem_semaphore_release(&s->places), 0);
    s->through += rc == 0;
    return rc;
}

static int semaphore_body(void *arg)
{
    return run_all(semaphore_user, arg, 5);
}

static void semaphore_end(void *state, const struct disturbance *d)
{
    struct semaphore *s = state;
    check_through(s->through, 5, d);
    check_int(hem_semaphore_release(&s->places), HEM_EINVAL);
    for (int i = 0; i < 2; i++) {
        check(!hem_semaphore_locked(&s->places));
        check_int(hem_semaphore_acquire(&s->places), 0);
    }
    check(hem_semaphore_locked(&s->places));
}

/* Two places come up, at once, for three who wait. */

struct signals {
    hem_semaphore signals;
    int taken, taken_in_time;
};

static void signals_begin(void *state)
{
    struct signals *s = state;
    hem_semaphore_init(&s->signals, NULL);
}

static int signals_user(void *arg)
{
    struct signals *s = arg;
    HEM_TRY(hem_semaphore_acquire(&s->signals));
    s->taken++;
    return 0;
}

static int signals_body(void *arg)
{
    struct signals *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&children, NULL, signals_user, s));
    HEM_TRY(hem_sleep(HEM_MSEC));
    for (int i = 0; i < 2; i++)
        check_int(hem_semaphore_release(&s->signals), 0);
    HEM_TRY(hem_sleep(HEM_MSEC));
    s->taken_in_time = s->taken;
    check_int(hem_semaphore_release(&s->signals), 0);
    return hem_scope_close(&children, 0);
}

static void signals_end(void *state, const struct disturbance *d)
{
    struct signals *s = state;
    check_through(s->taken_in_time, d->requests ? 3 : 2, d);
}

/* Three tasks meet twice. Who is cancelled breaks the barrier for the others,
 * and if it could not, the body does. */

struct barrier {
    hem_barrier meeting;
    int come, met;
};

static void barrier_begin(void *state)
{
    struct barrier *s = state;
    check_int(hem_barrier_init(&s->meeting, 3), 0);
}

static int break_it(struct barrier *s)
{
    hem_scope shield;
    HEM_TRY(hem_shield_open(&shield, NULL));
    int rc = hem_barrier_abort(&s->meeting);
    check_int(rc, 0);
    return hem_shield_close(&shield, rc);
}

static int meet_twice(struct barrier *s)
{
    HEM_TRY(hem_sleep(++s->come * HEM_MSEC));
    HEM_TRY(hem_barrier_wait(&s->meeting));
    HEM_TRY(hem_yield());
    HEM_TRY(hem_barrier_wait(&s->meeting));
    return 0;
}

static int barrier_user(void *arg)
{
    struct barrier *s = arg;
    int rc = meet_twice(s);
    s->met += rc == 0;
    if (rc == HEM_ECANCELED)
        (void)!break_it(s);
    return rc == HEM_EBROKEN ? 0 : rc;
}

static int barrier_body(void *arg)
{
    struct barrier *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_scope_spawn(&children, NULL, barrier_user, s));
    HEM_TRY(hem_sleep(10 * HEM_MSEC));
    HEM_TRY(break_it(s));
    return hem_scope_close(&children, 0);
}

static void barrier_end(void *state, const struct disturbance *d)
{
    struct barrier *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->requests)
        check_int(s->met, 3);
    check_int(hem_barrier_reset(&s->meeting), 0);
    check_int(hem_barrier_waiting(&s->meeting), 0);
    s->met = 0;
    check_int(run_all(barrier_user, s, 3), 0);
    check_int(s->met, 3);
}

/* Two of three wait, the barrier is reset, and they come again with the third
 * one; those who come meanwhile wait until it is empty. */

struct reset {
    hem_barrier meeting;
    int come, met, turned_away;
};

static void reset_begin(void *state)
{
    struct reset *s = state;
    check_int(hem_barrier_init(&s->meeting, 3), 0);
}

static int reset_user(void *arg)
{
    struct reset *s = arg;
    HEM_TRY(hem_sleep(++s->come * HEM_MSEC));
    int rc = hem_barrier_wait(&s->meeting);
    if (rc == HEM_EBROKEN && !hem_barrier_broken(&s->meeting)) {
        s->turned_away++;
        rc = hem_barrier_wait(&s->meeting);
    }
    s->met += rc >= 0;
    return rc == HEM_EBROKEN ? 0 : rc;
}

static int reset_body(void *arg)
{
    struct reset *s = arg;
    HEM_SCOPE(children);
    for (int i = 0; i < 2; i++)
        HEM_TRY(hem_scope_spawn(&children, NULL, reset_user, s));
    HEM_TRY(hem_sleep(3 * HEM_MSEC));
    HEM_TRY(hem_barrier_reset(&s->meeting));
    HEM_TRY(hem_scope_spawn(&children, NULL, reset_user, s));
    HEM_TRY(hem_sleep(10 * HEM_MSEC));
    HEM_TRY(hem_barrier_abort(&s->meeting));
    return hem_scope_close(&children, 0);
}

static void reset_end(void *state, const struct disturbance *d)
{
    struct reset *s = state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->requests) {
        check_int(s->turned_away, 2);
        check_int(s->met, 3);
    }
    check_int(hem_barrier_reset(&s->meeting), 0);
    s->met = 0;
    check_int(run_all(reset_user, s, 3), 0);
    check_int(s->met, 3);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(lock),    FLOW(event),   FLOW(condition), FLOW(semaphore),
        FLOW(signals), FLOW(barrier), FLOW(reset),
    };
    return cancel_everywhere(flows, COUNT_OF(flows));
}

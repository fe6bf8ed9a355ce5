/* SPDX-License-Identifier: MIT */
/* Each function that takes several, or cancels and waits, either suspends and
 * is a point of cancellation, or never. */
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

/* A task that takes a turn of its own to end. */
static hem_task *spawn_one(void)
{
    hem_task *t = NULL;
    check_int(hem_spawn(&t, yield_once, NULL), 0);
    return t;
}

CASE(gather)
{
    hem_gathering g;
    hem_call c[] = {HEM_CALL_TASK(f->live), HEM_CALL_TASK(f->ended)};
    check_int(hem_gather_start(&g, c, 2, 0), 0);
    check(!hem_future_done(hem_gather_future(&g)));
    hem_gather_stop(&g);
    return 0;
}

CASE(open)
{
    hem_as_completed it;
    hem_call c[] = {HEM_CALL_TASK(f->live)};
    check_int(hem_as_completed_open(&it, c, 1, NULL), 0);
    return hem_as_completed_close(&it, 0);
}

CASE(shield)
{
    hem_shielded s;
    hem_shield_start(&s, hem_task_future(f->live));
    check(!hem_future_done(hem_shield_future(&s)));
    hem_shield_stop(&s);
    return 0;
}

CASE(hem_gather)
{
    (void)f;
    hem_call c[] = {HEM_CALL(yield_once, NULL)};
    return hem_gather(c, 1, 0);
}

CASE(at_once_hem_gather)
{
    hem_call c[] = {HEM_CALL_TASK(f->ended), HEM_CALL_TASK(f->ended)};
    check_int(hem_gather(NULL, 0, 0), 0);
    return hem_gather(c, 2, 0);
}

CASE(hem_wait)
{
    hem_call c[] = {HEM_CALL_TASK(f->ended)};
    return hem_wait(c, 1, NULL);
}

CASE(hem_as_completed_next)
{
    (void)f;
    hem_call c[] = {HEM_CALL_TASK(spawn_one())};
    hem_call *call;
    HEM_AS_COMPLETED(it, c, 1);
    return hem_as_completed_next(&it, &call);
}

CASE(at_once_hem_as_completed_next)
{
    hem_call *call;
    (void)f;
    HEM_AS_COMPLETED(it, NULL, 0);
    return hem_as_completed_next(&it, &call);
}

/* Left early, it swallows a cancellation. */
CASE(hem_as_completed_close)
{
    (void)f;
    hem_call c[] = {HEM_CALL(yield_once, NULL)};
    hem_as_completed it;
    check_int(hem_as_completed_open(&it, c, 1, NULL), 0);
    check_int(hem_as_completed_close(&it, 0), 0);
    bool swallowed = hem_task_cancelling(hem_self()) > 0 &&
                     !hem_task_cancel_pending(hem_self());
    return swallowed ? HEM_ECANCELED : 0;
}

CASE(at_once_hem_as_completed_close)
{
    return call_open(f);
}

CASE(hem_race)
{
    hem_call c[] = {HEM_CALL_TASK(f->ended)};
    return hem_race(c, 1, 0);
}

CASE(hem_cancel_and_wait)
{
    (void)f;
    return hem_cancel_and_wait(spawn_one(), NULL);
}

CASE(at_once_hem_cancel_and_wait)
{
    return hem_cancel_and_wait(f->ended, NULL);
}

CASE(hem_cancel_and_wait_all)
{
    return hem_cancel_and_wait_all(&f->ended, 1, NULL);
}

CASE(at_once_hem_cancel_and_wait_all)
{
    (void)f;
    return hem_cancel_and_wait_all(NULL, 0, NULL);
}

CASE(hem_shield)
{
    (void)f;
    return hem_shield(hem_task_future(spawn_one()));
}

CASE(at_once_hem_shield)
{
    return hem_shield(hem_task_future(f->ended));
}

CASE(hem_wait_for)
{
    (void)f;
    return hem_wait_for(yield_once, NULL, HEM_SEC);
}

CASE(at_once_hem_wait_for)
{
    (void)f;
    return hem_wait_for(give_one, NULL, HEM_SEC);
}

CASE(hem_future_wait_for)
{
    (void)f;
    return hem_future_wait_for(hem_task_future(spawn_one()), HEM_SEC);
}

CASE(at_once_hem_future_wait_for)
{
    check_int(hem_future_wait_for(hem_task_future(f->ended), 0), 1);
    return hem_future_wait_for(hem_task_future(f->ended), HEM_SEC);
}

/* clang-format off */
static const struct suspension table[] = {
    AT_ONCE(hem_gather),
    NEVER(hem_gather_start, gather),
    NEVER(hem_gather_future, gather),
    NEVER(hem_gather_stop, gather),
    SUSPENDS(hem_wait),
    NEVER(hem_as_completed_open, open),
    AT_ONCE(hem_as_completed_next),
    AT_ONCE(hem_as_completed_close),
    SUSPENDS(hem_race),
    AT_ONCE(hem_cancel_and_wait),
    AT_ONCE(hem_cancel_and_wait_all),
    AT_ONCE(hem_shield),
    NEVER(hem_shield_start, shield),
    NEVER(hem_shield_future, shield),
    NEVER(hem_shield_stop, shield),
    AT_ONCE(hem_wait_for),
    AT_ONCE(hem_future_wait_for),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {"gather", "cancel"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}

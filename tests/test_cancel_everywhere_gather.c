/* SPDX-License-Identifier: MIT */
/* Several calls at once, and those who cancel and wait, cancelled everywhere. */
#include "cancel_everywhere.h"
#include "support.h"

/* What functions and tasks of a flow have begun and ended. */
struct work {
    int begun, ended;
};

static int work_for(struct work *w, hem_ns d, int result)
{
    w->begun++;
    int rc = hem_sleep(d);
    w->ended++;
    return rc < 0 ? rc : result;
}

static int quick(void *arg)
{
    return work_for(arg, HEM_MSEC, 1);
}

static int slow(void *arg)
{
    return work_for(arg, 3 * HEM_MSEC, 3);
}

static int bad(void *arg)
{
    return work_for(arg, 2 * HEM_MSEC, HEM_EIO);
}

/* Needs a while, and cannot be hurried. */
static int thorough(void *arg)
{
    hem_scope s;
    HEM_TRY(hem_shield_open(&s, NULL));
    int rc = work_for(arg, 2 * HEM_MSEC, 2);
    return hem_shield_close(&s, rc);
}

static void expect_all_ended(const struct work *w)
{
    check_int(w->begun, w->ended);
}

/* Functions beside a task, gathered in a task that is gathered itself. */

struct gather {
    struct work work;
    hem_task *given;
};

static void gather_begin(void *state)
{
    (void)state;
}

static int gather_inner(void *arg)
{
    struct gather *s = arg;
    hem_call c[] = {HEM_CALL(quick, &s->work), HEM_CALL(thorough, &s->work),
                    HEM_CALL_TASK(s->given)};
    HEM_TRY(hem_gather(c, 3, HEM_RETURN_ERRORS));
    check(c[0].order > 0 && c[1].order > 0 && c[2].order > 0);
    return 0;
}

static int gather_body(void *arg)
{
    struct gather *s = arg;
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&scope, &s->given, slow, &s->work));
    hem_call c[] = {HEM_CALL(gather_inner, s), HEM_CALL_TASK(s->given),
                    HEM_CALL(quick, &s->work)};
    int rc = hem_gather(c, 3, 0);
    return hem_scope_close(&scope, rc);
}

static void gather_end(void *state, const struct disturbance *d)
{
    const struct gather *s = state;
    expect_all_ended(&s->work);
    if (!d->requests)
        check_int(d->rc, 0);
    if (d->body)
        check_int(d->rc, HEM_ECANCELED);
}

/* A failure among functions; another task waits for the same future. */

struct fail {
    struct work work;
    hem_future future;
};

static void fail_begin(void *state)
{
    struct fail *s = state;
    hem_future_init(&s->future);
}

static int fail_set(void *arg)
{
    struct fail *s = arg;
    int rc = work_for(&s->work, 4 * HEM_MSEC, 0);
    if (!hem_future_done(&s->future))
        check_int(hem_future_set_result(&s->future, 5), 0);
    return rc;
}

static int fail_body(void *arg)
{
    struct fail *s = arg;
    HEM_SCOPE(scope);
    HEM_TRY(hem_scope_spawn(&scope, NULL, fail_set, s));
    hem_call c[] = {HEM_CALL(slow, &s->work), HEM_CALL(bad, &s->work),
                    HEM_CALL(thorough, &s->work), HEM_CALL_FUTURE(&s->future)};
    int rc = hem_gather(c, 4, 0);
    if (rc == HEM_EIO)
        check(c[1].order > 0 && c[1].error != NULL);
    return hem_scope_close(&scope, rc);
}

static void fail_end(void *state, const struct disturbance *d)
{
    const struct fail *s = state;
    expect_all_ended(&s->work);
    if (!d->requests)
        check_int(d->rc, HEM_EIO);
}

/* Some of them, then each of the rest. */

struct some {
    struct work work;
    int got;
};

static void some_begin(void *state)
{
    (void)state;
}

static int some_each(struct some *s, hem_call *c, size_t n)
{
    hem_call *call;
    HEM_AS_COMPLETED(it, c, n, .timeout = 20 * HEM_MSEC);
    int rc;
    while ((rc = hem_as_completed_next(&it, &call)) > 0) {
        HEM_TRY(hem_yield()); /* leaves early */
        s->got++;
    }
    return hem_as_completed_close(&it, rc);
}

static int some_body(void *arg)
{
    struct some *s = arg;
    hem_task *t[2];
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&scope, &t[0], quick, &s->work));
    HEM_TRY(hem_scope_spawn(&scope, &t[1], slow, &s->work));
    hem_call c[] = {HEM_CALL_TASK(t[0]), HEM_CALL_TASK(t[1]),
                    HEM_CALL(thorough, &s->work), HEM_CALL(quick, &s->work)};
    int rc = hem_wait(c, 2, &(hem_wait_options){.mode = HEM_FIRST_COMPLETED});
    if (rc >= 0)
        rc = some_each(s, c, 4);
    return hem_scope_close(&scope, rc);
}

static void some_end(void *state, const struct disturbance *d)
{
    const struct some *s = state;
    expect_all_ended(&s->work);
    if (!d->body && (!d->requests || strcmp(d->victim, "slow") == 0))
        check_int(s->got, 4);
    if (!d->requests)
        check_int(d->rc, 0);
}

/* A race with a loser that takes its time. */

struct race {
    struct work work;
};

static void race_begin(void *state)
{
    (void)state;
}

static int race_body(void *arg)
{
    struct race *s = arg;
    hem_call c[] = {HEM_CALL(thorough, &s->work), HEM_CALL(quick, &s->work),
                    HEM_CALL(slow, &s->work)};
    int rc = hem_race(c, 3, HEM_CONTINUE_ON_ERROR);
    check_int(s->work.begun, s->work.ended);
    return rc;
}

static void race_end(void *state, const struct disturbance *d)
{
    const struct race *s = state;
    expect_all_ended(&s->work);
    if (!d->requests)
        check_int(d->rc, 1);
}

/* Tasks that are stopped, in three ways. */

struct stop {
    struct work work;
};

static void stop_begin(void *state)
{
    (void)state;
}

static int stop_some(struct stop *s, hem_scope *scope)
{
    hem_task *t[4];
    for (size_t i = 0; i < COUNT_OF(t); i++)
        HEM_TRY(
            hem_scope_spawn(scope, &t[i], i % 2 ? slow : thorough, &s->work));
    HEM_TRY(hem_yield());
    HEM_TRY(hem_future_wait_for(hem_task_future(t[0]), HEM_MSEC));
    int rc = hem_cancel_and_wait(t[1], "one");
    if (rc == 0)
        check(hem_task_done(t[1]));
    HEM_TRY(rc);
    rc = hem_cancel_and_wait_all(t + 2, 2, "the others");
    if (rc == 0)
        check(hem_task_done(t[2]) && hem_task_done(t[3]));
    return rc;
}

static int stop_body(void *arg)
{
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    int rc = stop_some(arg, &scope);
    return hem_scope_close(&scope, rc);
}

static void stop_end(void *state, const struct disturbance *d)
{
    const struct stop *s = state;
    expect_all_ended(&s->work);
    if (d->body)
        check(d->rc == HEM_ECANCELED || d->rc == HEM_ETIMEDOUT);
}

/* Work that goes on behind a shield when who waits for it is gone. */

struct behind {
    struct work work;
    int waited; /* in whatever way */
};

static void behind_begin(void *state)
{
    (void)state;
}

static int behind_one(void *arg)
{
    struct behind *s = arg;
    hem_task *t;
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&scope, &t, slow, &s->work));
    hem_shielded shield;
    hem_shield_start(&shield, hem_task_future(t));
    int rc = hem_wait_for(quick, &s->work, 2 * HEM_MSEC);
    if (rc >= 0)
        rc = hem_future_wait_for(hem_shield_future(&shield), HEM_MSEC);
    hem_shield_stop(&shield);
    if (rc == HEM_ETIMEDOUT) /* it was not disturbed */
        rc = hem_shield(hem_task_future(t));
    s->waited++;
    return hem_scope_close(&scope, rc);
}

static int behind_body(void *arg)
{
    hem_call c[] = {HEM_CALL(behind_one, arg), HEM_CALL(behind_one, arg)};
    return hem_gather(c, 2, HEM_RETURN_ERRORS);
}

static void behind_end(void *state, const struct disturbance *d)
{
    const struct behind *s = state;
    expect_all_ended(&s->work);
    if (!d->requests) {
        check_int(s->waited, 2);
        check_int(d->rc, 0);
    }
}

int main(void)
{
    static const struct flow flows[] = {FLOW(gather), FLOW(fail), FLOW(some),
                                        FLOW(race),   FLOW(stop), FLOW(behind)};
    return cancel_everywhere(flows, COUNT_OF(flows));
}
